//! Hypotheses: what a person expects to stay so, whatever goes wrong, and whether it did.
//!
//! In: a text such as `p99 < 200ms`. Out: for every second of a film whether it holds.

use std::{fmt, str::FromStr};

use rollout_core::{time::Span, weight::Weight};

use crate::runner::Second;

/// What a person expects to stay so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypothesis {
    /// 99 of 100 answers take less time.
    P99(Span),
    /// Less than this share of the requests fails.
    Errors(Weight),
    /// At least so many instances answer requests.
    Capacity(u64),
}

/// A text that is no hypothesis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no hypothesis; write for example `p99 < 200ms`, `errors < 0.1%` or `capacity >= 3`"
)]
pub struct NotAHypothesis {
    /// The text as given.
    pub text: String,
}

impl Hypothesis {
    /// Whether it holds in a second.
    #[must_use]
    pub fn holds(self, second: &Second) -> bool {
        match self {
            Self::P99(limit) => second.p99.is_none_or(|p99| p99 < limit.as_millis() * 1000),
            Self::Errors(limit) => {
                let failed: u64 = second.failed.iter().sum();
                failed == 0 || failed * 10_000 < limit.basis_points() * second.sent
            }
            Self::Capacity(least) => least <= second.capacity,
        }
    }

    /// What it is in a second, in words.
    pub(super) fn measured(self, second: &Second) -> String {
        match self {
            Self::P99(_) => format!("p99 {} ms", second.p99.unwrap_or_default() / 1000),
            Self::Errors(_) => {
                let failed: u64 = second.failed.iter().sum();
                format!("{failed} of {} requests failed", second.sent)
            }
            Self::Capacity(_) => format!("{} instances answered", second.capacity),
        }
    }
}

impl FromStr for Hypothesis {
    type Err = NotAHypothesis;
    fn from_str(text: &str) -> Result<Self, NotAHypothesis> {
        let read = |sign| text.split_once(sign).map(|(what, limit)| (what.trim(), limit.trim()));
        let found = match (read(">="), read("<")) {
            (Some(("capacity", least)), _) => least.parse().ok().map(Self::Capacity),
            (None, Some(("p99", limit))) => limit.parse().ok().map(Self::P99),
            (None, Some(("errors", limit))) => limit.parse().ok().map(Self::Errors),
            (_, _) => None,
        };
        found.ok_or_else(|| NotAHypothesis { text: text.to_owned() })
    }
}

impl fmt::Display for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P99(limit) => write!(f, "p99 < {limit}"),
            Self::Errors(limit) => write!(f, "errors < {limit}"),
            Self::Capacity(least) => write!(f, "capacity >= {least}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hypotheses_are_read_as_they_are_written() {
        for text in ["p99 < 200ms", "errors < 0.1%", "capacity >= 3"] {
            let read: Hypothesis = text.parse().expect(text);
            assert_eq!(read.to_string(), text);
            assert_eq!(text.replace(' ', "").parse(), Ok(read));
        }
        for text in ["p99 > 200ms", "p99 < 200", "capacity < 3", "latency < 1s", ""] {
            let why = text.parse::<Hypothesis>().expect_err(text).to_string();
            assert!(why.ends_with("`errors < 0.1%` or `capacity >= 3`"), "{why}");
        }
    }
}
