//! Blue-green: a whole second set at weight 0, gates, one switch, bake, the old set on standby.

use super::{Draft, Paces, PlanError, Scope, Stage, StageGate, StageRoute, hooks, watch};
use crate::{
    spec::{BlueGreen, Promotion, Unanswered},
    weight::Weight,
};

/// # Errors
///
/// [`PlanError::NoWeights`] if no router can switch.
pub(super) fn build(
    scope: &Scope<'_>,
    paces: &Paces,
    blue_green: &BlueGreen,
) -> Result<Draft, PlanError> {
    if scope.units.is_none() {
        return Err(PlanError::NoWeights { strategy: "blue_green" });
    }
    let desired = scope.desired;
    let stage = |name: &str, candidate, weight| {
        Stage::new(name, (candidate, desired), StageRoute::Weighted(weight), paces.forward)
    };
    let mut stages = before_switch(scope, blue_green, &stage);
    // An instance is watched for the longer of the two: bake, and the time in which its failure counts.
    let bake = blue_green.bake.max(scope.spec.health.monitor);
    let bake_gates = blue_green.bake_gates.iter().map(StageGate::from);
    stages.push(Stage {
        gates: watch(bake).into_iter().chain(bake_gates).collect(),
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
    Ok(Draft { stages, remarks: Vec::new() })
}

/// The stages at weight 0: the preview with its gates, then the full set. The last of them waits for the
/// approval, so that whoever approves sees what will be switched to, and then runs the jobs that may only
/// run once the switch is certain.
fn before_switch(
    scope: &Scope<'_>,
    blue_green: &BlueGreen,
    stage: &impl Fn(&str, u64, Weight) -> Stage,
) -> Vec<Stage> {
    let desired = scope.desired;
    let preview = match blue_green.preview_replicas {
        Some(amount) => amount.round_up(desired).min(desired),
        None => desired,
    };
    let mut stages = vec![Stage {
        gates: blue_green.gates.iter().map(StageGate::from).collect(),
        ..stage("preview", preview, Weight::ZERO)
    }];
    hooks::after_canary(scope, &mut stages);
    if preview < desired {
        stages.push(stage("full", desired, Weight::ZERO));
    }
    let approval = match blue_green.promotion {
        Promotion::Automatic => None,
        Promotion::Manual => {
            Some(StageGate::Approval { deadline: None, on_expiry: Unanswered::Fail })
        }
        Promotion::After(span) => {
            Some(StageGate::Approval { deadline: Some(span), on_expiry: Unanswered::Pass })
        }
    };
    if let Some(last) = stages.last_mut() {
        last.gates.extend(approval);
        last.gates.extend(hooks::before_promotion(scope));
    }
    stages
}
