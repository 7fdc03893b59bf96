//! Blue-green: a whole second set at weight 0, gates, one switch, bake, the old set on standby.

use super::{Budget, Draft, PlanError, Scope, Stage, StageGate, StageRoute, budget, watch};
use crate::{
    spec::{BlueGreen, Promotion, Unanswered},
    time::Span,
    weight::Weight,
};

/// # Errors
///
/// [`PlanError::NoWeights`] if no router can switch.
pub(super) fn build(scope: &Scope<'_>, blue_green: &BlueGreen) -> Result<Draft, PlanError> {
    if scope.units.is_none() {
        return Err(PlanError::NoWeights { strategy: "blue_green" });
    }
    let desired = scope.desired;
    let budget = Budget { surge: desired, unavailable: 0, parallelism: 0, batch_delay: Span::ZERO };
    let stage = |name: &str, candidate, weight| {
        Stage::new(name, (candidate, desired), StageRoute::Weighted(weight), budget)
    };
    let mut stages = before_switch(blue_green, desired, &stage);
    // An instance is watched for the longer of the two: bake, and the time in which its failure counts.
    let bake = blue_green.bake.max(scope.spec.health.monitor);
    stages.push(Stage {
        gates: watch(bake).into_iter().collect(),
        proves: true,
        ..stage("switch", desired, Weight::FULL)
    });
    if !blue_green.standby.is_zero() {
        stages.push(Stage {
            gates: vec![StageGate::Hold(blue_green.standby)],
            ..stage("standby", desired, Weight::FULL)
        });
    }
    stages.push(Stage { stable: 0, ..stage("retire", desired, Weight::FULL) });
    Ok(Draft {
        stages,
        pace: budget,
        rollback: budget::rollback(scope, budget, budget::WHOLE),
        counting: None,
        remarks: Vec::new(),
    })
}

/// The stages at weight 0: the preview with its gates, then the full set. The last of them waits for the
/// approval, so that whoever approves sees what will be switched to.
fn before_switch(
    blue_green: &BlueGreen,
    desired: u64,
    stage: &impl Fn(&str, u64, Weight) -> Stage,
) -> Vec<Stage> {
    let preview = match blue_green.preview_replicas {
        Some(amount) => amount.round_up(desired).min(desired),
        None => desired,
    };
    let mut stages = vec![Stage {
        gates: blue_green.gates.iter().map(StageGate::from).collect(),
        ..stage("preview", preview, Weight::ZERO)
    }];
    if preview < desired {
        stages.push(stage("full", desired, Weight::ZERO));
    }
    if blue_green.promotion == Promotion::Manual
        && let Some(last) = stages.last_mut()
    {
        last.gates.push(StageGate::Approval { deadline: None, on_expiry: Unanswered::Fail });
    }
    stages
}
