//! Checks of the way back and of how much is remembered.

use super::{
    CheckError, RollbackError, limits,
    strategy::{check_pace, counting_word},
};
use crate::spec::{Order, Pace, Rollback, Spec, WayBack};

/// Fewest revisions remembered: without one there is nothing to go back to.
pub(super) const HISTORY_LEAST: u64 = 1;
/// Most revisions remembered: each keeps its whole spec.
pub(super) const HISTORY_LIMIT: u64 = 1000;

/// Checks the way back and the history.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    let rollback = &spec.rollback;
    if let Some(pace) = &rollback.pace {
        check_own_pace(pace, rollback.strategy, errors);
    }
    check_times(rollback, errors);
    if !(HISTORY_LEAST..=HISTORY_LIMIT).contains(&spec.history) {
        errors.push(RollbackError::History { value: spec.history }.into());
    }
}

fn check_own_pace(pace: &Pace, strategy: Option<WayBack>, errors: &mut Vec<CheckError>) {
    check_pace("rollback.pace", pace, errors);
    if let Some(counting) = pace.counting {
        errors.push(RollbackError::Counting { value: counting_word(counting) }.into());
    }
    if strategy != Some(WayBack::Recreate) {
        return;
    }
    let order = pace.order.map(|order| match order {
        Order::StartFirst => "start_first".to_owned(),
        Order::StopFirst => "stop_first".to_owned(),
    });
    for (field, name, value) in [
        ("rollback.pace.surge", "surge", pace.surge.map(|amount| amount.to_string())),
        ("rollback.pace.unavailable", "unavailable", pace.unavailable.map(|it| it.to_string())),
        ("rollback.pace.order", "order", order),
    ] {
        if let Some(value) = value {
            errors.push(RollbackError::PaceOfRecreate { field, name, value }.into());
        }
    }
}

fn check_times(rollback: &Rollback, errors: &mut Vec<CheckError>) {
    let interval = rollback.health_check_interval;
    match rollback.timeout {
        Some(timeout) if timeout.is_zero() => errors.push(RollbackError::NoTime.into()),
        Some(timeout) => {
            if timeout <= interval {
                errors.push(RollbackError::TimeoutBelowCheck { timeout, interval }.into());
            }
            limits::long("rollback.timeout", timeout, errors);
        }
        None => {}
    }
    limits::long("rollback.health_check_interval", interval, errors);
    let kept = rollback.keep_failed;
    if !kept.is_zero() && rollback.strategy == Some(WayBack::Recreate) {
        errors.push(RollbackError::KeepBesideRecreate { value: kept }.into());
    }
    limits::long("rollback.keep_failed", kept, errors);
}
