//! What stands in the files: rows that were taken, and the list of those that were not.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The rows of one peer that speak of something this engine has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) peer: String,
    pub(super) about: String,
    /// How many rows the peer's own tables have, taken or not.
    pub(super) upstream_rows: usize,
    pub(super) rows: Vec<Taken>,
}

/// One row: what is given, what the peer expects, and where it says so.
#[derive(Deserialize)]
pub(super) struct Taken {
    /// Test and case of the peer.
    pub(super) row: String,
    pub(super) source: String,
    #[serde(flatten)]
    pub(super) case: Row,
}

/// What is played.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) rule: String,
    pub(super) given: Value,
    pub(super) expected: Value,
}

/// Rows that were not taken as they are, for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub(super) verdict: Verdict,
    pub(super) why: String,
    pub(super) rows: Vec<Other>,
}

/// Why rows are not taken as they are.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// This engine gives another answer on purpose.
    Differs,
    /// They speak of something that this engine leaves to others.
    NotOurs,
    /// They speak of something that this engine does not have yet.
    Waits,
}

/// One row that was not taken as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Other {
    pub(super) peer: String,
    pub(super) row: String,
    /// The answer that this engine gives, where it has one.
    #[serde(default)]
    pub(super) ours: Option<Row>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

/// What is given, in the shape that its rule wants.
pub(super) fn of<T: DeserializeOwned>(given: Value) -> T {
    let text = given.to_string();
    serde_json::from_value(given).unwrap_or_else(|error| panic!("{error} in {text}"))
}
