//! Candidates by name: what the new revision is like.
//!
//! In: a name, with a value where it takes one. Out: what is true of the revision in the world.

use std::{fmt, str::FromStr};

use rollout_core::{time::Span, weight::Weight};

use crate::world::Truth;

/// What the new revision is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Candidate {
    /// It works.
    #[default]
    Good,
    /// It runs and never answers.
    NeverReady,
    /// It ends this long after its start, before it ever answers.
    CrashAtStart(Span),
    /// It answers, and after this long no more.
    UnreadyAfter(Span),
    /// It answers, and ends after this long.
    CrashAfter(Span),
    /// It answers this share of its requests with an error.
    Errors(Weight),
    /// It answers with so many times the errors of the stable revision.
    ErrorsTimes(u64),
    /// It answers more and more requests with an error, until so long after its start they are this share.
    SlowBurn(Weight, Span),
    /// It answers this share with an error while an instance gets more than its even share.
    UnderLoad(Weight),
    /// It answers this share with an error in one zone.
    InZone(Weight),
    /// It takes so many times as long to answer.
    Slow(u64),
}

/// A candidate that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownCandidate {
    /// There is none of that name.
    #[error("`{name}` is no candidate; take one of {}", Candidate::NAMES)]
    Name {
        /// The name as given.
        name: String,
    },
    /// Its value cannot be read.
    #[error("`{value}` is no value for the candidate `{name}`; write for example `{example}`")]
    Value {
        /// The name.
        name: String,
        /// The value as given.
        value: String,
        /// How it may be written.
        example: &'static str,
    },
    /// It takes no value.
    #[error("the candidate `{name}` takes no value; leave `={value}` out")]
    NoValue {
        /// The name.
        name: String,
        /// The value as given.
        value: String,
    },
}

/// What a fleet is like, as far as it decides what is true of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    /// Requests that the stable revision answers with an error, in a million.
    pub(super) errors: u64,
    /// Requests a second that each instance gets if all of them share evenly.
    pub(super) even: u64,
}

impl Candidate {
    /// Every name, with an example of its value.
    pub const NAMES: &'static str = "good, never_ready, crash_at_start=300ms, unready_after=3s, \
        crash_after=3s, errors=10%, errors=x5, slow_burn=20%/1m, under_load=20%, in_zone=50%, slow=x3";

    /// What is true of it.
    pub(super) fn truth(self, beside: Beside) -> Truth {
        match self {
            Self::Good if beside.errors == 0 => Truth::Good,
            Self::Good => Truth::Errors { parts: beside.errors },
            Self::NeverReady => Truth::NeverReady,
            Self::CrashAtStart(after) => Truth::CrashesAtStart { after: after.as_millis() },
            Self::UnreadyAfter(after) => Truth::UnreadyAfter { after: after.as_millis() },
            Self::CrashAfter(after) => Truth::CrashesAfter { after: after.as_millis() },
            Self::Errors(share) => Truth::Errors { parts: parts(share) },
            Self::ErrorsTimes(times) => {
                Truth::Errors { parts: beside.errors.saturating_mul(times).min(1_000_000) }
            }
            Self::SlowBurn(share, over) => {
                Truth::SlowBurn { parts: parts(share), over: over.as_millis() }
            }
            Self::UnderLoad(share) => {
                Truth::UnderLoad { parts: parts(share), above: beside.even + beside.even / 20 }
            }
            Self::InZone(share) => Truth::InZone { parts: parts(share), zone: 0 },
            Self::Slow(times) => Truth::Slow { times },
        }
    }
}

/// A share in parts of a million.
pub(super) const fn parts(share: Weight) -> u64 {
    share.basis_points() * 100
}

impl FromStr for Candidate {
    type Err = UnknownCandidate;
    fn from_str(text: &str) -> Result<Self, UnknownCandidate> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let wrong = |example| {
            let value = value.unwrap_or_default().to_owned();
            UnknownCandidate::Value { name: name.to_owned(), value, example }
        };
        let span = |default, example| match value {
            Some(value) => value.parse::<Span>().map_err(|_| wrong(example)),
            None => Ok(Span::from_millis(default)),
        };
        let share =
            |default, example| percent(value.unwrap_or(default)).ok_or_else(|| wrong(example));
        Ok(match name {
            "good" | "never_ready" => {
                if let Some(value) = value {
                    let (name, value) = (name.to_owned(), value.to_owned());
                    return Err(UnknownCandidate::NoValue { name, value });
                }
                if name == "good" { Self::Good } else { Self::NeverReady }
            }
            "crash_at_start" => Self::CrashAtStart(span(300, "crash_at_start=300ms")?),
            "unready_after" => Self::UnreadyAfter(span(3000, "unready_after=3s")?),
            "crash_after" => Self::CrashAfter(span(3000, "crash_after=3s")?),
            "errors" => match value.and_then(times) {
                Some(times) => Self::ErrorsTimes(times),
                None => Self::Errors(share("10%", "errors=10%")?),
            },
            "slow_burn" => {
                let (share, over) = value.unwrap_or("20%/1m").split_once('/').unwrap_or_default();
                match (percent(share), over.parse()) {
                    (Some(share), Ok(over)) => Self::SlowBurn(share, over),
                    (_, _) => return Err(wrong("slow_burn=20%/1m")),
                }
            }
            "under_load" => Self::UnderLoad(share("20%", "under_load=20%")?),
            "in_zone" => Self::InZone(share("50%", "in_zone=50%")?),
            "slow" => Self::Slow(times(value.unwrap_or("x3")).ok_or_else(|| wrong("slow=x3"))?),
            _ => return Err(UnknownCandidate::Name { name: name.to_owned() }),
        })
    }
}

/// A share that is written with its sign, so that `5` is not taken for `x5`.
fn percent(text: &str) -> Option<Weight> {
    text.ends_with('%').then(|| text.parse().ok()).flatten()
}

/// A factor, such as `x5`, from 1 to 1000.
fn times(text: &str) -> Option<u64> {
    let factor = text.strip_prefix('x')?.parse().ok()?;
    (1..=1000).contains(&factor).then_some(factor)
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::NeverReady => f.write_str("never_ready"),
            Self::CrashAtStart(after) => write!(f, "crash_at_start={after}"),
            Self::UnreadyAfter(after) => write!(f, "unready_after={after}"),
            Self::CrashAfter(after) => write!(f, "crash_after={after}"),
            Self::Errors(share) => write!(f, "errors={share}"),
            Self::ErrorsTimes(times) => write!(f, "errors=x{times}"),
            Self::SlowBurn(share, over) => write!(f, "slow_burn={share}/{over}"),
            Self::UnderLoad(share) => write!(f, "under_load={share}"),
            Self::InZone(share) => write!(f, "in_zone={share}"),
            Self::Slow(times) => write!(f, "slow=x{times}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_is_read_as_it_is_written() {
        for text in Candidate::NAMES.split(", ") {
            let candidate: Candidate = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(candidate.to_string(), text);
        }
        assert_eq!("errors".parse(), Ok(Candidate::Errors(Weight::share(1, 10))));
    }

    #[test]
    fn what_is_none_is_refused_with_a_way_out() {
        for (text, words) in [
            ("tired", "take one of good"),
            ("errors=5", "`errors=10%`"),
            ("slow=3", "`slow=x3`"),
            ("slow=x0", "`slow=x3`"),
            ("slow_burn=20%", "`slow_burn=20%/1m`"),
            ("crash_after=3", "`crash_after=3s`"),
            ("good=3s", "leave `=3s` out"),
        ] {
            let why = text.parse::<Candidate>().expect_err(text).to_string();
            assert!(why.contains(words), "{text}: {why}");
        }
    }
}
