//! Compilers from strategies to stages: one small file each, all pure.
//!
//! In: a checked spec, what the ports can do, and what the plan is for. Out: a [`Plan`], or a
//! [`PlanError`]. Absent: anything about single instances or time.

mod abilities;
mod again;
mod blue_green;
mod budget;
mod by_replicas;
mod canary;
mod hand;
mod hooks;
mod in_place;
mod recreate;
mod rolling;
mod weighted;

pub use self::again::{build_restart, build_undo};
use self::budget::Paces;
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
    let scope = Scope::new(spec, capabilities);
    let paces = budget::paces(&scope);
    let mut draft = compile(&scope, &paces)?;
    if first {
        draft = draft.into_first(&scope, &paces);
    }
    if scope.desired == 0 {
        draft = Draft::nothing(&paces);
    }
    let stable = if first { 0 } else { scope.desired };
    hooks::around(&scope, stable, &mut draft.stages);
    let mut plan = scope.finish(name(&spec.strategy), paces, draft)?;
    plan.rollback_hooks.clone_from(&spec.hooks.on_rollback);
    plan.remarks.extend(scope.calendar());
    plan.remarks.extend(scope.watched());
    Ok(plan)
}

/// Returns the plan for another number of instances of the revision that is stable already, or for taking
/// over what runs: one stage, no hooks, and nothing to go back to.
///
/// # Errors
///
/// [`PlanError`], as for [`build`], so that the next rollout at this size is no surprise.
pub fn build_resize(spec: &CheckedSpec, capabilities: &Capabilities) -> Result<Plan, PlanError> {
    let scope = Scope::new(spec, capabilities);
    let paces = budget::paces(&scope);
    let mut draft = compile(&scope, &paces)?.into_first(&scope, &paces);
    if scope.desired == 0 {
        draft = Draft::nothing(&paces);
    }
    scope.finish(name(&spec.strategy), paces, draft)
}

/// The stages of the strategy, refused if anything in the spec needs more than the ports can do.
fn compile(scope: &Scope<'_>, paces: &Paces) -> Result<Draft, PlanError> {
    in_place::check(scope)?;
    let draft = match &scope.spec.strategy {
        Strategy::Rolling(_) => rolling::build(scope, paces),
        Strategy::Recreate(_) => recreate::build(scope),
        Strategy::BlueGreen(blue_green) => blue_green::build(scope, paces, blue_green)?,
        Strategy::Canary(canary) => canary::build(scope, paces, canary)?,
        Strategy::Stages(stages) => hand::build(scope, paces, stages)?,
    };
    let by_weight = |stage: &Stage| matches!(stage.route, StageRoute::Weighted(_));
    if !scope.spec.rollback.keep_failed.is_zero() && !draft.stages.iter().any(by_weight) {
        // By replicas, what is kept would be served.
        return Err(PlanError::OnlyWithWeights { field: "rollback.keep_failed".to_owned() });
    }
    abilities::check(scope)?;
    Ok(draft)
}

/// The strategy, for people.
const fn name(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Rolling(_) => "rolling",
        Strategy::Recreate(_) => "recreate",
        Strategy::BlueGreen(_) => "blue-green",
        Strategy::Canary(_) => "canary",
        Strategy::Stages(_) => "stages",
    }
}

/// Refuses a deadline for the whole that the waits written in the spec alone would hit.
fn check_total(spec: &Spec, stages: &[Stage]) -> Result<(), PlanError> {
    let Some(total) = spec.deadlines.total else { return Ok(()) };
    let proven = stages.iter().position(|stage| stage.proves).map_or(0, |place| place + 1);
    let gates = stages.iter().take(proven).flat_map(|stage| &stage.gates);
    let waits = gates.fold(Span::ZERO, |sum, gate| match gate {
        StageGate::Hold(span) | StageGate::Health(span) => sum.plus(*span),
        StageGate::Metric(metric) => sum.plus(metric.least()),
        StageGate::Approval { .. } | StageGate::Hook(_) | StageGate::Window(_) => sum,
    });
    if total <= waits { Err(PlanError::TotalBelowGates { total, waits }) } else { Ok(()) }
}

/// What every compiler may look at.
struct Scope<'a> {
    spec: &'a Spec,
    desired: u64,
    capabilities: &'a Capabilities,
    /// Units of a router that divides traffic by weight.
    units: Option<u64>,
    /// Whether traffic can be turned off as a whole.
    can_empty: bool,
}

/// What a compiler returns.
struct Draft {
    stages: Vec<Stage>,
    /// What a person should know beside the rounding of the paces.
    remarks: Vec<Remark>,
}

impl<'a> Scope<'a> {
    fn new(spec: &'a CheckedSpec, capabilities: &'a Capabilities) -> Self {
        Self {
            spec: spec.spec(),
            desired: spec.replicas,
            capabilities,
            units: capabilities.router.filter(|units| 0 < *units),
            can_empty: capabilities.router.is_some(),
        }
    }

    /// The gate that watches every instance for `health.monitor` after it was started last.
    fn monitor(&self) -> Option<StageGate> {
        watch(self.spec.health.monitor)
    }

    /// What the calendar means for a plan of something new.
    fn calendar(&self) -> Option<Remark> {
        let calendar = self.spec.calendar.as_ref().filter(|_| 0 < self.desired);
        calendar.cloned().map(Remark::Calendar)
    }

    /// The metrics that are watched while a candidate has traffic.
    fn watched(&self) -> impl Iterator<Item = Remark> {
        let metrics = self.spec.watch.iter().filter(|_| 0 < self.desired);
        metrics.map(|metric| Remark::Watched(Box::new(metric.clone())))
    }

    /// The plan made of a draft; a plan of no instance finishes at once.
    fn finish(&self, strategy: &str, paces: Paces, draft: Draft) -> Result<Plan, PlanError> {
        check_total(self.spec, &draft.stages)?;
        let is_first = draft.remarks.contains(&Remark::FirstDeploy);
        let mut remarks = Vec::new();
        if self.desired != 0 {
            // A first deploy replaces nothing, so how its pace was rounded is nothing to know.
            remarks.extend(paces.remarks.into_iter().filter(|_| !is_first));
            remarks.extend(draft.remarks);
            remarks.extend(self.capabilities.enrolment.is_none().then_some(Remark::NoDrain));
        }
        Ok(Plan {
            strategy: strategy.to_owned(),
            desired: self.desired,
            counting: paces.counting.unwrap_or(self.capabilities.counting),
            stages: draft.stages,
            rollback: paces.back,
            rollback_hooks: Vec::new(),
            remarks,
        })
    }
}

impl Draft {
    /// The first deploy: all instances at once. There is nothing to protect, so neither parallelism nor
    /// pauses apply, and the route is the one that later rollouts of the strategy start from.
    fn into_first(self, scope: &Scope<'_>, paces: &Paces) -> Self {
        let route = self.final_route();
        let budget = Budget { parallelism: 0, batch_delay: Span::ZERO, ..paces.forward };
        Self {
            stages: vec![Stage {
                gates: scope.monitor().into_iter().collect(),
                proves: true,
                ..Stage::new("deploy", (scope.desired, 0), route, budget)
            }],
            remarks: vec![Remark::FirstDeploy],
        }
    }

    /// No instance is desired: one stage that finishes at once.
    fn nothing(paces: &Paces) -> Self {
        Self {
            stages: vec![Stage {
                proves: true,
                ..Stage::new("empty", (0, 0), StageRoute::ByReplicas, paces.forward)
            }],
            remarks: Vec::new(),
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
            Gate::Metric(metric) => Self::Metric(metric.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
