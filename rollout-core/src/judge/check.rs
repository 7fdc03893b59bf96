//! Checks of a metric: what could never decide, or would decide nothing.

use super::{Condition, Metric, Number};
use crate::{
    spec::{CheckError, LONG_WAIT_LIMIT},
    time::Span,
};

/// Most characters of a metric's name.
const NAME_LIMIT: usize = 63;

/// A metric that was refused: the field, its value, the limit and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// A name that nobody could read or type.
    #[error(
        "{field}: the name has {length} characters, allowed are 1 to {limit} printable ones; take another name"
    )]
    Name {
        /// Path of the field.
        field: String,
        /// Its length in characters.
        length: usize,
        /// Most characters allowed.
        limit: usize,
    },
    /// Nothing is asked.
    #[error(
        "{field}: it is empty, so nothing would be asked; write the query in the words of its source"
    )]
    NoQuery {
        /// Path of the field.
        field: String,
    },
    /// Every value would pass.
    #[error(
        "{field}: it has neither `pass` nor `fail`, so no value would ever be judged; write a condition such as `pass: {{below: 0.01}}`"
    )]
    NoCondition {
        /// Path of the metric.
        field: String,
    },
    /// The ends of a condition are swapped.
    #[error("{field}: it goes from {from} down to {to}; swap the two")]
    Turned {
        /// Path of the condition.
        field: String,
        /// Its first end.
        from: Number,
        /// Its second end.
        to: Number,
    },
    /// A number that must not be zero.
    #[error("{field}: 0 would decide before the first value; write 1 or more, or leave it out")]
    Zero {
        /// Path of the field.
        field: String,
    },
    /// Readings without a pause.
    #[error("{field}: 0s leaves no time between two readings; write a span such as `30s`")]
    NoInterval {
        /// Path of the field.
        field: String,
    },
    /// A wait that nobody can mean.
    #[error("{field}: {value} is above the limit of {limit}; write less")]
    TooLong {
        /// Path of the field.
        field: String,
        /// The span as given.
        value: Span,
        /// Longest span allowed.
        limit: Span,
    },
    /// Too few values for what is asked of them.
    #[error(
        "{field}: {count} values are fewer than the {needed} that {what} need; raise it to {needed}, or lower them"
    )]
    CountTooSmall {
        /// Path of the field.
        field: String,
        /// Values read.
        count: u64,
        /// Values needed.
        needed: u64,
        /// The fields that need them.
        what: &'static str,
    },
    /// No value could ever fail it.
    #[error(
        "{field}: none, and neither `consecutive_failure_limit` nor `consecutive_success_limit` is set, so no value could ever fail it; set one of the three"
    )]
    NeverFails {
        /// Path of the field.
        field: String,
    },
    /// Nothing bounds how long it reads.
    #[error(
        "{field}: there is no limit for failing values and none for all, so it could read for ever; set `count`, or `failure_limit`"
    )]
    Endless {
        /// Path of the field.
        field: String,
    },
}

impl MetricError {
    /// Path of the field that is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Name { field, .. }
            | Self::NoQuery { field }
            | Self::NoCondition { field }
            | Self::Turned { field, .. }
            | Self::Zero { field }
            | Self::NoInterval { field }
            | Self::TooLong { field, .. }
            | Self::CountTooSmall { field, .. }
            | Self::NeverFails { field }
            | Self::Endless { field } => field,
        }
    }
}

impl Metric {
    /// Adds every reason why the metric, which stands at `field`, cannot be used.
    pub fn check(&self, field: &str, errors: &mut Vec<CheckError>) {
        let mut found = Vec::new();
        self.check_words(field, &mut found);
        self.check_times(field, &mut found);
        self.check_counts(field, &mut found);
        errors.extend(found.into_iter().map(CheckError::from));
    }

    fn check_words(&self, field: &str, errors: &mut Vec<MetricError>) {
        let length = self.name.chars().count();
        let is_plain = !self.name.chars().any(char::is_control) && self.name.trim() == self.name;
        if !(1..=NAME_LIMIT).contains(&length) || !is_plain {
            let field = format!("{field}.name");
            errors.push(MetricError::Name { field, length, limit: NAME_LIMIT });
        }
        if self.query.trim().is_empty() {
            errors.push(MetricError::NoQuery { field: format!("{field}.query") });
        }
        if self.pass.is_none() && self.fail.is_none() {
            errors.push(MetricError::NoCondition { field: field.to_owned() });
        }
        for (name, condition) in [("pass", &self.pass), ("fail", &self.fail)] {
            let band = condition.as_ref().and_then(Condition::band);
            if let Some(band) = band.filter(|band| band.to < band.from) {
                let field = format!("{field}.{name}");
                errors.push(MetricError::Turned { field, from: band.from, to: band.to });
            }
        }
    }

    fn check_times(&self, field: &str, errors: &mut Vec<MetricError>) {
        if self.interval.is_zero() {
            errors.push(MetricError::NoInterval { field: format!("{field}.interval") });
        }
        let spans = [
            ("interval", self.interval),
            ("initial_delay", self.initial_delay),
            ("min_duration", self.min_duration),
        ];
        for (name, value) in spans {
            if LONG_WAIT_LIMIT < value {
                let field = format!("{field}.{name}");
                errors.push(MetricError::TooLong { field, value, limit: LONG_WAIT_LIMIT });
            }
        }
    }

    fn check_counts(&self, field: &str, errors: &mut Vec<MetricError>) {
        let in_a_row = self.consecutive_success_limit;
        let counts = [
            ("count", self.count),
            ("min_samples", Some(self.min_samples)),
            ("consecutive_success_limit", in_a_row),
        ];
        for (name, value) in counts {
            if value == Some(0) {
                errors.push(MetricError::Zero { field: format!("{field}.{name}") });
            }
        }
        let failures = self.failures_allowed();
        if let Some(count) = self.count.filter(|count| 0 < *count) {
            let both = failures.unwrap_or(0).saturating_add(in_a_row.unwrap_or(0));
            for (needed, what) in [
                (both, "`failure_limit` and `consecutive_success_limit`"),
                (self.inconclusive_limit, "`inconclusive_limit`"),
            ] {
                if count < needed {
                    let field = format!("{field}.count");
                    errors.push(MetricError::CountTooSmall { field, count, needed, what });
                }
            }
        }
        if failures.is_some() {
            return;
        }
        if self.consecutive_failure_limit.is_none() && in_a_row.is_none() {
            errors.push(MetricError::NeverFails { field: format!("{field}.failure_limit") });
        } else if self.count.is_none() {
            errors.push(MetricError::Endless { field: format!("{field}.count") });
        }
    }
}
