//! Ledger: what the journal says so far, as much of it as the promises need.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{Change, End, Imprint, Record, Resolution},
    id::{ActionId, InstanceId, RevisionId},
    plan::{Plan, Stage, StageRoute},
    spec::Counting,
    weight::Weight,
};

/// What the journal says so far.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each recorded by itself")]
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) stage: usize,
    pub(super) reached: bool,
    /// Gates of the stage that were passed.
    pub(super) passed: usize,
    pub(super) promoted: bool,
    pub(super) skips: bool,
    pub(super) stable: Option<RevisionId>,
    pub(super) candidate: Option<RevisionId>,
    /// Whether the attempt began without a stable revision.
    pub(super) first: bool,
    /// How many instances of stable there are to be after the way back.
    back: u64,
    sizes: BTreeMap<RevisionId, u64>,
    pub(super) aborted: bool,
    pub(super) proven: bool,
    pub(super) halted: bool,
    pub(super) queued: bool,
    pub(super) end: Option<End>,
    pub(super) last_action: ActionId,
    /// Actions that were decided and are not over.
    pub(super) pending: Vec<ActionId>,
    /// Instances that were told to go and are there.
    pub(super) retired: Vec<InstanceId>,
    /// Whether forward steps are stopped.
    pub(super) paused: bool,
    /// Whether the guard refused a step.
    pub(super) vetoed: bool,
}

impl Ledger {
    /// Takes note of a record.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the promises speak of these records only")]
    pub(super) fn note(&mut self, record: &Record) {
        match &record.change {
            Change::Submitted { revision, spec, plan, .. } => {
                self.first = self.stable.is_none();
                let size = self.stable.as_ref().and_then(|stable| self.sizes.get(stable));
                self.back = size.copied().unwrap_or(plan.desired);
                self.sizes.insert(revision.id.clone(), spec.replicas);
                self.plan = Some(Arc::clone(plan));
                self.candidate = Some(revision.id.clone());
                self.enter(0);
                (self.aborted, self.proven, self.promoted) = (false, false, false);
                (self.queued, self.paused, self.end) = (false, false, None);
            }
            Change::Resized { plan, stage, .. } => {
                self.plan = Some(Arc::clone(plan));
                self.stage = *stage;
                self.back = plan.desired;
                for revision in self.candidate.iter().chain(&self.stable) {
                    self.sizes.insert(revision.clone(), plan.desired);
                }
            }
            Change::Entered { stage } => self.enter(*stage),
            Change::Skipped { .. } => self.skips = true,
            Change::Reached { .. } => self.reached = true,
            Change::Passed { .. } => self.passed += 1,
            Change::Promoted { .. } => self.promoted = true,
            Change::Proven { revision } => {
                self.stable = Some(revision.clone());
                self.proven = true;
            }
            Change::Adopted { revision } => self.stable = Some(revision.id.clone()),
            Change::Aborted { .. } => (self.aborted, self.paused) = (true, false),
            Change::Paused { .. } => self.paused = true,
            Change::Halted { .. } => self.halted = true,
            Change::Resumed { .. } => (self.halted, self.paused) = (false, false),
            Change::Retired { instance } => self.retired.push(instance.clone()),
            Change::Gone { instance } | Change::Lost { instance } => {
                self.retired.retain(|retired| retired != instance);
            }
            Change::Queued { .. } => self.queued = true,
            Change::Dropped { .. } => self.queued = false,
            Change::Ended { end } => (self.end, self.paused) = (Some(end.clone()), false),
            Change::Resolved { how, .. } => match how {
                Resolution::GoOn => self.end = None,
                Resolution::Adopt { revision } => {
                    self.stable = revision.clone().or(self.stable.take());
                }
            },
            Change::Intended { id, .. } => {
                self.last_action = *id;
                self.pending.push(*id);
            }
            Change::Settled { id, .. } => self.pending.retain(|pending| pending != id),
            Change::Vetoed(_) => {
                self.paused |= !self.aborted && self.end.is_none();
                self.vetoed = true;
            }
            _ => {}
        }
    }

    fn enter(&mut self, stage: usize) {
        self.stage = stage;
        (self.reached, self.passed, self.skips) = (false, 0, false);
    }

    /// Desired number of instances, there or back.
    pub(super) fn desired(&self) -> u64 {
        if self.aborted && !self.first {
            self.back
        } else {
            self.plan.as_ref().map_or(0, |plan| plan.desired)
        }
    }

    /// The stage under way.
    pub(super) fn stage_now(&self) -> Option<&Stage> {
        self.plan.as_ref()?.stages.get(self.stage)
    }

    /// Surge and unavailable in force.
    fn budget(&self) -> (u64, u64) {
        let Some(plan) = &self.plan else { return (0, 0) };
        let stage = self.stage_now().map_or(plan.rollback, |stage| stage.budget);
        let budget = if self.aborted { plan.rollback } else { stage };
        (budget.surge, budget.unavailable)
    }

    /// Fewest serving instances the engine may leave: none while nothing was proven, or where the plan
    /// lets all be missing.
    pub(super) fn floor(&self) -> u64 {
        let Some(plan) = &self.plan else { return 0 };
        let all_missing = |stage: &Stage| {
            stage.route == StageRoute::Empty || plan.desired <= stage.budget.unavailable
        };
        if self.stable.is_none() || plan.stages.iter().any(all_missing) {
            return 0;
        }
        self.desired().saturating_sub(self.budget().1)
    }

    /// Most live instances the engine may make.
    pub(super) fn ceiling(&self) -> u64 {
        self.desired() + self.budget().0
    }

    /// Whether instances on their way out count against the ceiling.
    pub(super) fn counts_strictly(&self) -> bool {
        self.plan.as_ref().is_none_or(|plan| plan.counting == Counting::Strict)
    }

    /// Serving instances wanted behind a share.
    pub(super) fn backing(&self, weight: Weight) -> u64 {
        if weight.is_zero() {
            return 0;
        }
        weight.of_rounded_up(self.desired()).min(self.floor()).max(1)
    }

    /// Adds what decides which promise is asked for next; the rest follows from the engine.
    pub(super) fn imprint(&self, imprint: &mut Imprint) {
        let flags = [self.reached, self.skips, self.first, self.aborted, self.proven, self.halted];
        imprint.word(flags.iter().fold(0, |word, flag| word * 2 + u64::from(*flag)));
        imprint.word(self.stage as u64 * 64 + self.passed as u64);
        imprint.word(self.floor() * 64 + self.ceiling());
        imprint.word(self.back);
    }
}
