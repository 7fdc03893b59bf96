//! Compilers from strategies to stages: one small file each, all pure.
//!
//! In: a checked spec, what the ports can do, and whether there is a stable revision. Out: a [`Plan`],
//! or a [`PlanError`]. Absent: anything about single instances or time.

mod blue_green;
mod budget;
mod by_replicas;
mod canary;
mod recreate;
mod rolling;
mod weighted;

use super::{Budget, Plan, PlanError, Remark, Stage, StageGate, StageRoute};
use crate::{
    port::Capabilities,
    spec::{CheckedSpec, Gate, Spec, Strategy},
    time::Span,
};

/// Returns the plan of `spec` on ports with `capabilities`; `first` means that there is no stable revision.
///
/// # Errors
///
/// [`PlanError`] names what the ports cannot do or the budget cannot hold. A first deploy is refused for
/// the same reasons, so that the second one is no surprise.
pub fn build(
    spec: &CheckedSpec,
    capabilities: &Capabilities,
    first: bool,
) -> Result<Plan, PlanError> {
    let scope = Scope {
        spec: spec.spec(),
        desired: spec.replicas,
        units: capabilities.router.filter(|units| 0 < *units),
        can_empty: capabilities.router.is_some(),
    };
    let (strategy, draft) = match &spec.strategy {
        Strategy::Rolling(pace) => ("rolling", rolling::build(&scope, pace)),
        Strategy::Recreate(_) => ("recreate", recreate::build(&scope)),
        Strategy::BlueGreen(blue_green) => ("blue-green", blue_green::build(&scope, blue_green)?),
        Strategy::Canary(canary) => ("canary", canary::build(&scope, canary)?),
        Strategy::Stages(_) => return Err(PlanError::NoWeights { strategy: "stages" }),
    };
    let draft = match (scope.desired, first) {
        (0, _) => draft.into_nothing(),
        (_, true) => draft.into_first(&scope),
        (_, false) => draft,
    };
    check_total(spec, &draft.stages)?;
    let mut remarks = draft.remarks;
    if capabilities.enrolment.is_none() && scope.desired != 0 {
        remarks.push(Remark::NoDrain);
    }
    Ok(Plan {
        strategy: strategy.to_owned(),
        desired: scope.desired,
        counting: draft.counting.unwrap_or(capabilities.counting),
        stages: draft.stages,
        rollback: draft.rollback,
        rollback_hooks: spec.hooks.on_rollback.clone(),
        remarks,
    })
}

/// Refuses a deadline for the whole that the waits written in the spec alone would hit.
fn check_total(spec: &Spec, stages: &[Stage]) -> Result<(), PlanError> {
    let Some(total) = spec.deadlines.total else { return Ok(()) };
    let proven = stages.iter().position(|stage| stage.proves).map_or(0, |place| place + 1);
    let gates = stages.iter().take(proven).flat_map(|stage| &stage.gates);
    let waits = gates.fold(Span::ZERO, |sum, gate| match gate {
        StageGate::Hold(span) | StageGate::Health(span) => sum.plus(*span),
        StageGate::Approval { .. } | StageGate::Hook(_) | StageGate::Window(_) => sum,
    });
    if total <= waits { Err(PlanError::TotalBelowGates { total, waits }) } else { Ok(()) }
}

/// What every compiler may look at.
struct Scope<'a> {
    spec: &'a Spec,
    desired: u64,
    /// Units of a router that divides traffic by weight.
    units: Option<u64>,
    /// Whether traffic can be turned off as a whole.
    can_empty: bool,
}

/// What a compiler returns.
struct Draft {
    stages: Vec<Stage>,
    /// Budget of the way forward.
    pace: Budget,
    rollback: Budget,
    counting: Option<crate::spec::Counting>,
    remarks: Vec<Remark>,
}

impl Scope<'_> {
    /// The gate that watches every instance for `health.monitor` after it was started last.
    fn monitor(&self) -> Option<StageGate> {
        watch(self.spec.health.monitor)
    }
}

impl Draft {
    /// The first deploy: all instances at once. There is nothing to protect, so neither parallelism nor
    /// pauses apply, and the route is the one that later rollouts of the strategy start from.
    fn into_first(self, scope: &Scope<'_>) -> Self {
        let route = self.final_route();
        let budget = Budget { parallelism: 0, batch_delay: Span::ZERO, ..self.pace };
        Self {
            stages: vec![Stage {
                gates: scope.monitor().into_iter().collect(),
                proves: true,
                ..Stage::new("deploy", (scope.desired, 0), route, budget)
            }],
            remarks: vec![Remark::FirstDeploy],
            ..self
        }
    }

    /// No instance is desired: one stage that finishes at once.
    fn into_nothing(self) -> Self {
        Self {
            stages: vec![Stage {
                proves: true,
                ..Stage::new("empty", (0, 0), StageRoute::ByReplicas, self.pace)
            }],
            remarks: Vec::new(),
            ..self
        }
    }

    fn final_route(&self) -> StageRoute {
        match self.stages.last() {
            Some(stage) => stage.route,
            None => StageRoute::ByReplicas,
        }
    }
}

/// A gate of unbroken health for `span`; none, if that is no time at all.
fn watch(span: Span) -> Option<StageGate> {
    (!span.is_zero()).then_some(StageGate::Health(span))
}

impl From<&Gate> for StageGate {
    fn from(gate: &Gate) -> Self {
        match gate {
            Gate::Hold(span) => Self::Hold(*span),
            Gate::Health(span) => Self::Health(*span),
            Gate::Approval { deadline, on_expiry } => {
                Self::Approval { deadline: *deadline, on_expiry: *on_expiry }
            }
            Gate::Hook(hook) => Self::Hook(hook.clone()),
            Gate::Window(calendar) => Self::Window(calendar.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
