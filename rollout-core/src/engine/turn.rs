//! One call of `step` in the making: a draft of the state, and everything decided so far.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    Step,
    action::{Action, Effect},
    division::Division,
    event::OrderRefused,
    note::{Expiry, Note, Wait, WaitReason},
    record::{Change, Record, Settlement},
    setup::Setup,
    state::State,
    subject::Subject,
};
use crate::{
    id::{ActionId, InstanceId},
    time::Timestamp,
};

/// One call of `step` in the making.
pub(crate) struct Turn<'a> {
    pub(crate) now: Timestamp,
    pub(crate) setup: &'a Setup,
    /// Since when every port is seen: no deadline of the engine's own runs from before.
    pub(crate) sighted_since: Timestamp,
    /// Since when the pool that is to be whole is not.
    pub(crate) broken_since: Option<Timestamp>,
    /// What the state will be once `records` are committed; a copy only once there is one.
    pub(crate) state: Cow<'a, State>,
    /// The last action there was before this call.
    last_action: ActionId,
    records: Vec<Record>,
    actions: Vec<Action>,
    notes: Vec<Note>,
    /// Filled only when someone asks why nothing moves.
    waits: Option<Vec<Wait>>,
    pub(crate) answer: Option<Result<(), OrderRefused>>,
    wake_at: Option<Timestamp>,
}

/// How much of a turn was decided at some point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DraftMark {
    records: usize,
    notes: usize,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(now: Timestamp, setup: &'a Setup, state: &'a State, explain: bool) -> Self {
        Self {
            now,
            setup,
            sighted_since: Timestamp::default(),
            broken_since: None,
            state: Cow::Borrowed(state),
            last_action: state.last_action,
            records: Vec::new(),
            actions: Vec::new(),
            notes: Vec::new(),
            waits: explain.then(Vec::new),
            answer: None,
            wake_at: None,
        }
    }

    /// A turn that has decided at the same time what `step` holds up to `mark`, actions apart.
    pub(crate) fn resume(
        now: Timestamp,
        setup: &'a Setup,
        state: &'a State,
        step: &Step,
        mark: DraftMark,
    ) -> Self {
        let mut turn = Self::new(now, setup, state, false);
        for record in step.records.iter().take(mark.records) {
            turn.record(record.change.clone());
        }
        turn.notes.extend(step.notes.iter().take(mark.notes).cloned());
        turn.answer.clone_from(&step.answer);
        turn
    }

    /// How much was decided so far.
    pub(crate) fn mark(&self) -> DraftMark {
        DraftMark { records: self.records.len(), notes: self.notes.len() }
    }

    /// Decides a change of state.
    pub(crate) fn record(&mut self, change: Change) {
        let record = Record { at: self.now, change };
        self.state.to_mut().apply(&record);
        self.records.push(record);
    }

    /// Decides an action, in place of any that is pending on the same subject.
    pub(crate) fn intend(&mut self, effect: Effect) {
        self.take_back(&effect.subject());
        self.intend_first(effect);
    }

    /// The same where nothing is pending on the subject.
    pub(crate) fn intend_first(&mut self, effect: Effect) {
        debug_assert_eq!(self.pending_on(&effect.subject()), None, "something is pending");
        let id = self.state.last_action.next();
        self.actions.push(self.action(id, effect.clone()));
        self.record(Change::Intended { id, effect });
    }

    /// Gives up the action that is pending on `subject`, if one is.
    pub(crate) fn take_back(&mut self, subject: &Subject) {
        if let Some(id) = self.pending_on(subject) {
            self.record(Change::Settled { id, how: Settlement::Superseded });
            self.actions.retain(|action| action.id != id);
        }
    }

    /// Names about which something is pending though no instance has them.
    pub(crate) fn strays_pending(&self) -> BTreeSet<InstanceId> {
        let names = self.state.pending.values().filter_map(Effect::instance);
        names.filter(|name| !self.state.roster.contains_key(*name)).cloned().collect()
    }

    /// Emits a pending action once more.
    pub(crate) fn repeat(&mut self, id: ActionId, effect: Effect) {
        self.actions.push(self.action(id, effect));
    }

    /// Whether an action was decided before this call.
    pub(crate) fn is_older(&self, id: ActionId) -> bool {
        id <= self.last_action
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Says why nothing moves; `until` also wakes the engine.
    pub(crate) fn wait(
        &mut self,
        since: Timestamp,
        until: Option<(Timestamp, Expiry)>,
        reason: impl FnOnce() -> WaitReason,
    ) {
        if let Some((at, _)) = until {
            self.wake(at);
        }
        if let Some(waits) = &mut self.waits {
            waits.push(Wait { reason: reason(), since, until });
        }
    }

    /// Whether it is asked why nothing moves, and nothing was said.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.waits.as_ref().is_some_and(Vec::is_empty)
    }

    /// Asks to be called at `at` at the latest.
    pub(crate) fn wake(&mut self, at: Timestamp) {
        if self.now < at {
            self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
        }
    }

    /// Number of records decided so far.
    pub(crate) fn decided(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn finish(self) -> (Step, Vec<Wait>) {
        let step = Step {
            records: self.records,
            actions: self.actions,
            notes: self.notes,
            answer: self.answer,
            wake_at: self.wake_at,
        };
        (step, self.waits.unwrap_or_default())
    }

    fn pending_on(&self, subject: &Subject) -> Option<ActionId> {
        match subject {
            Subject::Instance(instance) => match self.state.roster.get(instance) {
                Some(entry) => entry.pending,
                None => self
                    .state
                    .pending
                    .iter()
                    .find(|(_, effect)| effect.instance() == Some(instance))
                    .map(|(id, _)| *id),
            },
            Subject::Pool(pool) => self.state.pending_scale(pool).map(|(id, _)| id),
            Subject::Route => self.state.pending_route(),
            Subject::Division | Subject::Run(_) | Subject::Modules => {
                self.state.pending_about(subject)
            }
        }
    }

    fn action(&self, id: ActionId, effect: Effect) -> Action {
        let revision = match &effect {
            Effect::Create { revision, .. }
            | Effect::Scale { revision, .. }
            | Effect::Divide(Division { revision, .. }) => {
                self.state.pools.get(revision).map(|pool| pool.revision.clone())
            }
            Effect::Start { .. }
            | Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => None,
        };
        Action {
            id,
            epoch: self.state.epoch,
            attempt: self.state.rollout.as_ref().map(|rollout| rollout.attempt).unwrap_or_default(),
            workload: self.setup.workload.clone(),
            revision,
            effect,
        }
    }
}
