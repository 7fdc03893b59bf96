//! Threshold: the absolute judgement of one metric.
//!
//! The limits are those of Argo Rollouts' analysis; two rules differ. Where there a later check takes the place
//! of an earlier one, the worse verdict wins here. And what ends without enough values, not one of them passing,
//! is no data here, not a success.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Verdict, condition::Compared, metric::Metric, tally::Tally};
use crate::time::Span;

/// A verdict and the numbers it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What counts.
    pub verdict: Verdict,
    /// What it would be if the metric decided anything; only of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry: Option<Verdict>,
    /// Why.
    pub reason: Reason,
}

/// Why a judgement is what it is, with the numbers compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// More values failed than are tolerated.
    Failures {
        /// That many.
        failed: u64,
        /// So many are tolerated.
        limit: u64,
        /// The last of them.
        last: Option<Compared>,
    },
    /// More values in a row failed than are tolerated.
    FailuresInARow {
        /// That many.
        failed: u64,
        /// So many are tolerated.
        limit: u64,
        /// The last of them.
        last: Option<Compared>,
    },
    /// More errors came without a value in between than are tolerated.
    Errors {
        /// That many.
        errors: u64,
        /// So many are tolerated.
        limit: u64,
        /// The last one's text.
        last: Option<String>,
    },
    /// More values were undecided than are tolerated.
    Inconclusive {
        /// That many.
        inconclusive: u64,
        /// So many are tolerated.
        limit: u64,
    },
    /// More readings were empty, without a value in between, than are tolerated.
    Empty {
        /// That many.
        readings: u64,
        /// So many are tolerated.
        limit: u64,
    },
    /// All values are in, and too few passed in a row.
    TooFewInARow {
        /// That many did.
        passed: u64,
        /// So many are asked for.
        wanted: u64,
        /// Values read.
        samples: u64,
    },
    /// There are too few values, over too short a time, or none of them passed.
    TooLittle {
        /// Values read.
        samples: u64,
        /// Values asked for.
        wanted: u64,
        /// Values that passed.
        passed: u64,
        /// Time from the first value to the last.
        watched: Span,
        /// Time asked for.
        wanted_for: Span,
    },
    /// There is enough, and it is good.
    Enough {
        /// Values that passed.
        passed: u64,
        /// Values read.
        samples: u64,
        /// Time from the first value to the last.
        watched: Span,
    },
}

impl Metric {
    /// What `tally` says. `is_over`: nothing more will be read, and no reading is under way.
    #[must_use]
    pub fn assess(&self, tally: &Tally, is_over: bool) -> Judgement {
        let (verdict, reason) = self.judge(tally, is_over);
        match verdict {
            Verdict::Pass | Verdict::Fail | Verdict::NoData if self.dry_run => {
                Judgement { verdict: Verdict::Pass, dry: Some(verdict), reason }
            }
            Verdict::Pass | Verdict::Fail | Verdict::NoData | Verdict::Continue => {
                Judgement { verdict, dry: None, reason }
            }
        }
    }

    /// The worst that can be said is said first.
    fn judge(&self, tally: &Tally, is_over: bool) -> (Verdict, Reason) {
        if let Some(failure) = tally.failure.clone().or_else(|| self.failure(tally)) {
            return (Verdict::Fail, failure);
        }
        if let Some(lack) = self.lack(tally) {
            return (Verdict::NoData, lack);
        }
        let (samples, passed, watched) = (tally.samples(), tally.passed, tally.watched());
        // So many in a row are the whole evidence asked for, before `count` as well.
        let is_complete = match self.consecutive_success_limit {
            Some(wanted) => wanted <= tally.passed_in_a_row,
            None => self.count.is_none_or(|count| count <= samples),
        };
        if is_complete && self.is_long(tally) && 0 < passed {
            return (Verdict::Pass, Reason::Enough { passed, samples, watched });
        }
        let is_over = is_over || self.is_counted(tally);
        (if is_over { Verdict::NoData } else { Verdict::Continue }, self.missing(tally))
    }

    /// Why `tally` fails, if it does.
    pub(super) fn failure(&self, tally: &Tally) -> Option<Reason> {
        let (failed, in_a_row, errors) =
            (tally.failed, tally.failed_in_a_row, tally.errors_in_a_row);
        let last = tally.last_failing;
        let allowed = self.failures_allowed();
        if let Some(limit) = allowed.filter(|limit| *limit < failed) {
            return Some(Reason::Failures { failed, limit, last });
        }
        if let Some(limit) = self.consecutive_failure_limit.filter(|limit| *limit < in_a_row) {
            return Some(Reason::FailuresInARow { failed: in_a_row, limit, last });
        }
        let limit = self.error_limit;
        if limit < errors {
            return Some(Reason::Errors { errors, limit, last: tally.last_error.clone() });
        }
        // Where no failing value is one too many, too few good ones in a row are what fails.
        let wanted = self.consecutive_success_limit?;
        let is_judged_so = allowed.is_none() && self.consecutive_failure_limit.is_none();
        let (passed, samples) = (tally.passed_in_a_row, tally.samples());
        let is_missed = is_judged_so && self.is_counted(tally) && passed < wanted;
        is_missed.then_some(Reason::TooFewInARow { passed, wanted, samples })
    }

    /// Whether the least number of values was read over the least time.
    fn is_long(&self, tally: &Tally) -> bool {
        self.min_samples <= tally.samples() && self.min_duration <= tally.watched()
    }

    /// Whether all values that were asked for are in, over the least time.
    fn is_counted(&self, tally: &Tally) -> bool {
        self.count.is_some_and(|count| count <= tally.samples()) && self.is_long(tally)
    }

    /// Why `tally` will never say anything, if so.
    fn lack(&self, tally: &Tally) -> Option<Reason> {
        let (inconclusive, readings) = (tally.inconclusive, tally.no_data_in_a_row);
        if self.inconclusive_limit < inconclusive {
            return Some(Reason::Inconclusive { inconclusive, limit: self.inconclusive_limit });
        }
        let limit = self.no_data_limit;
        (limit < readings).then_some(Reason::Empty { readings, limit })
    }

    /// What is missing for a pass.
    fn missing(&self, tally: &Tally) -> Reason {
        if let Some(wanted) = self.consecutive_success_limit.filter(|_| tally.passed != 0) {
            let (passed, samples) = (tally.passed_in_a_row, tally.samples());
            if passed < wanted {
                return Reason::TooFewInARow { passed, wanted, samples };
            }
        }
        Reason::TooLittle {
            samples: tally.samples(),
            wanted: self.min_samples.max(self.count.unwrap_or(0)),
            passed: tally.passed,
            watched: tally.watched(),
            wanted_for: self.min_duration,
        }
    }
}

/// Adds the last one, if it is known.
fn last(f: &mut fmt::Formatter<'_>, last: Option<&impl fmt::Display>) -> fmt::Result {
    last.map_or(Ok(()), |last| write!(f, "; the last one: {last}"))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures { failed, limit, last: value } => {
                write!(f, "{failed} failing values, {limit} are tolerated")?;
                last(f, value.as_ref())
            }
            Self::FailuresInARow { failed, limit, last: value } => {
                write!(f, "{failed} failing values in a row, {limit} are tolerated")?;
                last(f, value.as_ref())
            }
            Self::Errors { errors, limit, last: text } => {
                write!(f, "{errors} errors and no value in between, {limit} are tolerated")?;
                last(f, text.as_ref())
            }
            Self::Inconclusive { inconclusive, limit } => {
                write!(f, "{inconclusive} undecided values, {limit} are tolerated")
            }
            Self::Empty { readings, limit } => {
                write!(
                    f,
                    "{readings} empty readings and no value in between, {limit} are tolerated"
                )
            }
            Self::TooFewInARow { passed, wanted, samples } => {
                write!(f, "{passed} of {wanted} passing values in a row, {samples} read")
            }
            Self::TooLittle { samples, wanted, passed, watched, wanted_for } => {
                write!(
                    f,
                    "{samples} of {wanted} values over {watched} of {wanted_for}, {passed} passed"
                )
            }
            Self::Enough { passed, samples, watched } => {
                write!(f, "{passed} of {samples} values over {watched} passed")
            }
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dry {
            Some(dry) => write!(f, "{}, a dry run of {dry}: {}", self.verdict, self.reason),
            None => write!(f, "{}: {}", self.verdict, self.reason),
        }
    }
}
