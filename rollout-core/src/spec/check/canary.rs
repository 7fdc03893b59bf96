//! Checks of a canary: its steps, or the ramp that makes them.

use std::collections::BTreeMap;

use super::{
    CheckError, StagesError, gate, module, route,
    stages::STAGES_LIMIT,
    strategy::{check_pace, check_part, check_stage_name},
};
use crate::{
    amount::Amount,
    spec::{Canary, Ramp, Spec},
    weight::Weight,
};

/// Least factor of an exponential ramp: below it the weights do not rise.
pub(super) const FACTOR_LEAST: u64 = 2;

/// Checks a canary.
pub(super) fn check(canary: &Canary, spec: &Spec, errors: &mut Vec<CheckError>) {
    match &canary.ramp {
        Some(ramp) => {
            if !canary.steps.is_empty() {
                let steps = canary.steps.len();
                errors.push(StagesError::RampBesideSteps { steps }.into());
            }
            check_ramp(ramp, errors);
        }
        None if canary.steps.is_empty() => errors.push(CheckError::NoSteps),
        None => {}
    }
    check_step_names(canary, errors);
    check_weights(canary, errors);
    check_steps(canary, spec, errors);
    if let Some(least) = canary.min_replicas {
        let amount = Amount::Count(least);
        check_part("strategy.canary.min_replicas", amount, spec.replicas, errors);
    }
    if let Some(affinity) = &canary.affinity {
        route::check_affinity("strategy.canary.affinity", affinity, errors);
    }
    if let Some(pace) = &canary.pace {
        check_pace("strategy.canary.pace", pace, errors);
    }
}

fn check_steps(canary: &Canary, spec: &Spec, errors: &mut Vec<CheckError>) {
    let count = canary.steps.len();
    if STAGES_LIMIT < count {
        errors.push(
            StagesError::TooMany {
                field: "strategy.canary.steps",
                count,
                what: "steps",
                way_out: "write fewer",
            }
            .into(),
        );
    }
    for (index, step) in canary.steps.iter().enumerate() {
        let field = format!("strategy.canary.steps[{index}]");
        if let Some(amount) = step.replicas {
            check_part(&format!("{field}.replicas"), amount, spec.replicas, errors);
        }
        route::check_matches(&format!("{field}.match"), &step.matches, errors);
        module::check_needs(&format!("{field}.modules"), &step.modules, spec, errors);
        gate::check(&format!("{field}.gates"), &step.gates, errors);
    }
}

fn check_ramp(ramp: &Ramp, errors: &mut Vec<CheckError>) {
    let (field, first, value) = match ramp {
        Ramp::Linear { by, .. } => {
            ("strategy.canary.ramp.linear", "strategy.canary.ramp.linear.by", *by)
        }
        Ramp::Exponential { from, .. } => {
            ("strategy.canary.ramp.exponential", "strategy.canary.ramp.exponential.from", *from)
        }
    };
    if value.is_zero() || value == Weight::FULL {
        errors.push(StagesError::NoShare { field: first, value }.into());
    }
    if let Ramp::Exponential { factor, .. } = ramp
        && *factor < FACTOR_LEAST
    {
        errors.push(StagesError::Factor { value: *factor }.into());
    }
    let count = ramp.steps().len();
    if STAGES_LIMIT < count {
        errors.push(
            StagesError::TooMany { field: first, count, what: "steps", way_out: "write more" }
                .into(),
        );
    }
    let (Ramp::Linear { gates, .. } | Ramp::Exponential { gates, .. }) = ramp;
    gate::check(&format!("{field}.gates"), gates, errors);
}

fn check_step_names(canary: &Canary, errors: &mut Vec<CheckError>) {
    // Whether the name was given; two that were not are equal weights, which are refused as such.
    let mut taken = BTreeMap::new();
    for (index, step) in canary.steps.iter().enumerate() {
        let field = format!("strategy.canary.steps[{index}].name");
        let name = step.stage_name();
        if !check_stage_name(&field, &name, errors) {
            continue;
        }
        if let Some(given) = taken.get(&name)
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
