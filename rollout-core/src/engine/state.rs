//! What lasts: a fold of records. [`State::apply`] is the only way it changes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    action::{Admission, Effect, Revision, Route},
    record::{Cause, Change, End, Failure, Record, Settlement},
};
use crate::{
    fleet::{Instance, Made, Roster, Standby, Traffic},
    guard::Veto,
    id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, Seq},
    plan::{Budget, Plan, Stage, StageRoute},
    spec::{CheckedSpec, Drain, Health},
    time::{Span, Timestamp},
    weight::Weight,
};

/// Everything that lasts about a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) seq: Seq,
    pub(crate) epoch: Epoch,
    pub(crate) last_action: ActionId,
    pub(crate) last_ordinal: u64,
    pub(crate) stable: Option<Arc<Revision>>,
    pub(crate) rollout: Option<Rollout>,
    pub(crate) queued: Option<Queued>,
    pub(crate) pools: BTreeMap<RevisionId, Pool>,
    pub(crate) roster: Roster,
    /// Actions that are attempted until settled.
    pub(crate) pending: BTreeMap<ActionId, Effect>,
    /// The route decided last.
    pub(crate) route: Option<Route>,
    /// When the route decided last was acknowledged.
    pub(crate) routed_at: Option<Timestamp>,
    pub(crate) paused: Option<Paused>,
    pub(crate) fenced: bool,
}

/// One attempt at moving to a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rollout {
    pub(crate) attempt: Attempt,
    /// The revision moved away from: stable when the attempt began.
    pub(crate) from: Option<Arc<Revision>>,
    pub(crate) candidate: Arc<Revision>,
    pub(crate) spec: Arc<CheckedSpec>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) began: Timestamp,
    pub(crate) walk: Walk,
    /// When the stage, or the way back, began.
    pub(crate) stage_began: Timestamp,
    /// Most instances available so far in this stage, and since when.
    pub(crate) high_water: (u64, Timestamp),
    /// When the stage was reached, or its last gate passed.
    pub(crate) gate_since: Timestamp,
    /// When the last batch ended, if none has begun since.
    pub(crate) batch_ended: Option<Timestamp>,
    pub(crate) promoted: bool,
    pub(crate) proven: bool,
    pub(crate) cause: Option<Cause>,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    Moving { stage: usize },
    Gating { stage: usize, gate: usize },
    Reverting,
    Ended(End),
}

/// A revision that waits for the rollout under way to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) revision: Arc<Revision>,
    pub(crate) spec: Arc<CheckedSpec>,
    pub(crate) by: String,
}

/// The instances of the workload at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) revision: Arc<Revision>,
    /// The spec it was submitted with, for its health and its drain; `None` if it was found.
    pub(crate) spec: Option<Arc<CheckedSpec>>,
    pub(crate) target: u64,
    /// Failures in this attempt.
    pub(crate) failed: u64,
    pub(crate) last_failure: Option<(Timestamp, String)>,
}

/// Forward steps are stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// What bounds the steps of now.
    pub(crate) fn budget(&self) -> Budget {
        match self.walk {
            Walk::Reverting => self.plan.rollback,
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => self.stage().1.budget,
        }
    }

    pub(crate) const fn is_under_way(&self) -> bool {
        !matches!(self.walk, Walk::Ended(_))
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
    /// The spec that the instances of a revision were made by; for found ones the newest there is.
    fn spec_of(&self, revision: &RevisionId) -> Option<&CheckedSpec> {
        let own = self.pools.get(revision).and_then(|pool| pool.spec.as_deref());
        own.or_else(|| self.rollout.as_ref().map(|rollout| rollout.spec.as_ref()))
    }

    /// When the instances of a revision are healthy: by their own spec, not by a newer one's probes.
    pub(crate) fn health_of(&self, revision: &RevisionId) -> &Health {
        self.spec_of(revision).map_or(&UNSPOKEN, |spec| &spec.health)
    }

    /// How the instances of a revision go.
    pub(crate) fn drain_of(&self, revision: &RevisionId) -> Drain {
        self.spec_of(revision).map(|spec| spec.drain.clone()).unwrap_or_default()
    }

    /// The rollout, while it has not ended.
    pub(crate) fn under_way(&self) -> Option<&Rollout> {
        self.rollout.as_ref().filter(|rollout| rollout.is_under_way())
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
                && route.weight_of(&entry.revision).is_some_and(|weight| !weight.is_zero())
        })
    }

    /// The pending action on the route, if one is.
    pub(crate) fn pending_route(&self) -> Option<ActionId> {
        self.pending
            .iter()
            .find(|(_, effect)| matches!(effect, Effect::Route(_)))
            .map(|(id, _)| *id)
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

    /// Whether `record` can follow what was applied so far; the reason if it cannot.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most records can follow any other")]
    pub(crate) fn follows(&self, record: &Record) -> Result<(), String> {
        let needs_rollout = matches!(
            record.change,
            Change::Entered { .. }
                | Change::Progressed { .. }
                | Change::BatchEnded
                | Change::Reached { .. }
                | Change::Passed { .. }
                | Change::Proven { .. }
                | Change::Aborted { .. }
        );
        if needs_rollout && self.rollout.is_none() {
            return Err(format!("`{}` without a rollout", record.change));
        }
        match &record.change {
            Change::Intended { id, .. } if *id <= self.last_action => {
                Err(format!("{id} is used a second time, the last one was {}", self.last_action))
            }
            Change::Settled { id, .. } if !self.pending.contains_key(id) => {
                Err(format!("{id} is settled and was never intended"))
            }
            Change::Claimed { epoch } if *epoch <= self.epoch => {
                Err(format!("{epoch} follows {}", self.epoch))
            }
            Change::Entered { stage }
                if self.rollout.as_ref().is_some_and(|it| it.plan.stages.len() <= *stage) =>
            {
                Err(format!("stage {stage} is not in the plan"))
            }
            _ => Ok(()),
        }
    }

    /// Applies one durable record. The only way that state changes.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.seq = self.seq.next();
        let at = record.at;
        match &record.change {
            Change::Claimed { epoch } => self.epoch = *epoch,
            Change::Adopted { revision } => {
                self.pool(revision);
                self.stable = Some(revision.clone());
            }
            Change::Found { instance, revision, enrolled } => {
                self.found(instance, revision, *enrolled);
            }
            Change::Submitted { attempt, revision, spec, plan, .. } => {
                self.submitted(at, *attempt, revision, spec, plan);
            }
            Change::Queued { revision, spec, by } => {
                self.queued =
                    Some(Queued { revision: revision.clone(), spec: spec.clone(), by: by.clone() });
            }
            Change::Dropped { .. } => self.queued = None,
            Change::Targeted { revision, replicas } => {
                if let Some(pool) = self.pools.get_mut(revision) {
                    pool.target = *replicas;
                }
                if let Some(rollout) = &mut self.rollout {
                    rollout.batch_ended = None;
                }
            }
            Change::Failed { instance, failure } => self.failed(at, instance, failure),
            Change::Lost { instance } => {
                if let Some(entry) = self.roster.get_mut(instance) {
                    entry.dead = true;
                    entry.made = Made::Removed;
                }
            }
            Change::Retired { instance } => {
                if let Some(entry) = self.roster.get_mut(instance) {
                    entry.retired = Some(at);
                }
            }
            Change::Gone { instance } => {
                self.roster.remove(instance);
                self.forget_idle_pools();
            }
            Change::Paused { by, why } => {
                self.paused = Some(Paused { at, by: by.clone(), why: why.clone() });
            }
            Change::Resumed { .. } => self.resumed(at),
            Change::Intended { id, effect } => self.intended(*id, effect),
            Change::Settled { id, how } => self.settled(at, *id, how),
            Change::Entered { .. }
            | Change::Progressed { .. }
            | Change::BatchEnded
            | Change::Reached { .. }
            | Change::Passed { .. }
            | Change::Proven { .. }
            | Change::Promoted { .. }
            | Change::Aborted { .. }
            | Change::Ended { .. } => self.walked(at, &record.change),
            Change::Vetoed(veto) => self.vetoed(at, veto),
        }
    }

    /// Applies a record about the walk through the plan.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` lists every record, once")]
    fn walked(&mut self, at: Timestamp, change: &Change) {
        let Some(rollout) = &mut self.rollout else { return };
        match change {
            Change::Entered { stage } => {
                rollout.walk = Walk::Moving { stage: *stage };
                rollout.stage_began = at;
                rollout.high_water = (0, at);
                rollout.gate_since = at;
            }
            Change::Progressed { available } => rollout.high_water = (*available, at),
            Change::BatchEnded => rollout.batch_ended = Some(at),
            Change::Reached { stage } => {
                rollout.walk = Walk::Gating { stage: *stage, gate: 0 };
                rollout.gate_since = at;
            }
            Change::Passed { stage, gate, .. } => {
                rollout.walk = Walk::Gating { stage: *stage, gate: gate + 1 };
                rollout.gate_since = at;
            }
            Change::Proven { .. } => {
                rollout.proven = true;
                self.stable = Some(rollout.candidate.clone());
            }
            Change::Promoted { .. } => rollout.promoted = true,
            Change::Aborted { cause } => {
                rollout.walk = Walk::Reverting;
                rollout.cause = Some(cause.clone());
                rollout.stage_began = at;
                rollout.high_water = (0, at);
                rollout.batch_ended = None;
                self.paused = None;
            }
            Change::Ended { end } => {
                rollout.walk = Walk::Ended(end.clone());
                self.fenced |= matches!(end, End::Fenced);
                self.paused = None;
                self.forget_idle_pools();
            }
            _ => {}
        }
    }

    fn submitted(
        &mut self,
        at: Timestamp,
        attempt: Attempt,
        revision: &Arc<Revision>,
        spec: &Arc<CheckedSpec>,
        plan: &Arc<Plan>,
    ) {
        self.queued = None;
        self.paused = None;
        for pool in self.pools.values_mut() {
            pool.failed = 0;
            pool.last_failure = None;
        }
        self.pool(revision).spec = Some(spec.clone());
        self.rollout = Some(Rollout {
            attempt,
            from: self.stable.clone(),
            candidate: revision.clone(),
            spec: spec.clone(),
            plan: plan.clone(),
            began: at,
            walk: Walk::Moving { stage: 0 },
            stage_began: at,
            high_water: (0, at),
            gate_since: at,
            batch_ended: None,
            promoted: false,
            proven: false,
            cause: None,
        });
    }

    /// The pool of `revision`, made if need be.
    fn pool(&mut self, revision: &Arc<Revision>) -> &mut Pool {
        self.pools.entry(revision.id.clone()).or_insert_with(|| Pool {
            revision: revision.clone(),
            spec: None,
            target: 0,
            failed: 0,
            last_failure: None,
        })
    }

    fn found(&mut self, instance: &InstanceId, revision: &Arc<Revision>, enrolled: bool) {
        self.pool(revision).target += 1;
        self.last_ordinal += 1;
        self.roster.insert(
            instance.clone(),
            Instance {
                revision: revision.id.clone(),
                ordinal: self.last_ordinal,
                made: Made::Started,
                standby: Standby::No,
                traffic: if enrolled { Traffic::In } else { Traffic::Out },
                retired: None,
                dead: false,
                proved_ready: enrolled,
                pending: None,
            },
        );
    }

    fn failed(&mut self, at: Timestamp, instance: &InstanceId, failure: &Failure) {
        let Some(entry) = self.roster.get_mut(instance) else { return };
        entry.dead |= failure.is_dead();
        if let Some(pool) = self.pools.get_mut(&entry.revision) {
            pool.failed += 1;
            pool.last_failure = Some((at, failure.to_string()));
        }
    }

    /// Moves every timer of the way forward by the time paused.
    fn resumed(&mut self, at: Timestamp) {
        let Some(paused) = self.paused.take() else { return };
        let Some(rollout) = &mut self.rollout else { return };
        let shift = at.since(paused.at);
        rollout.began = rollout.began.after(shift);
        rollout.stage_began = rollout.stage_began.after(shift);
        rollout.high_water.1 = rollout.high_water.1.after(shift);
        rollout.gate_since = rollout.gate_since.after(shift);
        rollout.batch_ended = rollout.batch_ended.map(|ended| ended.after(shift));
    }

    fn vetoed(&mut self, at: Timestamp, veto: &Veto) {
        if self.under_way().is_some_and(|rollout| rollout.walk != Walk::Reverting)
            && self.paused.is_none()
        {
            self.paused =
                Some(Paused { at, by: "the guard".to_owned(), why: Some(veto.to_string()) });
        }
    }

    fn intended(&mut self, id: ActionId, effect: &Effect) {
        self.last_action = self.last_action.max(id);
        self.pending.insert(id, effect.clone());
        if let Effect::Create { instance, revision } = effect {
            self.last_ordinal += 1;
            self.roster.insert(
                instance.clone(),
                Instance {
                    revision: revision.clone(),
                    ordinal: self.last_ordinal,
                    made: Made::Intended,
                    standby: Standby::No,
                    traffic: Traffic::Out,
                    retired: None,
                    dead: false,
                    proved_ready: false,
                    pending: None,
                },
            );
        }
        if let Effect::Route(route) = effect {
            self.route = Some(route.clone());
            self.routed_at = None;
            for entry in self.roster.values_mut() {
                if entry.standby != Standby::No && entry.traffic == Traffic::In {
                    entry.standby = Standby::Until(id);
                }
            }
        }
        let Some(entry) = effect.instance().and_then(|instance| self.roster.get_mut(instance))
        else {
            return;
        };
        entry.pending = Some(id);
        match effect {
            Effect::Enrol { admission, .. } => {
                entry.standby = match admission {
                    Admission::Serving => Standby::No,
                    Admission::Standby => Standby::Waits,
                };
                entry.traffic = Traffic::Enrolling;
                entry.proved_ready = true;
            }
            Effect::Drain { .. } => entry.traffic = Traffic::Draining,
            Effect::Detach { .. } => entry.traffic = Traffic::Detaching,
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Route(_) => {}
        }
    }

    fn settled(&mut self, at: Timestamp, id: ActionId, how: &Settlement) {
        let Some(effect) = self.pending.remove(&id) else { return };
        let applied = matches!(how, Settlement::Applied);
        if applied && matches!(effect, Effect::Route(_)) {
            self.routed_at = Some(at);
            for entry in self.roster.values_mut() {
                if entry.standby == Standby::Until(id) {
                    entry.standby = Standby::No;
                }
            }
        }
        let Some(entry) = effect.instance().and_then(|instance| self.roster.get_mut(instance))
        else {
            return;
        };
        if entry.pending == Some(id) {
            entry.pending = None;
        }
        if !applied {
            return;
        }
        match effect {
            Effect::Create { .. } => entry.made = entry.made.max(Made::Created),
            Effect::Start { .. } => entry.made = entry.made.max(Made::Started),
            Effect::Enrol { .. } => entry.traffic = Traffic::In,
            Effect::Drain { .. } => entry.traffic = Traffic::Drained(at),
            Effect::Detach { .. } => entry.traffic = Traffic::Out,
            Effect::Stop { .. } => entry.made = entry.made.max(Made::Stopped),
            Effect::Remove { .. } => entry.made = Made::Removed,
            Effect::Scale { .. } | Effect::Route(_) => {}
        }
    }

    /// Drops pools that hold nothing and mean nothing any more.
    fn forget_idle_pools(&mut self) {
        let Self { pools, roster, stable, rollout, queued, .. } = self;
        let keep = |id: &RevisionId| {
            let is = |revision: &Arc<Revision>| revision.id == *id;
            stable.as_ref().is_some_and(is)
                || rollout.as_ref().is_some_and(|rollout| {
                    is(&rollout.candidate) || rollout.from.as_ref().is_some_and(is)
                })
                || queued.as_ref().is_some_and(|queued| is(&queued.revision))
        };
        pools.retain(|id, pool| {
            pool.target != 0 || keep(id) || roster.values().any(|entry| entry.revision == *id)
        });
    }
}
