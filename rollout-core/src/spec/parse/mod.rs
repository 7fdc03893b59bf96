//! Reads specs, strictly: what is not understood is refused, with its place and the nearest known name.
//!
//! In: text in YAML or JSON. Out: a [`Spec`], or one [`ParseError`]. Absent: what the numbers mean, which
//! [`crate::spec::CheckedSpec`] looks at.

mod json;
mod nearest;
mod yaml;

use std::fmt;

use super::Spec;
pub use crate::yaml::TEXT_LIMIT;

/// How a spec is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2, one document.
    Yaml,
    /// JSON.
    Json,
}

/// A text that is no spec: where, what and the nearest thing that would be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line in the text, from 1.
    pub line: u64,
    /// Column in the line, from 1.
    pub column: u64,
    /// Path of the field, such as `strategy.rolling.surge`; empty for the text as a whole.
    pub path: String,
    /// What is wrong, with the value.
    pub message: String,
    /// The known name that was probably meant.
    pub suggestion: Option<String>,
}

/// Reads a spec from `text`.
///
/// # Errors
///
/// [`ParseError`] names the first place that is not understood.
pub fn parse(text: &str, format: Format) -> Result<Spec, ParseError> {
    if TEXT_LIMIT < text.len() {
        return Err(ParseError::whole(format!(
            "the text has {} bytes, the limit is {TEXT_LIMIT}; a spec is one small document",
            text.len()
        )));
    }
    match format {
        Format::Yaml => yaml::parse(text),
        Format::Json => json::parse(text),
    }
}

impl Spec {
    /// Reads a spec from YAML.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first place that is not understood.
    pub fn from_yaml(text: &str) -> Result<Self, ParseError> {
        parse(text, Format::Yaml)
    }

    /// Reads a spec from JSON.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first place that is not understood.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        parse(text, Format::Json)
    }
}

impl ParseError {
    /// An error about the text as a whole.
    fn whole(message: String) -> Self {
        Self { line: 1, column: 1, path: String::new(), message, suggestion: None }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}

/// What is wrong at a place, in words that are the same for every format.
enum Wrong {
    /// A name that is not known, and the ones that are.
    Unknown { what: &'static str, name: String, known: Vec<String> },
    /// Anything else.
    Said(String),
}

impl Wrong {
    /// The error for this at a place.
    fn at(self, line: u64, column: u64, path: String) -> ParseError {
        let (message, suggestion) = match self {
            Self::Said(message) => (message, None),
            Self::Unknown { what, name, known } => match nearest::nearest(&name, &known) {
                Some(near) => (format!("unknown {what} `{name}`"), Some(near)),
                None => {
                    (format!("unknown {what} `{name}`; known here: {}", known.join(", ")), None)
                }
            },
        };
        ParseError { line, column, path, message, suggestion }
    }
}

/// A path as a person reads it: without the marks for places that have no name.
fn readable(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    let named = path.trim_end_matches(['?', '.']);
    named.to_owned()
}

#[cfg(test)]
mod tests;
