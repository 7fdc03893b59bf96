//! Questions: what an engine is asked beside its work, to be judged by.
//!
//! In: an order and its answer, a step that came to nothing. Out: moments for the invariants. Absent: anything
//! that the engine under test would notice; what might is asked of a copy.

use rollout_core::{
    engine::{Event, Order, OrderKind, Step},
    id::Attempt,
};

use super::{Run, coverage};
use crate::{
    invariants::{Happened, Question},
    ledger::Ledger,
};

/// An order, and the attempt it was given in.
pub(super) struct Asked {
    order: Order,
    attempt: Attempt,
}

impl Asked {
    /// The order in `event`, if there is one.
    pub(super) fn of(event: &Event, ledger: &Ledger) -> Option<Self> {
        let Event::Ordered(order) = event else { return None };
        Some(Self { order: order.clone(), attempt: ledger.attempt })
    }
}

/// One of so many steps that come to nothing is followed by the question why.
const WHY_EVERY: u64 = 8;

/// Steps in which an engine that is told nothing new comes to rest.
const SETTLES_WITHIN: usize = 8;

/// Whether an order, given again, is to change nothing: it names a state rather than one more step.
fn changes_once(order: &OrderKind) -> bool {
    match order {
        OrderKind::Pause
        | OrderKind::Resume
        | OrderKind::Abort
        | OrderKind::Halt
        | OrderKind::Resize { .. }
        | OrderKind::Submit { .. }
        | OrderKind::Promote { all: true, .. }
        | OrderKind::Promote { gate: Some(_), .. } => true,
        OrderKind::Promote { .. }
        | OrderKind::Undo { .. }
        | OrderKind::Retry
        | OrderKind::Restart
        | OrderKind::Skip { .. }
        | OrderKind::Resolve(_)
        // One of a newer engine.
        | _ => false,
    }
}

impl Run<'_> {
    /// Judges the answer to an order, and returns the order if it was taken.
    pub(super) fn answered(&mut self, asked: Asked, step: &Step) -> Option<Asked> {
        let taken = step.answer.as_ref().is_some_and(Result::is_ok);
        if let Some(place) = coverage::place_of(&asked.order.kind) {
            self.coverage.ordered(place, self.ledger.phase(), taken);
        }
        self.judge(Happened::Answered { order: &asked.order.kind, taken });
        taken.then_some(asked)
    }

    /// Gives an order that was taken once more; asks now and then why a step came to nothing.
    pub(super) fn question(&mut self, asked: Option<Asked>, output: usize) {
        if let Some(asked) = asked.filter(|_| self.asks(Question::Repeat)) {
            self.repeat(asked);
        }
        if output == 0 && self.steps.is_multiple_of(WHY_EVERY) && self.asks(Question::Waits) {
            self.ask_why();
        }
    }

    /// Gives an order that was taken once more, to an engine that is thrown away.
    fn repeat(&mut self, asked: Asked) {
        let Asked { order, attempt } = asked;
        let (Some(engine), true) = (&self.engine, changes_once(&order.kind)) else {
            return;
        };
        let (kind, now) = (order.kind.clone(), self.told());
        let mut twin = engine.clone();
        // One order may take several steps to its end, as room that one makes is used by the next.
        for _ in 0..SETTLES_WITHIN {
            let step = twin.step(now, Event::Woke);
            twin.commit(&step.records);
            if step.records.is_empty() && step.actions.is_empty() {
                break;
            }
        }
        if twin.attempt() != attempt && matches!(kind, OrderKind::Promote { .. }) {
            return; // It would be an order about the attempt that has begun since.
        }
        if kind == OrderKind::Resume && twin.status(now).paused {
            return; // It would lift a pause that has begun since.
        }
        let step = twin.step(now, Event::Ordered(order));
        self.judge(Happened::Repeated { order: &kind, step: &step });
    }

    /// Asks what is waited for.
    fn ask_why(&mut self) {
        if let Some(engine) = &self.engine {
            let waits = engine.waits(self.told());
            self.judge(Happened::Waiting(&waits));
        }
    }
}
