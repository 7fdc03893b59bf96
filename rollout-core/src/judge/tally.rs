//! Tally: what the readings of a metric add up to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    condition::Compared,
    metric::{Finding, Metric},
    number::{Number, NumberError},
    threshold::Reason,
};
use crate::time::{Span, Timestamp};

/// Most characters of an error's text that are kept.
const ERROR_LIMIT: usize = 200;

/// What one query gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A value.
    Value(Number),
    /// An answer without a value.
    NoData,
    /// No answer, or one that is no finite number: what was seen instead, without secrets.
    Error(String),
}

/// What the readings of a metric add up to. Starts empty with each attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Passing values.
    pub passed: u64,
    /// Failing values.
    pub failed: u64,
    /// Values that are neither.
    pub inconclusive: u64,
    /// Passing values since the last other one.
    pub passed_in_a_row: u64,
    /// Failing values since the last other one.
    pub failed_in_a_row: u64,
    /// Errors since the last value.
    pub errors_in_a_row: u64,
    /// Empty readings since the last value.
    pub no_data_in_a_row: u64,
    /// When the first value was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_value_at: Option<Timestamp>,
    /// When the last value was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_value_at: Option<Timestamp>,
    /// When anything was read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// The last failing value and what it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failing: Option<Compared>,
    /// The last error's text, at most 200 characters of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Why it failed, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Reason>,
}

impl Reading {
    /// The reading that `text` is: a number as a source writes it, or nothing.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        match text.trim() {
            "" => Self::NoData,
            text => text.parse().map_or_else(|error: NumberError| error.into(), Self::Value),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(number) => write!(f, "{number}"),
            Self::NoData => f.write_str("no data"),
            Self::Error(text) => write!(f, "error: {text}"),
        }
    }
}

impl From<NumberError> for Reading {
    fn from(error: NumberError) -> Self {
        Self::Error(error.to_string())
    }
}

impl Tally {
    /// Adds what was read at `at`. Once the limits of `metric` are exceeded, nothing brings it back.
    pub fn add(&mut self, metric: &Metric, at: Timestamp, reading: &Reading) {
        self.last_at = Some(at);
        match reading {
            Reading::Value(value) => self.add_value(metric, at, *value),
            Reading::NoData => self.no_data_in_a_row = self.no_data_in_a_row.saturating_add(1),
            Reading::Error(text) => {
                self.errors_in_a_row = self.errors_in_a_row.saturating_add(1);
                self.last_error = Some(text.chars().take(ERROR_LIMIT).collect());
            }
        }
        if self.failure.is_none() {
            self.failure = metric.failure(self);
        }
    }

    fn add_value(&mut self, metric: &Metric, at: Timestamp, value: Number) {
        (self.errors_in_a_row, self.no_data_in_a_row) = (0, 0);
        self.first_value_at.get_or_insert(at);
        self.last_value_at = Some(at);
        match metric.hold(value) {
            Finding::Passing(_) => {
                self.passed = self.passed.saturating_add(1);
                self.passed_in_a_row = self.passed_in_a_row.saturating_add(1);
                self.failed_in_a_row = 0;
            }
            Finding::Failing(compared) => {
                self.failed = self.failed.saturating_add(1);
                self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
                self.passed_in_a_row = 0;
                self.last_failing = Some(compared);
            }
            Finding::Undecided => {
                self.inconclusive = self.inconclusive.saturating_add(1);
                (self.passed_in_a_row, self.failed_in_a_row) = (0, 0);
            }
        }
    }

    /// Values read, whatever they are.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.passed.saturating_add(self.failed).saturating_add(self.inconclusive)
    }

    /// Time from the first value to the last.
    #[must_use]
    pub fn watched(&self) -> Span {
        match (self.first_value_at, self.last_value_at) {
            (Some(first), Some(last)) => last.since(first),
            (None, _) | (_, None) => Span::ZERO,
        }
    }
}
