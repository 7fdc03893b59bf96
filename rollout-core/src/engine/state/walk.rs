//! The walk through a plan: submitted, stage by stage, paused, turned back, ended.

use std::{collections::BTreeMap, sync::Arc};

use super::{CALENDAR, ENGINE, GUARD, Paused, Proof, Rollout, RunEnd, State, Walk};
use crate::{
    engine::{
        action::{Effect, Revision},
        event::MetricPlace,
        record::{Change, End, Purpose, Resolution},
    },
    guard::Veto,
    id::Attempt,
    plan::{Plan, StageRoute},
    spec::CheckedSpec,
    time::Timestamp,
    weight::Weight,
};

impl State {
    /// Applies a record about the walk through the plan.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` lists every record, once")]
    pub(super) fn walked(&mut self, at: Timestamp, change: &Change) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        match change {
            Change::Entered { stage } => {
                rollout.walk = Walk::Moving { stage: *stage };
                rollout.place = *stage;
                rollout.passed = None;
                rollout.has_moved = false;
                rollout.stage_began = at;
                rollout.high_water = (0, at);
                rollout.gate_since = at;
            }
            Change::Reached { stage } => {
                let passed = rollout.passed.take();
                rollout.walk = Walk::Gating { stage: *stage, gate: passed.unwrap_or(0) };
                let stage = rollout.stage().1;
                if stage.route != StageRoute::Weighted(Weight::ZERO) || stage.rules.sends() {
                    rollout.exposed.get_or_insert(at);
                }
                if passed.is_none() {
                    rollout.gate_since = at;
                }
            }
            Change::Passed { stage, gate, .. } => {
                rollout.walk = Walk::Gating { stage: *stage, gate: gate + 1 };
                rollout.gate_since = at;
            }
            Change::Skipped { .. } => self.forget_runs(),
            Change::Resolved { how, .. } => self.resolved(at, how),
            Change::Proven { .. } => {
                rollout.proven = true;
                self.stable = Some(rollout.candidate.clone());
                let (revision, spec) = (rollout.candidate.clone(), rollout.spec.clone());
                self.proved(at, revision, Some(spec));
            }
            Change::Promoted { .. } => rollout.promoted = true,
            Change::Aborted { cause } => {
                rollout.walk = Walk::Reverting;
                rollout.has_moved = false;
                rollout.cause = Some(cause.clone());
                rollout.stage_began = at;
                rollout.high_water = (0, at);
                rollout.batch_ended = None;
                self.paused = None;
                self.forget_runs();
            }
            Change::Ended { end } => {
                rollout.walk = Walk::Ended(end.clone());
                rollout.stage_began = at;
                self.forget_runs();
                self.fenced |= matches!(end, End::Fenced);
                self.paused = None;
                self.forget_idle_pools();
            }
            _ => {}
        }
    }

    /// Applies a record about what was learned on the way.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` lists every record, once")]
    pub(super) fn learned(&mut self, at: Timestamp, change: &Change) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        match change {
            Change::Progressed { available } => {
                rollout.high_water = (*available, at);
                let is_by_replicas = rollout.stage().1.route == StageRoute::ByReplicas;
                if is_by_replicas && rollout.walk != Walk::Reverting {
                    rollout.exposed.get_or_insert(at);
                }
            }
            Change::Measured { place, reading } => {
                let Some(metric) = rollout.metric(*place).cloned() else { return };
                rollout.tallies.entry(*place).or_default().add(&metric, at, reading);
            }
            Change::BatchEnded => rollout.batch_ended = Some(at),
            Change::HookEnded { run, failure } => {
                if let Some(run) = rollout.runs.get_mut(run) {
                    run.end = Some(failure.clone().map_or(RunEnd::Succeeded, RunEnd::Failed));
                }
                let is_over =
                    |effect: &Effect| matches!(effect, Effect::Run { run: it, .. } if it == run);
                self.pending.retain(|_, effect| !is_over(effect));
            }
            Change::Restored => rollout.restored = Some(at),
            _ => {}
        }
    }

    pub(super) fn submitted(
        &mut self,
        at: Timestamp,
        attempt: Attempt,
        purpose: Purpose,
        (revision, spec, plan): (&Arc<Revision>, &Arc<CheckedSpec>, &Arc<Plan>),
    ) {
        self.queued = None;
        self.paused = None;
        self.forget_runs();
        for pool in self.pools.values_mut() {
            pool.failed = 0;
            pool.last_failure = None;
        }
        let from_desired =
            self.stable.as_ref().and_then(|stable| self.pools.get(&stable.id)).map_or(0, |pool| {
                match pool.desired {
                    // Not its target of now, which an attempt before may have left on its way.
                    Some(desired) => desired,
                    // Found: how many there were to be nobody knows, but not fewer than are wanted now.
                    None => pool.target.max(plan.desired),
                }
            });
        let pool = self.pool(revision);
        pool.spec = Some(spec.clone());
        pool.desired = Some(spec.replicas);
        pool.revision = revision.clone();
        self.rollout = Some(Arc::new(Rollout {
            attempt,
            from: self.stable.clone(),
            from_desired,
            candidate: revision.clone(),
            spec: spec.clone(),
            plan: plan.clone(),
            purpose,
            began: at,
            walk: Walk::Moving { stage: 0 },
            place: 0,
            passed: None,
            runs: BTreeMap::new(),
            rounds: 0,
            is_calendar_overridden: false,
            exposed: None,
            tallies: BTreeMap::new(),
            restored: None,
            stage_began: at,
            high_water: (0, at),
            gate_since: at,
            batch_ended: None,
            has_moved: false,
            promoted: false,
            proven: false,
            cause: None,
        }));
    }

    /// Lifts the halt, or else the pause, and moves every timer of the way forward by the time stopped.
    pub(super) fn resumed(&mut self, at: Timestamp, by: &str) {
        if let Some(halted) = self.halted.take() {
            // Who paused before, or since, is still to be asked.
            match &mut self.paused {
                Some(paused) => paused.at = paused.at.min(halted.at),
                None => self.shift(halted.at, at),
            }
            return;
        }
        let Some(paused) = self.paused.take() else { return };
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        rollout.is_calendar_overridden |= paused.by == CALENDAR && by != CALENDAR;
        if paused.by == ENGINE {
            self.forgive(paused.at);
        }
        self.shift(paused.at, at);
    }

    /// Whoever lets it go on gives it another try: what it was stopped for at `since` is forgiven.
    fn forgive(&mut self, since: Timestamp) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        rollout.began = since;
        rollout.high_water.1 = since;
        rollout.gate_since = since;
        rollout.rounds += 1;
        rollout.tallies.clear();
        if let Some(pool) = self.pools.get_mut(&rollout.candidate.id) {
            pool.failed = 0;
            pool.last_failure = None;
        }
    }

    /// Moves every timer by the time from `since` to `at`, one that began in between by its own part.
    fn shift(&mut self, since: Timestamp, at: Timestamp) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        let moved = |timer: Timestamp| timer.after(at.since(since.max(timer)));
        rollout.began = moved(rollout.began);
        rollout.stage_began = moved(rollout.stage_began);
        rollout.high_water.1 = moved(rollout.high_water.1);
        rollout.gate_since = moved(rollout.gate_since);
        rollout.batch_ended = rollout.batch_ended.map(moved);
        rollout.restored = rollout.restored.map(moved);
        for run in rollout.runs.values_mut().filter(|run| !run.has_begun) {
            run.since = moved(run.since);
        }
    }

    /// Another number of instances: the same attempt at the same stage of the plan for it.
    pub(super) fn resized(&mut self, spec: &Arc<CheckedSpec>, plan: &Arc<Plan>, stage: usize) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        let is_same = plan.stages[stage].name == rollout.stage().1.name;
        if !is_same {
            // What was read for a gate that has another place now is read anew.
            rollout.tallies.retain(|place, _| matches!(place, MetricPlace::Watch { .. }));
            rollout.passed = None;
        }
        rollout.spec = spec.clone();
        rollout.plan = plan.clone();
        rollout.place = stage;
        rollout.walk = match &rollout.walk {
            Walk::Moving { .. } => Walk::Moving { stage },
            // The stage has other counts to reach now; its gates go on where they were.
            Walk::Gating { gate, .. } => {
                rollout.passed = is_same.then_some(*gate);
                Walk::Moving { stage }
            }
            Walk::Reverting => Walk::Reverting,
            Walk::Ended(end) => Walk::Ended(end.clone()),
        };
        if rollout.from.is_some() {
            rollout.from_desired = plan.desired;
        }
        // More than the new number is no mark to pass; since when nothing moved stays as it was.
        let most = match rollout.walk {
            Walk::Reverting => rollout.from_desired,
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Ended(_) => {
                rollout.stage().1.candidate
            }
        };
        rollout.high_water.0 = rollout.high_water.0.min(most);
        let ids = [Some(&rollout.candidate), rollout.from.as_ref()];
        for id in ids.into_iter().flatten().map(|revision| &revision.id) {
            if let Some(pool) = self.pools.get_mut(id) {
                pool.desired = Some(plan.desired);
            }
        }
        if let Some(pool) = self.pools.get_mut(&rollout.candidate.id) {
            pool.spec = Some(spec.clone());
        }
    }

    /// Leaves the end that needed an operator.
    fn resolved(&mut self, at: Timestamp, how: &Resolution) {
        let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) else { return };
        match how {
            Resolution::GoOn => {
                let is_back = rollout.cause.is_some() && !rollout.proven;
                rollout.walk =
                    if is_back { Walk::Reverting } else { Walk::Moving { stage: rollout.place } };
                rollout.stage_began = at;
                rollout.high_water = (0, at);
                rollout.has_moved = false;
                rollout.batch_ended = None;
                rollout.restored = None;
                self.forgive(at);
            }
            Resolution::Adopt { revision: Some(id) } => {
                let Some(pool) = self.pools.get(id) else { return };
                let (revision, spec) = (pool.revision.clone(), pool.spec.clone());
                self.stable = Some(revision.clone());
                self.proved(at, revision, spec);
            }
            Resolution::Adopt { revision: None } => {}
        }
    }

    /// Remembers a proven revision, and forgets the oldest above the limit, never the stable one.
    pub(super) fn proved(
        &mut self,
        at: Timestamp,
        revision: Arc<Revision>,
        spec: Option<Arc<CheckedSpec>>,
    ) {
        let limit = spec.as_ref().map_or(u64::MAX, |spec| spec.history.max(1));
        self.history.retain(|proof| proof.revision.id != revision.id);
        self.history.push(Proof { revision, spec, at });
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let over = self.history.len() - self.history.len().min(most);
        self.history.drain(..over);
    }

    pub(super) fn vetoed(&mut self, at: Timestamp, veto: &Veto) {
        if self.stops_at_veto() {
            self.paused = Some(Paused { at, by: GUARD.to_owned(), why: Some(veto.to_string()) });
        }
    }

    /// Whether a veto pauses what is under way.
    pub(in crate::engine) fn stops_at_veto(&self) -> bool {
        self.paused.is_none()
            && self.under_way().is_some_and(|rollout| rollout.walk != Walk::Reverting)
    }
}
