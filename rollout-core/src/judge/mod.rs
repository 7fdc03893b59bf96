//! Judge: what evidence says.
//!
//! In: readings and what they are held against. Out: a [`Verdict`] and the numbers it rests on. Absent: clocks,
//! queries, floats; what to do about a verdict is the engine's.

mod check;
mod condition;
mod metric;
mod number;
mod tally;
mod threshold;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    check::MetricError,
    condition::{Band, Compared, Condition},
    metric::{Finding, Limit, Metric},
    number::{Number, NumberError},
    tally::{Reading, Tally},
    threshold::{Judgement, Reason},
};

/// What evidence says. Only a pass lets a rollout advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is enough of it, and it is good.
    Pass,
    /// It is bad. It stays so for the attempt.
    Fail,
    /// There is not enough of it yet.
    Continue,
    /// It has ended and says neither.
    NoData,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Continue => "continue",
            Self::NoData => "no data",
        })
    }
}

#[cfg(test)]
mod tests;
