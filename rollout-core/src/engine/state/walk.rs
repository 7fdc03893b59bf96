//! The walk through a plan: submitted, stage by stage, paused, turned back, ended.

use std::sync::Arc;

use super::{ENGINE, Paused, Rollout, State, Walk};
use crate::{
    engine::{
        action::Revision,
        record::{Change, End},
    },
    guard::Veto,
    id::Attempt,
    plan::Plan,
    spec::CheckedSpec,
    time::Timestamp,
};

impl State {
    /// Applies a record about the walk through the plan.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` lists every record, once")]
    pub(super) fn walked(&mut self, at: Timestamp, change: &Change) {
        let Some(rollout) = &mut self.rollout else { return };
        match change {
            Change::Entered { stage } => {
                rollout.walk = Walk::Moving { stage: *stage };
                rollout.has_moved = false;
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
                rollout.has_moved = false;
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

    pub(super) fn submitted(
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
        let from_desired =
            self.stable.as_ref().and_then(|stable| self.pools.get(&stable.id)).map_or(0, |pool| {
                match &pool.spec {
                    // Not its target of now, which an attempt before may have left on its way.
                    Some(spec) => spec.replicas,
                    // Found: how many there were to be nobody knows, but not fewer than are wanted now.
                    None => pool.target.max(plan.desired),
                }
            });
        let pool = self.pool(revision);
        pool.spec = Some(spec.clone());
        pool.revision = revision.clone();
        self.rollout = Some(Rollout {
            attempt,
            from: self.stable.clone(),
            from_desired,
            candidate: revision.clone(),
            spec: spec.clone(),
            plan: plan.clone(),
            began: at,
            walk: Walk::Moving { stage: 0 },
            stage_began: at,
            high_water: (0, at),
            gate_since: at,
            batch_ended: None,
            has_moved: false,
            promoted: false,
            proven: false,
            cause: None,
        });
    }

    /// Moves every timer of the way forward by the time paused.
    pub(super) fn resumed(&mut self, at: Timestamp) {
        let Some(paused) = self.paused.take() else { return };
        let Some(rollout) = &mut self.rollout else { return };
        if paused.by == ENGINE {
            // Whoever resumes gives it another try: what it was paused for is forgiven.
            rollout.high_water.1 = paused.at;
            if let Some(pool) = self.pools.get_mut(&rollout.candidate.id) {
                pool.failed = 0;
                pool.last_failure = None;
            }
        }
        let shift = at.since(paused.at);
        rollout.began = rollout.began.after(shift);
        rollout.stage_began = rollout.stage_began.after(shift);
        rollout.high_water.1 = rollout.high_water.1.after(shift);
        rollout.gate_since = rollout.gate_since.after(shift);
        rollout.batch_ended = rollout.batch_ended.map(|ended| ended.after(shift));
    }

    pub(super) fn vetoed(&mut self, at: Timestamp, veto: &Veto) {
        if self.under_way().is_some_and(|rollout| rollout.walk != Walk::Reverting)
            && self.paused.is_none()
        {
            self.paused =
                Some(Paused { at, by: "the guard".to_owned(), why: Some(veto.to_string()) });
        }
    }
}
