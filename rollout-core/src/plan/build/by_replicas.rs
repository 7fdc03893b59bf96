//! Canary by replicas: every enrolled instance gets the same, so the share is made of their numbers.

use super::{
    Budget, Draft, Paces, PlanError, Remark, Scope, Stage, StageGate, StageRoute, canary::Steps,
};
use crate::{spec::CanaryStep, weight::Weight};

/// # Errors
///
/// [`PlanError::OnlyWithWeights`], [`PlanError::ZeroWeight`] and [`PlanError::Indivisible`] name what
/// replicas cannot express.
pub(super) fn build(
    scope: &Scope<'_>,
    paces: &Paces,
    steps: &Steps<'_>,
) -> Result<Draft, PlanError> {
    let desired = scope.desired;
    let mut remarks = Vec::new();
    let stage = |name, counts| Stage::new(name, counts, StageRoute::ByReplicas, paces.forward);
    refuse_words_of_weight(steps)?;
    let mut stages = Vec::new();
    for (index, step) in steps.all.iter().enumerate() {
        let counts = counts_of(step, index, desired, paces.forward)?;
        let name = step.stage_name();
        remarks.extend(share_remark(&name, step.weight, counts));
        stages.push(Stage {
            modules: step.modules.clone(),
            gates: step.gates.iter().map(StageGate::from).collect(),
            ..stage(name, counts)
        });
    }
    if stages.last().is_none_or(|last| last.stable != 0) {
        stages.push(stage("promote".to_owned(), (desired, 0)));
    }
    if let Some(last) = stages.last_mut() {
        last.gates.extend(scope.monitor());
        last.proves = true;
    }
    Ok(Draft { stages, remarks })
}

/// Refuses numbers of candidate instances beside the share, which are two ways of saying the same, and
/// what only a router can do.
fn refuse_words_of_weight(steps: &Steps<'_>) -> Result<(), PlanError> {
    let refused = |field: String| Err(PlanError::OnlyWithWeights { field });
    for (index, step) in steps.all.iter().enumerate() {
        for (name, is_given) in [
            ("replicas", step.replicas.is_some()),
            ("match", !step.matches.is_empty()),
            ("mirror", !step.mirror.is_zero()),
        ] {
            if is_given {
                return refused(format!("strategy.canary.steps[{index}].{name}"));
            }
        }
    }
    for (name, is_given) in [
        ("min_replicas", steps.canary.min_replicas.is_some()),
        ("affinity", steps.canary.affinity.is_some()),
    ] {
        if is_given {
            return refused(format!("strategy.canary.{name}"));
        }
    }
    Ok(())
}

/// Candidate and stable instances of a step.
fn counts_of(
    step: &CanaryStep,
    index: usize,
    desired: u64,
    budget: Budget,
) -> Result<(u64, u64), PlanError> {
    if step.weight.is_zero() {
        return Err(PlanError::ZeroWeight {
            field: format!("strategy.canary.steps[{index}].weight"),
            step: step.stage_name(),
        });
    }
    if desired == 1 && step.weight != Weight::FULL {
        if budget.surge == 0 {
            return Err(PlanError::Indivisible { step: step.stage_name(), weight: step.weight });
        }
        return Ok((1, 1));
    }
    let candidate = candidate_of(step.weight, desired);
    Ok((candidate, desired - candidate))
}

/// Candidate instances that make the share of `desired`: at least one of each revision is kept as long as
/// the share is neither nothing nor everything.
fn candidate_of(weight: Weight, desired: u64) -> u64 {
    let most = if weight == Weight::FULL { desired } else { desired.saturating_sub(1) };
    weight.of_rounded_up(desired).min(most)
}

/// Says the true share of a step where it is not the one asked for.
fn share_remark(stage: &str, asked: Weight, (candidate, stable): (u64, u64)) -> Option<Remark> {
    let all = u128::from(candidate + stable);
    let exact = u128::from(candidate) * u128::from(Weight::FULL.basis_points())
        == u128::from(asked.basis_points()) * all;
    (!exact).then(|| Remark::ShareDiffers {
        stage: stage.to_owned(),
        asked,
        actual: Weight::share(candidate, candidate + stable),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Splits that a released controller got wrong (its canary was 0 of D at surge 0, and the step counted
    /// as done; found by running argo-rollouts' `approximateWeightedCanaryStableReplicaCounts`), and the
    /// closest ones that keep both revisions.
    #[test]
    fn shares_just_below_everything_keep_one_of_each() {
        for (percent, desired, candidate) in
            [("75%", 2, 1), ("90%", 5, 4), ("95%", 10, 9), ("98%", 25, 24), ("99%", 50, 49)]
        {
            assert_eq!(
                candidate_of(percent.parse().unwrap(), desired),
                candidate,
                "{percent} of {desired}"
            );
        }
    }

    /// The property that openkruise/rollouts tests of its batches (`TestParseIntegerAsPercentage`), over the
    /// same range: the part is rounded up, and what is left of stable follows it within 1 % and one instance.
    #[test]
    fn every_whole_percentage_of_up_to_ten_thousand_keeps_its_share() {
        for desired in 1..=10_000_u64 {
            for percent in 1..=100_u64 {
                let weight = Weight::from_basis_points(percent * 100).unwrap();
                let candidate = candidate_of(weight, desired);
                let ceil = (percent * desired).div_ceil(100);
                let most = if percent == 100 { desired } else { desired - 1 };
                assert_eq!(candidate, ceil.min(most), "{percent}% of {desired}");
                // What the counts say, read back as a share of stable: none of 100 %, else below all of it.
                let stable = Weight::share(desired - candidate, desired);
                assert_eq!(stable.is_zero(), percent == 100, "{percent}% of {desired}");
                assert!(stable < Weight::FULL || desired == 1, "{percent}% of {desired}");
                let back = stable.of_rounded_up(desired);
                assert!(
                    100 * back.abs_diff(desired - candidate) <= desired,
                    "{percent}% of {desired}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn both_revisions_keep_an_instance_and_shares_rise(
            desired in prop_oneof![2..=200_u64, Just(1 << 31), 2..=1_u64 << 31],
            points in 1..10_000_u64,
        ) {
            let weight = Weight::from_basis_points(points).unwrap();
            let candidate = candidate_of(weight, desired);
            prop_assert!((1..desired).contains(&candidate));
            // T3: the share is at most the one asked for, made whole.
            let ceil = (u128::from(points) * u128::from(desired)).div_ceil(10_000);
            prop_assert!(u128::from(candidate) <= ceil);
            let next = Weight::from_basis_points(points + 1).unwrap();
            prop_assert!(candidate <= candidate_of(next, desired));
        }
    }
}
