//! Drives the engine through a world of events: whatever becomes so is shown at once, every action is
//! carried out at once, and time jumps from one event to the next. Nothing is polled.

use std::sync::Arc;

use rollout_core::{
    engine::{
        Action, End, Engine, Event, Observation, Order, OrderKind, Outcome, Revision, Setup, Tuning,
    },
    id::{Epoch, Mark, RevisionId, WorkloadId},
    port::Capabilities,
    spec::CheckedSpec,
    time::Timestamp,
};

use crate::{bound::Makespan, point::Times};

/// The revision that every rollout starts from, and the one it moves to.
pub(crate) const OLD: &str = "v1";
pub(crate) const NEW: &str = "v2";

/// Most calls of the engine at one point of time: more is a loop that does not end.
const CALLS_MOST: u64 = 20_000;

/// A backend with ground truth. Times are milliseconds.
pub(crate) trait World: Clone {
    /// What its ports can do.
    fn capabilities(&self) -> Capabilities;
    /// Does what is asked.
    fn apply(&mut self, now: u64, action: &Action, times: &Times);
    /// Everything as it is.
    fn observe(&self, mark: Mark) -> Vec<Observation>;
    /// When something becomes so next.
    fn next(&self) -> Option<u64>;
    /// Lets everything become so that is due.
    fn advance(&mut self, now: u64);
    /// Instances of `revision` that serve.
    fn available(&self, revision: &str) -> u64;
    /// Starts and drains are counted from here.
    fn count_from_here(&mut self);
}

/// An engine in its world.
#[derive(Clone, Debug)]
pub(crate) struct Driven<W> {
    pub(crate) engine: Engine,
    world: W,
    now: u64,
    mark: u64,
    wake_at: Option<Timestamp>,
    /// Calls of the engine so far.
    pub(crate) calls: u64,
}

impl<W: World> Driven<W> {
    /// A workload that nothing was ever submitted of.
    pub(crate) fn idle(world: W) -> Self {
        let setup = Setup {
            workload: WorkloadId::new("web").expect("a name"),
            capabilities: world.capabilities(),
            tuning: Tuning::default(),
        };
        let engine = Engine::new(setup);
        let mut driven = Self { engine, world, now: 0, mark: 0, wake_at: None, calls: 0 };
        driven.feed(Event::Claimed { epoch: Epoch(1) }, &Times::equal(1, 1));
        driven
    }

    /// A workload whose stable revision serves with the size and the route of `spec`.
    pub(crate) fn serving(world: W, spec: &Arc<CheckedSpec>) -> Self {
        let mut driven = Self::idle(world);
        driven.roll(OLD, spec, &Times::equal(1, 1));
        driven
    }

    /// Submits `revision` and lets it roll. Returns when its last instance was available and when it was
    /// completed, in milliseconds from the submission.
    pub(crate) fn roll(
        &mut self,
        revision: &str,
        spec: &Arc<CheckedSpec>,
        times: &Times,
    ) -> Makespan {
        self.world.count_from_here();
        self.calls = 0;
        let began = self.now;
        let id = RevisionId::new(revision).expect("a name");
        let revision_made = Arc::new(Revision { id, template: revision.into() });
        let kind = OrderKind::Submit { revision: revision_made, spec: spec.clone() };
        self.feed(Event::Ordered(Order { kind, by: "test".to_owned(), why: None }), times);
        let mut available = None;
        loop {
            self.settle(times);
            if available.is_none() && spec.replicas <= self.world.available(revision) {
                available = Some(self.now - began);
            }
            match self.engine.end() {
                Some(End::Completed) => break,
                Some(end) => panic!("{end}: {:?}", self.engine.status(Timestamp(self.now)).cause),
                None => self.wait(),
            }
        }
        let available = available.expect("a rollout is completed only when it is available");
        Makespan { available, end: self.now - began }
    }

    /// Shows the world and carries out what is decided until nothing more follows at this point of time.
    fn settle(&mut self, times: &Times) {
        let before = self.calls;
        loop {
            let mut acted = false;
            for observation in self.world.observe(Mark(self.mark)) {
                acted |= self.feed(Event::Observed(observation), times);
            }
            if !acted || self.engine.end().is_some() {
                return;
            }
            assert!(self.calls - before < CALLS_MOST, "it never settles");
        }
    }

    /// Goes to the next event, or to the time the engine asked for.
    fn wait(&mut self) {
        let woken = self.wake_at.map(|at| at.0);
        let next = self.world.next().into_iter().chain(woken).min();
        self.now = next.expect("a rollout under way waits for something");
        self.world.advance(self.now);
    }

    /// One event and the actions that follow from it. Returns whether there were any.
    fn feed(&mut self, event: Event, times: &Times) -> bool {
        let mut events = vec![event];
        let mut acted = false;
        while let Some(event) = events.pop() {
            self.calls += 1;
            let step = self.engine.step(Timestamp(self.now), event);
            self.engine.commit(&step.records);
            assert_eq!(step.answer.unwrap_or(Ok(())), Ok(()));
            self.wake_at = step.wake_at;
            for action in step.actions {
                self.world.apply(self.now, &action, times);
                self.mark += 1;
                let outcome = Outcome::Applied { mark: Mark(self.mark) };
                events.push(Event::Attempted { id: action.id, outcome });
                acted = true;
            }
        }
        acted
    }
}
