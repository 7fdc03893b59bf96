//! Stages written by hand: resolved to whole numbers, then held against the same rules as built ones.

use super::{Draft, Paces, Plan, PlanError, Remark, Scope, Stage, StageGate, StageRoute, budget};
use crate::{
    plan::lint,
    spec::{Counting, HandRoute, HandStage, Rules},
    weight::Weight,
};

/// # Errors
///
/// [`PlanError::OnlyWithWeights`] and [`PlanError::CannotEmpty`] name what the ports cannot do,
/// [`PlanError::Unsound`] which guarantee the stages would break.
pub(super) fn build(
    scope: &Scope<'_>,
    paces: &Paces,
    written: &[HandStage],
) -> Result<Draft, PlanError> {
    let mut draft = Draft { stages: Vec::new(), remarks: Vec::new() };
    for (index, stage) in written.iter().enumerate() {
        let stage = resolve(scope, index, stage, &mut draft.remarks)?;
        draft.stages.push(stage);
    }
    let whole = |stage: &&mut Stage| {
        stage.candidate == scope.desired && (stage.stable == 0 || is_all(stage.route))
    };
    if let Some(stage) = draft.stages.iter_mut().find(whole) {
        stage.gates.extend(scope.monitor());
    }
    refuse_unsound(scope, paces, &draft)?;
    Ok(draft)
}

/// One stage in whole numbers.
fn resolve(
    scope: &Scope<'_>,
    index: usize,
    written: &HandStage,
    remarks: &mut Vec<Remark>,
) -> Result<Stage, PlanError> {
    let amount = |amount: crate::amount::Amount| amount.round_up(scope.desired).min(scope.desired);
    let counts = (amount(written.candidate), amount(written.stable));
    let name = written.name.clone();
    let route = route_of(scope, index, written, counts, remarks)?;
    if counts == (0, 0) || route == StageRoute::Empty {
        remarks.push(Remark::Downtime { stage: name.clone() });
    }
    let (budget, rounding) = match &written.pace {
        None if written.route == HandRoute::Nobody => (budget::all_missing(scope), Vec::new()),
        pace => {
            let is_weighted = matches!(route, StageRoute::Weighted(_));
            budget::of_stage(scope, &pace.clone().unwrap_or_default(), is_weighted)
        }
    };
    for remark in rounding {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    Ok(Stage {
        rules: Rules {
            matches: written.matches.clone(),
            mirror: written.mirror,
            affinity: written.affinity.clone(),
        },
        modules: written.modules.clone(),
        gates: written.gates.iter().map(StageGate::from).collect(),
        proves: written.proves,
        ..Stage::new(name, counts, route, budget)
    })
}

fn route_of(
    scope: &Scope<'_>,
    index: usize,
    written: &HandStage,
    counts: (u64, u64),
    remarks: &mut Vec<Remark>,
) -> Result<StageRoute, PlanError> {
    let field = || format!("strategy.stages[{index}].route");
    match (written.route, scope.units) {
        (HandRoute::Replicas, _) => Ok(StageRoute::ByReplicas),
        (HandRoute::Nobody, _) if scope.can_empty => Ok(StageRoute::Empty),
        // Where there is nobody, nobody is served.
        (HandRoute::Nobody, _) if counts == (0, 0) => Ok(StageRoute::ByReplicas),
        (HandRoute::Nobody, _) => {
            Err(PlanError::CannotEmpty { field: field(), stage: written.name.clone() })
        }
        (HandRoute::Weight(_), None) => Err(PlanError::OnlyWithWeights { field: field() }),
        (HandRoute::Weight(asked), Some(units)) => {
            let actual = asked.in_units(units);
            if actual != asked {
                let stage = written.name.clone();
                remarks.push(Remark::ShareDiffers { stage, asked, actual });
            }
            Ok(StageRoute::Weighted(actual))
        }
    }
}

/// Refuses stages that would break a guarantee or never end, with every finding.
fn refuse_unsound(scope: &Scope<'_>, paces: &Paces, draft: &Draft) -> Result<(), PlanError> {
    if scope.desired == 0 {
        return Ok(()); // Nothing is walked.
    }
    let plan = Plan {
        strategy: String::new(),
        desired: scope.desired,
        counting: paces.counting.unwrap_or(Counting::Strict),
        stages: draft.stages.clone(),
        rollback: paces.back,
        rollback_hooks: Vec::new(),
        remarks: draft.remarks.clone(),
    };
    let findings = lint(&plan);
    if findings.is_empty() { Ok(()) } else { Err(PlanError::Unsound { findings }) }
}

fn is_all(route: StageRoute) -> bool {
    route == StageRoute::Weighted(Weight::FULL)
}
