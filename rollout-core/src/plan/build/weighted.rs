//! Canary by weight: the router divides traffic; candidate and stable stand side by side.

use super::{Draft, Paces, PlanError, Remark, Scope, Stage, StageGate, StageRoute, canary::Steps};
use crate::{
    spec::{Canary, CanaryStep, Rules},
    weight::Weight,
};

/// # Errors
///
/// [`PlanError::StepTooSmall`] if a step's own replicas cannot carry its weight,
/// [`PlanError::SurgeTooSmall`] if candidate and stable do not fit under the ceiling together.
pub(super) fn build(
    scope: &Scope<'_>,
    paces: &Paces,
    steps: &Steps<'_>,
    units: u64,
) -> Result<Draft, PlanError> {
    let desired = scope.desired;
    let mut remarks = Vec::new();
    let mut stages: Vec<Stage> = Vec::new();
    for (index, step) in steps.all.iter().enumerate() {
        let (candidate, stable) = match stages.last() {
            Some(before) => (before.candidate, before.stable),
            None => (0, desired),
        };
        let weight = step.weight.in_units(units);
        let name = step.stage_name();
        if weight != step.weight {
            remarks.push(Remark::ShareDiffers {
                stage: name.clone(),
                asked: step.weight,
                actual: weight,
            });
        }
        let counts = (
            candidate_of(steps.canary, step, index, desired, candidate)?,
            stable_of(steps.canary, weight, desired, stable),
        );
        stages.push(Stage {
            rules: rules_of(steps.canary, step),
            modules: step.modules.clone(),
            gates: step.gates.iter().map(StageGate::from).collect(),
            ..Stage::new(name, counts, StageRoute::Weighted(weight), paces.forward)
        });
    }
    finish(scope, paces.forward, &mut stages);
    check_ceiling(steps.canary, desired, &stages)?;
    Ok(Draft { stages, remarks })
}

/// What goes to the candidate beside its share. Where it gets everything there is nothing beside, and a
/// client must not stay with stable.
fn rules_of(canary: &Canary, step: &CanaryStep) -> Rules {
    if step.weight == Weight::FULL {
        return Rules::default();
    }
    Rules { matches: step.matches.clone(), mirror: step.mirror, affinity: canary.affinity.clone() }
}

/// Adds the stage with all traffic on the candidate, unless the last step was it, and the one without
/// stable. The candidate is watched while stable can still take everything back.
fn finish(scope: &Scope<'_>, budget: super::Budget, stages: &mut Vec<Stage>) {
    let stable = stages.last().map_or(scope.desired, |last| last.stable);
    let all = StageRoute::Weighted(Weight::FULL);
    let promote = Stage::new("promote", (scope.desired, stable), all, budget);
    if stages.last().is_none_or(|last| last.route != all) {
        stages.push(promote.clone());
    }
    if let Some(last) = stages.last_mut() {
        last.gates.extend(scope.monitor());
    }
    stages.push(Stage { name: "retire".to_owned(), stable: 0, proves: true, ..promote });
}

/// Candidate instances of a step: its own number, or enough for its weight and for the copies it gets;
/// never fewer than `before`.
fn candidate_of(
    canary: &Canary,
    step: &CanaryStep,
    index: usize,
    desired: u64,
    before: u64,
) -> Result<u64, PlanError> {
    let carried = step.weight.of_rounded_up(desired).max(before);
    let Some(own) = step.replicas else {
        let least = canary.min_replicas.unwrap_or(1);
        return Ok(carried.max(load(step).of_rounded_up(desired)).max(least).min(desired));
    };
    let replicas = own.round_up(desired).min(desired);
    if replicas < carried {
        return Err(PlanError::StepTooSmall {
            field: format!("strategy.canary.steps[{index}].replicas"),
            step: step.stage_name(),
            replicas,
            needed: carried,
            weight: step.weight,
            desired,
        });
    }
    Ok(replicas)
}

/// What the candidate has to answer in a step, as a share of all requests: its own and the copies.
fn load(step: &CanaryStep) -> Weight {
    let copies = step.mirror.of_rounded_up(step.weight.rest().basis_points());
    let points = step.weight.basis_points().saturating_add(copies);
    Weight::from_basis_points(points).unwrap_or(Weight::FULL)
}

/// Stable instances of a step. Even a stable set that shrinks keeps what the step before left it until
/// `retire`, once its last traffic is gone: the gates of a 100 % step may still send everything back.
fn stable_of(canary: &Canary, weight: Weight, desired: u64, before: u64) -> u64 {
    if !canary.scale_stable {
        return desired;
    }
    match weight {
        Weight::FULL => before,
        shared => shared.rest().of_rounded_up(desired),
    }
}

fn check_ceiling(canary: &Canary, desired: u64, stages: &[Stage]) -> Result<(), PlanError> {
    let mut stable = desired;
    for stage in stages {
        if desired + stage.budget.surge < stage.candidate + stable {
            return Err(PlanError::SurgeTooSmall {
                stage: stage.name.clone(),
                candidate: stage.candidate,
                stable,
                desired,
                surge: stage.budget.surge,
                may_scale_stable: !canary.scale_stable,
            });
        }
        stable = stage.stable;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_coarse_router_rounds_the_candidate_down() {
        for (text, units, expected) in [
            ("25%", 10_000, "25%"),
            ("25%", 100, "25%"),
            ("33.33%", 100, "33%"),
            ("5%", 10, "0%"),
            ("100%", 7, "100%"),
            ("50%", 3, "33.34%"),
            // A released controller makes -95,225,786 of this (argo-rollouts with 1e8 units).
            ("100%", 100_000_000, "100%"),
            ("0.01%", 100_000_000, "0.01%"),
        ] {
            let weight: Weight = text.parse().unwrap();
            assert_eq!(weight.in_units(units).to_string(), expected, "{text} in {units} units");
        }
    }

    proptest! {
        /// T3 and T8: never above what was asked, for every scale up to 1e8 units, and a router that
        /// rounds down again sets the same.
        #[test]
        fn shares_in_units_are_below_and_stay(points in 0..=10_000_u64, units in 1..=100_000_000_u64) {
            let asked = Weight::from_basis_points(points).unwrap();
            let set = asked.in_units(units);
            prop_assert!(set <= asked);
            prop_assert_eq!(set.in_units(units), set);
            let down = |weight: Weight| weight.basis_points() * units / 10_000;
            prop_assert_eq!(down(set), down(asked));
        }
    }
}
