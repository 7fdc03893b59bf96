//! Checks of the strategies: which one it is, its pace, and blue-green.

use super::{CheckError, canary, gate, limits, stages};
use crate::{
    amount::Amount,
    spec::{BlueGreen, Counting, Pace, Promotion, RESERVED_STAGES, Spec, Strategy},
};

/// Most characters of a name of a step, a stage, a hook or a module.
const NAME_LIMIT: usize = 63;

/// Checks the strategy.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    match &spec.strategy {
        Strategy::Rolling(pace) => check_pace("strategy.rolling", pace, errors),
        Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => check_blue_green(blue_green, spec.replicas, errors),
        Strategy::Canary(canary) => canary::check(canary, spec, errors),
        Strategy::Stages(stages) => stages::check(stages, spec, errors),
    }
}

/// The name of the strategy in the spec.
pub(super) const fn name(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Rolling(_) => "rolling",
        Strategy::Recreate(_) => "recreate",
        Strategy::BlueGreen(_) => "blue_green",
        Strategy::Canary(_) => "canary",
        Strategy::Stages(_) => "stages",
    }
}

/// The word for a rule of counting.
pub(super) const fn counting_word(counting: Counting) -> &'static str {
    match counting {
        Counting::Strict => "strict",
        Counting::Loose => "loose",
    }
}

/// The paces of a spec, with their paths.
pub(super) fn paces(spec: &Spec) -> Vec<(String, &Pace)> {
    let mut paces: Vec<(String, &Pace)> = match &spec.strategy {
        Strategy::Rolling(pace) => vec![("strategy.rolling".to_owned(), pace)],
        Strategy::Canary(canary) => {
            let pace = canary.pace.iter();
            pace.map(|pace| ("strategy.canary.pace".to_owned(), pace)).collect()
        }
        Strategy::Stages(stages) => stages::paces(stages).collect(),
        Strategy::Recreate(_) | Strategy::BlueGreen(_) => Vec::new(),
    };
    paces.extend(spec.rollback.pace.as_ref().map(|pace| ("rollback.pace".to_owned(), pace)));
    paces
}

/// Checks how many instances may be missing, extra or in flight.
pub(super) fn check_pace(field: &str, pace: &Pace, errors: &mut Vec<CheckError>) {
    let amounts = [("surge", &pace.surge), ("unavailable", &pace.unavailable)];
    for (other, amount) in amounts {
        let &Some(value) = amount else { continue };
        if pace.order.is_some() {
            errors.push(CheckError::OrderBesideAmount { field: field.to_owned(), other, value });
        }
        if let Amount::Count(count) = value {
            limits::count(&format!("{field}.{other}"), count, errors);
        }
    }
    let no_surge = pace.surge.is_some_and(Amount::is_zero);
    let no_unavailable = pace.unavailable.is_none_or(Amount::is_zero);
    if pace.order.is_none() && no_surge && no_unavailable {
        errors.push(CheckError::NoRoom { field: field.to_owned() });
    }
    let parallelism = format!("{field}.parallelism");
    match pace.parallelism {
        Some(0) => errors.push(CheckError::NoParallelism { field: parallelism }),
        Some(value) => limits::count(&parallelism, value, errors),
        None => {}
    }
    limits::long(&format!("{field}.batch_delay"), pace.batch_delay, errors);
}

fn check_blue_green(blue_green: &BlueGreen, desired: u64, errors: &mut Vec<CheckError>) {
    let field = "strategy.blue_green";
    if let Some(amount) = blue_green.preview_replicas {
        check_part(&format!("{field}.preview_replicas"), amount, desired, errors);
    }
    match blue_green.promotion {
        Promotion::After(span) if span.is_zero() => errors.push(CheckError::NoTimeToPromote),
        Promotion::After(span) => limits::long(&format!("{field}.promotion.after"), span, errors),
        Promotion::Automatic | Promotion::Manual => {}
    }
    gate::check(&format!("{field}.gates"), &blue_green.gates, errors);
    limits::long(&format!("{field}.bake"), blue_green.bake, errors);
    gate::check(&format!("{field}.bake_gates"), &blue_green.bake_gates, errors);
    limits::long(&format!("{field}.standby"), blue_green.standby, errors);
}

/// Refuses a part of the desired instances that is none or more than all of them.
pub(super) fn check_part(field: &str, amount: Amount, desired: u64, errors: &mut Vec<CheckError>) {
    if amount.is_zero() {
        errors.push(CheckError::NoInstance { field: field.to_owned(), value: amount });
    }
    check_within(field, amount, desired, errors);
}

/// Refuses more than the desired instances.
pub(super) fn check_within(
    field: &str,
    amount: Amount,
    desired: u64,
    errors: &mut Vec<CheckError>,
) {
    let value = amount.round_up(desired);
    if desired < value {
        errors.push(CheckError::AboveDesired { field: field.to_owned(), value, desired });
    }
}

/// Refuses a name that nobody could read or type. Returns whether it is fine.
pub(super) fn check_name(field: &str, name: &str, errors: &mut Vec<CheckError>) -> bool {
    let length = name.chars().count();
    let is_fine = (1..=NAME_LIMIT).contains(&length) && !name.chars().any(char::is_control);
    if !is_fine {
        let field = field.to_owned();
        errors.push(CheckError::StepName { field, length, limit: NAME_LIMIT });
    }
    is_fine
}

/// Refuses a name of a step or a stage that the planner uses itself, too. Returns whether it is fine.
pub(super) fn check_stage_name(field: &str, name: &str, errors: &mut Vec<CheckError>) -> bool {
    if !check_name(field, name, errors) {
        return false;
    }
    let is_reserved = RESERVED_STAGES.contains(&name);
    if is_reserved {
        let (field, name) = (field.to_owned(), name.to_owned());
        errors.push(CheckError::StepNameReserved { field, name });
    }
    !is_reserved
}
