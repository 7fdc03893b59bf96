//! YAML, and JSON with it, read with care: no key twice, strict booleans, limits on all that could blow up.
//!
//! In: text, of specs or of files that other tools read. Out: values. Absent: what they mean.

use serde::de::DeserializeOwned;
use serde_saphyr::{Options, options::DuplicateKeyPolicy};

/// Most bytes of one text; a real one has some thousands.
pub const TEXT_LIMIT: usize = 1 << 20;

/// A text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// It is too long.
    #[error("it has {bytes} bytes, the limit is {TEXT_LIMIT}; split it")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is no YAML, or holds something else than what was asked for.
    #[error("{why}")]
    Syntax {
        /// The reader's words, with line and column.
        why: String,
    },
}

/// Reads the one document of `text`.
///
/// # Errors
///
/// [`YamlError`] if it is too long, no YAML, or no `T`.
pub fn one<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    check_length(text)?;
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| syntax(&error))
}

/// Reads every document of `text`.
///
/// # Errors
///
/// [`YamlError`] if it is too long, no YAML, or holds something else than `T`s.
pub fn all<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, YamlError> {
    check_length(text)?;
    serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| syntax(&error))
}

/// How every text is read.
pub(crate) fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: 100_000,
            max_events: 400_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 100_000,
        },
    }
}

fn check_length(text: &str) -> Result<(), YamlError> {
    let bytes = text.len();
    if bytes <= TEXT_LIMIT { Ok(()) } else { Err(YamlError::TooLong { bytes }) }
}

fn syntax(error: &serde_saphyr::Error) -> YamlError {
    YamlError::Syntax { why: error.to_string() }
}
