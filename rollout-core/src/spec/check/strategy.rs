//! Checks of the strategies and of the way back.

use std::collections::BTreeMap;

use super::{CheckError, limits};
use crate::{
    amount::Amount,
    spec::{BlueGreen, Canary, Counting, Gate, Pace, RESERVED_STAGES, Spec, Strategy},
    time::Span,
};

/// Most characters of a step's name.
const STEP_NAME_LIMIT: usize = 63;

/// Checks the strategy and the pace of the way back.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    match &spec.strategy {
        Strategy::Rolling(pace) => check_pace("strategy.rolling", pace, errors),
        Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => check_blue_green(blue_green, spec.replicas, errors),
        Strategy::Canary(canary) => check_canary(canary, spec.replicas, errors),
        Strategy::Stages(_) => {}
    }
    if let Some(pace) = &spec.rollback.pace {
        check_pace("rollback.pace", pace, errors);
        if let Some(counting) = pace.counting {
            let value = match counting {
                Counting::Strict => "strict",
                Counting::Loose => "loose",
            };
            errors.push(CheckError::CountingOfWayBack { value });
        }
    }
}

/// The paces of a spec, with their paths.
pub(super) fn paces(spec: &Spec) -> impl Iterator<Item = (&'static str, &Pace)> {
    let forward = match &spec.strategy {
        Strategy::Rolling(pace) => Some(("strategy.rolling", pace)),
        Strategy::Canary(canary) => canary.pace.as_ref().map(|pace| ("strategy.canary.pace", pace)),
        Strategy::Recreate(_) | Strategy::BlueGreen(_) | Strategy::Stages(_) => None,
    };
    forward.into_iter().chain(spec.rollback.pace.as_ref().map(|pace| ("rollback.pace", pace)))
}

fn check_pace(field: &str, pace: &Pace, errors: &mut Vec<CheckError>) {
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
    check_gates(field, &blue_green.gates, errors);
    limits::long(&format!("{field}.bake"), blue_green.bake, errors);
    limits::long(&format!("{field}.standby"), blue_green.standby, errors);
}

fn check_canary(canary: &Canary, desired: u64, errors: &mut Vec<CheckError>) {
    if canary.steps.is_empty() {
        errors.push(CheckError::NoSteps);
    }
    check_step_names(canary, errors);
    check_weights(canary, errors);
    for (index, step) in canary.steps.iter().enumerate() {
        let field = format!("strategy.canary.steps[{index}]");
        if let Some(amount) = step.replicas {
            check_part(&format!("{field}.replicas"), amount, desired, errors);
        }
        check_gates(&field, &step.gates, errors);
    }
    if let Some(least) = canary.min_replicas {
        let amount = Amount::Count(least);
        check_part("strategy.canary.min_replicas", amount, desired, errors);
    }
    if let Some(pace) = &canary.pace {
        check_pace("strategy.canary.pace", pace, errors);
    }
}

fn check_step_names(canary: &Canary, errors: &mut Vec<CheckError>) {
    // Whether the name was given; two that were not are equal weights, which are refused as such.
    let mut taken = BTreeMap::new();
    for (index, step) in canary.steps.iter().enumerate() {
        let field = format!("strategy.canary.steps[{index}].name");
        let name = step.stage_name();
        let length = name.chars().count();
        if length == 0 || STEP_NAME_LIMIT < length || name.chars().any(char::is_control) {
            errors.push(CheckError::StepName { field, length, limit: STEP_NAME_LIMIT });
        } else if RESERVED_STAGES.contains(&name.as_str()) {
            errors.push(CheckError::StepNameReserved { field, name });
        } else if let Some(given) = taken.get(&name)
            && (*given || step.name.is_some())
        {
            errors.push(CheckError::StepNameTaken { field, name });
        } else {
            taken.insert(name, step.name.is_some());
        }
    }
}

fn check_weights(canary: &Canary, errors: &mut Vec<CheckError>) {
    for (index, pair) in canary.steps.windows(2).enumerate() {
        if let [before, step] = pair
            && step.weight <= before.weight
        {
            errors.push(CheckError::WeightDoesNotRise {
                field: format!("strategy.canary.steps[{}].weight", index + 1),
                step: step.stage_name(),
                weight: step.weight,
                step_before: before.stage_name(),
                before: before.weight,
            });
        }
    }
}

/// Refuses a part of the desired instances that is none or more than all of them.
fn check_part(field: &str, amount: Amount, desired: u64, errors: &mut Vec<CheckError>) {
    if amount.is_zero() {
        errors.push(CheckError::NoInstance { field: field.to_owned(), value: amount });
    }
    let value = amount.round_up(desired);
    if desired < value {
        errors.push(CheckError::AboveDesired { field: field.to_owned(), value, desired });
    }
}

fn check_gates(field: &str, gates: &[Gate], errors: &mut Vec<CheckError>) {
    for (index, gate) in gates.iter().enumerate() {
        let field = format!("{field}.gates[{index}]");
        match gate {
            Gate::Hold(span) => limits::long(&format!("{field}.hold"), *span, errors),
            Gate::Health(span) => limits::long(&format!("{field}.health"), *span, errors),
            Gate::Approval { deadline: None, .. } | Gate::Hook(_) | Gate::Window(_) => {}
            Gate::Approval { deadline: Some(deadline), .. } => {
                let field = format!("{field}.approval.deadline");
                if *deadline == Span::ZERO {
                    errors.push(CheckError::NoTimeToApprove { field });
                } else {
                    limits::long(&field, *deadline, errors);
                }
            }
        }
    }
}
