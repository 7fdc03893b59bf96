//! Metric: one query and what its values are held against, as a person writes it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    condition::{Compared, Condition},
    number::Number,
    tally::Tally,
};
use crate::time::{Span, Timestamp};

/// One query, read again and again, each value held against one or two conditions.
///
/// With `pass` alone every other value fails; with `fail` alone every other value passes. With both, a value
/// that meets both fails, and one that meets neither is undecided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name, for people.
    pub name: String,
    /// What is asked, in the words of the source; the engine hands it on unread.
    pub query: String,
    /// Who is asked, of several sources. Default: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What a good value meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Condition>,
    /// What a bad value meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Condition>,
    /// Time from one reading to the next. Default: 1 min.
    #[serde(default = "default_interval")]
    pub interval: Span,
    /// Time from the beginning of the exposure to the first reading. Default: none.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub initial_delay: Span,
    /// Values after which it is decided. Default: as many as `min_samples` and `min_duration` ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Fewest values that pass, whatever they are. Default: 1.
    #[serde(default = "default_samples")]
    pub min_samples: u64,
    /// Least time from the first value to the last that passes. Default: none.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub min_duration: Span,
    /// Failing values that are tolerated, or `none` for no limit. Default: 0, but `none` beside
    /// `consecutive_failure_limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<Limit>,
    /// Failing values in a row that are tolerated. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_failure_limit: Option<u64>,
    /// Passing values in a row that are asked for. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_success_limit: Option<u64>,
    /// Undecided values that are tolerated. Default: 0.
    #[serde(default)]
    pub inconclusive_limit: u64,
    /// Errors without a value in between that are tolerated. Default: 4.
    #[serde(default = "default_errors")]
    pub error_limit: u64,
    /// Empty readings without a value in between that are tolerated. Default: 4.
    #[serde(default = "default_errors")]
    pub no_data_limit: u64,
    /// Whether it is read and told but decides nothing. Default: no.
    #[serde(default)]
    pub dry_run: bool,
}

/// A number of values that is tolerated, written as such, or no limit, written `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "WrittenLimit", into = "WrittenLimit")]
pub enum Limit {
    /// At most so many.
    Most(u64),
    /// Any number.
    Unlimited,
}

/// A limit as a person writes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, rename = "Limit", expecting = "a whole number such as `3`, or `none`")]
enum WrittenLimit {
    Most(u64),
    Word(Word),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    None,
}

impl From<WrittenLimit> for Limit {
    fn from(written: WrittenLimit) -> Self {
        match written {
            WrittenLimit::Most(limit) => Self::Most(limit),
            WrittenLimit::Word(Word::None) => Self::Unlimited,
        }
    }
}

impl From<Limit> for WrittenLimit {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Most(limit) => Self::Most(limit),
            Limit::Unlimited => Self::Word(Word::None),
        }
    }
}

fn default_interval() -> Span {
    Span::from_secs(60)
}

fn default_samples() -> u64 {
    1
}

fn default_errors() -> u64 {
    4
}

/// What one value is, held against the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is good.
    Passing(Compared),
    /// It is bad.
    Failing(Compared),
    /// It is neither.
    Undecided,
}

impl Metric {
    /// Holds `value` against the conditions.
    #[must_use]
    pub fn hold(&self, value: Number) -> Finding {
        let compare = |condition: Option<Condition>| {
            condition.map(|condition| {
                let holds = condition.holds(value);
                Compared { value, condition, holds }
            })
        };
        match (compare(self.pass), compare(self.fail)) {
            (_, Some(fail)) if fail.holds => Finding::Failing(fail),
            (Some(pass), _) if pass.holds => Finding::Passing(pass),
            (None, Some(fail)) => Finding::Passing(fail),
            (Some(pass), None) => Finding::Failing(pass),
            (Some(_), Some(_)) | (None, None) => Finding::Undecided,
        }
    }

    /// When its next reading is due, for an exposure that began at `began`.
    #[must_use]
    pub fn next_due(&self, began: Timestamp, tally: &Tally) -> Timestamp {
        let first = began.after(self.initial_delay);
        tally.last_at.map_or(first, |last| last.after(self.interval).max(first))
    }

    /// The least time from the beginning of the exposure until it can pass.
    #[must_use]
    pub fn least(&self) -> Span {
        let in_a_row = self.consecutive_success_limit.unwrap_or(0);
        let counted =
            if self.consecutive_success_limit.is_some() { 0 } else { self.count.unwrap_or(0) };
        let readings = self.min_samples.max(in_a_row).max(counted).max(1);
        let spread = self.interval.times(readings - 1).max(self.min_duration);
        self.initial_delay.plus(spread)
    }

    /// Failing values that are tolerated in all; `None` for no limit.
    pub(super) fn failures_allowed(&self) -> Option<u64> {
        match self.failure_limit {
            Some(Limit::Most(limit)) => Some(limit),
            Some(Limit::Unlimited) => None,
            None if self.consecutive_failure_limit.is_some() => None,
            None => Some(0),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric `{}`", self.name)?;
        if let Some(pass) = &self.pass {
            write!(f, " passes {pass}")?;
        }
        if let Some(fail) = &self.fail {
            write!(f, " fails {fail}")?;
        }
        Ok(())
    }
}
