//! Checks of the version, the number of instances and the limits on time.

use super::{CheckError, LONG_WAIT_LIMIT, REPLICAS_LIMIT, SHORT_WAIT_LIMIT, health, strategy};
use crate::{spec::Spec, time::Span};

/// Checks the version and the number of instances.
pub(super) fn head(spec: &Spec, errors: &mut Vec<CheckError>) {
    if spec.version != 1 {
        errors.push(CheckError::Version { value: spec.version });
    }
    count("replicas", spec.replicas, errors);
}

/// Checks drain and deadlines.
pub(super) fn times(spec: &Spec, errors: &mut Vec<CheckError>) {
    short("drain.deadline", spec.drain.deadline, errors);
    short("drain.stop_grace", spec.drain.stop_grace, errors);
    let progress = spec.deadlines.progress;
    let needed = health::least_to_available(&spec.health);
    if progress <= needed {
        errors.push(CheckError::ProgressTooShort {
            value: progress,
            needed,
            min_ready: spec.health.min_ready,
        });
    }
    for (path, pace) in strategy::paces(spec) {
        let between = pace.batch_delay.plus(needed);
        if !pace.batch_delay.is_zero() && needed < progress && progress <= between {
            errors.push(CheckError::ProgressBelowPause {
                value: progress,
                needed: between,
                pace: path,
                delay: pace.batch_delay,
            });
        }
    }
    long("deadlines.progress", progress, errors);
    if let Some(total) = spec.deadlines.total {
        if total < progress {
            errors.push(CheckError::TotalBelowProgress { total, progress });
        }
        long("deadlines.total", total, errors);
    }
}

/// Refuses a count that the engine's arithmetic was not proved for.
pub(super) fn count(field: &str, value: u64, errors: &mut Vec<CheckError>) {
    if REPLICAS_LIMIT < value {
        errors.push(CheckError::TooMany { field: field.to_owned(), value });
    }
}

/// Refuses a span above [`SHORT_WAIT_LIMIT`].
pub(super) fn short(field: &str, value: Span, errors: &mut Vec<CheckError>) {
    within(field, value, SHORT_WAIT_LIMIT, errors);
}

/// Refuses a span above [`LONG_WAIT_LIMIT`].
pub(super) fn long(field: &str, value: Span, errors: &mut Vec<CheckError>) {
    within(field, value, LONG_WAIT_LIMIT, errors);
}

fn within(field: &str, value: Span, limit: Span, errors: &mut Vec<CheckError>) {
    if limit < value {
        errors.push(CheckError::TooLong { field: field.to_owned(), value, limit });
    }
}
