//! What lasts: a fold of records. [`State::apply`] is the only way it changes.
//!
//! Here: what it is made of, and questions about it. In the files below: the fold itself. All of it is
//! written into snapshots: a new field has a default for those that do not know it yet.

mod actions;
mod apply;
mod follows;
mod pairs;
mod walk;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    action::{Effect, ModuleSetting, Revision},
    event::MetricPlace,
    record::{Cause, End, Purpose},
    route::Route,
    subject::Subject,
};
use crate::{
    fleet::{Instance, Roster, Standby, Traffic},
    id::{ActionId, Attempt, Epoch, GateId, HookRun, RevisionId, Seq},
    judge::{Metric, Tally},
    map::Map,
    plan::{Budget, Plan, Stage, StageGate, StageRoute},
    spec::{CheckedSpec, Drain, Health, Hook},
    time::{Span, Timestamp},
    weight::Weight,
};

/// Who paused, where the engine itself did.
pub(crate) const ENGINE: &str = "the engine";
/// Who paused, where the calendar of the spec did.
pub(crate) const CALENDAR: &str = "the calendar";
/// Who paused, where the guard did.
pub(crate) const GUARD: &str = "the guard";
/// Names that no person has.
pub(crate) const OWN_NAMES: [&str; 3] = [ENGINE, CALENDAR, GUARD];

/// Everything that lasts about a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) seq: Seq,
    pub(crate) epoch: Epoch,
    pub(crate) last_action: ActionId,
    pub(crate) last_ordinal: u64,
    pub(crate) stable: Option<Arc<Revision>>,
    pub(crate) rollout: Option<Arc<Rollout>>,
    pub(crate) queued: Option<Queued>,
    pub(crate) pools: BTreeMap<RevisionId, Pool>,
    pub(crate) roster: Roster,
    /// Actions that are attempted until settled.
    pub(crate) pending: Map<ActionId, Effect>,
    /// The route decided last.
    pub(crate) route: Option<Route>,
    /// When the route decided last was acknowledged.
    pub(crate) routed_at: Option<Timestamp>,
    pub(crate) paused: Option<Paused>,
    /// Nothing goes out any more.
    pub(crate) halted: Option<Paused>,
    pub(crate) fenced: bool,
    /// The setting of the modules decided last; `None` if never.
    pub(crate) modules: Option<ModuleSetting>,
    /// When the setting decided last was acknowledged.
    pub(crate) modules_at: Option<Timestamp>,
    /// Proven revisions, the newest last.
    pub(crate) history: Vec<Proof>,
}

/// A revision that was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) revision: Arc<Revision>,
    /// The spec it was submitted with; `None` if it was found.
    pub(crate) spec: Option<Arc<CheckedSpec>>,
    pub(crate) at: Timestamp,
}

/// One run of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) hook: Arc<Hook>,
    /// When it was decided upon.
    pub(crate) since: Timestamp,
    /// Whether its beginning was acknowledged.
    pub(crate) has_begun: bool,
    /// How it ended, if it has.
    pub(crate) end: Option<RunEnd>,
}

/// How one run of a hook ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunEnd {
    Succeeded,
    Failed(String),
}

/// One attempt at moving to a revision.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each recorded by itself")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rollout {
    pub(crate) attempt: Attempt,
    /// The revision moved away from: stable when the attempt began.
    pub(crate) from: Option<Arc<Revision>>,
    /// How many instances of it there were to be.
    pub(crate) from_desired: u64,
    pub(crate) candidate: Arc<Revision>,
    pub(crate) spec: Arc<CheckedSpec>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) purpose: Purpose,
    pub(crate) began: Timestamp,
    pub(crate) walk: Walk,
    /// The stage entered last.
    pub(crate) place: usize,
    /// Runs of hooks of this attempt.
    pub(crate) runs: BTreeMap<HookRun, Run>,
    /// When the candidate got its first traffic.
    pub(crate) exposed: Option<Timestamp>,
    /// What the metrics said so far.
    #[serde(with = "pairs")]
    pub(crate) tallies: BTreeMap<MetricPlace, Tally>,
    /// How often somebody let it go on after the engine itself had paused; hooks are tried anew then.
    pub(crate) rounds: u32,
    /// Whether a person let it go on though the calendar is closed.
    pub(crate) is_calendar_overridden: bool,
    /// When the way back reached its counts and its route.
    pub(crate) restored: Option<Timestamp>,
    /// When the stage, or the way back, began.
    pub(crate) stage_began: Timestamp,
    /// Most instances available so far in this stage, and since when.
    pub(crate) high_water: (u64, Timestamp),
    /// When the stage was reached, or its last gate passed.
    pub(crate) gate_since: Timestamp,
    /// Gates of the stage that have passed already, where a resize took it back to moving: the next one goes
    /// on where it was.
    pub(crate) passed: Option<usize>,
    /// When the last batch ended, if none has begun since.
    pub(crate) batch_ended: Option<Timestamp>,
    /// Whether a target changed since the stage, or the way back, began.
    pub(crate) has_moved: bool,
    pub(crate) promoted: bool,
    pub(crate) proven: bool,
    pub(crate) cause: Option<Cause>,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Walk {
    Moving { stage: usize },
    Gating { stage: usize, gate: usize },
    Reverting,
    Ended(End),
}

/// A revision that waits for the rollout under way to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queued {
    pub(crate) revision: Arc<Revision>,
    pub(crate) spec: Arc<CheckedSpec>,
    pub(crate) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    pub(crate) purpose: Purpose,
}

/// The instances of the workload at one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) revision: Arc<Revision>,
    /// The spec it was submitted with, for its health and its drain; `None` if it was found.
    pub(crate) spec: Option<Arc<CheckedSpec>>,
    pub(crate) target: u64,
    /// How many instances there were to be when it was submitted or resized last; `None` if it was found.
    pub(crate) desired: Option<u64>,
    /// Failures so far, as a backend that makes instances by count counts them.
    pub(crate) counted: u64,
    /// Failures in this attempt.
    pub(crate) failed: u64,
    pub(crate) last_failure: Option<(Timestamp, String)>,
}

/// Forward steps are stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paused {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) why: Option<String>,
}

impl Rollout {
    /// The stage under way; the last one once all are walked.
    pub(crate) fn stage(&self) -> (usize, &Stage) {
        let last = self.plan.stages.len() - 1;
        let index = match self.walk {
            Walk::Moving { stage } | Walk::Gating { stage, .. } => stage.min(last),
            Walk::Reverting | Walk::Ended(_) => last,
        };
        (index, &self.plan.stages[index])
    }

    /// The gate that is waited for.
    pub(crate) fn waited_gate(&self) -> Option<GateId> {
        let Walk::Gating { stage, gate } = self.walk else { return None };
        let is_one = gate < self.plan.stages.get(stage)?.gates.len();
        is_one.then_some(GateId { attempt: self.attempt, stage: stage + 1, gate: gate + 1 })
    }

    /// Whether `gate` is of this attempt and was passed.
    pub(crate) fn is_past(&self, gate: GateId) -> bool {
        let (stage, next) = match self.walk {
            Walk::Moving { stage } => (stage + 1, 1),
            Walk::Gating { stage, gate } => (stage + 1, gate + 1),
            Walk::Reverting | Walk::Ended(_) => return false,
        };
        gate.attempt == self.attempt && (gate.stage, gate.gate) < (stage, next)
    }

    /// Whether it is on its way back, or has ended there, also where that was given up.
    pub(crate) fn is_back(&self) -> bool {
        match &self.walk {
            Walk::Reverting | Walk::Ended(End::RolledBack) => true,
            Walk::Ended(End::NeedsOperator { .. }) => self.cause.is_some() && !self.proven,
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => false,
        }
    }

    /// What bounds the steps of now.
    pub(crate) fn budget(&self) -> Budget {
        if self.is_back() { self.plan.rollback } else { self.stage().1.budget }
    }

    pub(crate) const fn is_under_way(&self) -> bool {
        !matches!(self.walk, Walk::Ended(_))
    }

    /// The metric that is read for `place`, if there is one.
    pub(crate) fn metric(&self, place: MetricPlace) -> Option<&Metric> {
        match place {
            MetricPlace::Watch { index } => self.spec.watch.get(index),
            MetricPlace::Gate { stage, gate } => {
                match self.plan.stages.get(stage)?.gates.get(gate)? {
                    StageGate::Metric(metric) => Some(metric),
                    StageGate::Hold(_)
                    | StageGate::Approval { .. }
                    | StageGate::Health(_)
                    | StageGate::Hook(_)
                    | StageGate::Window(_) => None,
                }
            }
        }
    }

    /// Whether moving means another size of the same revision.
    pub(crate) fn is_resize(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.id == self.candidate.id)
    }

    /// Whether the last stage shares traffic by weight.
    pub(crate) fn is_weighted(&self) -> bool {
        self.plan.stages.iter().any(|stage| matches!(stage.route, StageRoute::Weighted(_)))
    }
}

/// The health of an instance that no spec speaks of: its backend's word is taken.
static UNSPOKEN: Health = Health {
    startup: None,
    readiness: None,
    liveness: None,
    min_ready: Span::ZERO,
    monitor: Span::ZERO,
    max_failure_ratio: Weight::ZERO,
};

impl State {
    /// The spec that the instances of a revision were made by; `None` for found ones.
    fn spec_of(&self, revision: &RevisionId) -> Option<&CheckedSpec> {
        self.pools.get(revision).and_then(|pool| pool.spec.as_deref())
    }

    /// When an instance is healthy: by the spec of its own revision, not by a newer one's probes. One that
    /// was found has none; one made anew of a revision that was found has only the newest to go by.
    pub(crate) fn health_of(&self, instance: &Instance) -> &Health {
        let newest = || self.rollout.as_ref().map(|rollout| rollout.spec.as_ref());
        match self.spec_of(&instance.revision) {
            Some(spec) => &spec.health,
            None if instance.found => &UNSPOKEN,
            None => newest().map_or(&UNSPOKEN, |spec| &spec.health),
        }
    }

    /// How the instances of a revision go; found ones as the newest spec says.
    pub(crate) fn drain_of(&self, revision: &RevisionId) -> Drain {
        let newest = || self.rollout.as_ref().map(|rollout| rollout.spec.as_ref());
        self.spec_of(revision).or_else(newest).map(|spec| spec.drain.clone()).unwrap_or_default()
    }

    /// The rollout, while it has not ended.
    pub(crate) fn under_way(&self) -> Option<&Rollout> {
        self.rollout.as_deref().filter(|rollout| rollout.is_under_way())
    }

    /// The pending action on an instance and what it is to make so.
    pub(crate) fn pending_on(&self, instance: &Instance) -> Option<(ActionId, &Effect)> {
        let id = instance.pending?;
        self.pending.get(&id).map(|effect| (id, effect))
    }

    /// Whether an enrolled instance of a revision with a share gets nothing until the route is set again.
    pub(crate) fn has_unrouted(&self) -> bool {
        let Some(route @ Route::Weighted(_)) = &self.route else { return false };
        self.roster.values().any(|entry| {
            entry.standby == Standby::Waits
                && entry.traffic == Traffic::In
                && !entry.is_terminating()
                && route.gives_to(&entry.revision)
        })
    }

    /// The pending action on the route, if one is.
    pub(crate) fn pending_route(&self) -> Option<ActionId> {
        self.pending
            .iter()
            .find(|(_, effect)| matches!(effect, Effect::Route(_)))
            .map(|(id, _)| *id)
    }

    /// The pending action on something rarely acted on, if one is.
    pub(crate) fn pending_about(&self, subject: &Subject) -> Option<ActionId> {
        self.pending.iter().find(|(_, effect)| effect.subject() == *subject).map(|(id, _)| *id)
    }

    /// The pending action on the size of a pool, if one is.
    pub(crate) fn pending_scale(&self, pool: &RevisionId) -> Option<(ActionId, u64)> {
        self.pending.iter().find_map(|(id, effect)| {
            if let Effect::Scale { revision, replicas } = effect
                && revision == pool
            {
                return Some((*id, *replicas));
            }
            None
        })
    }
}
