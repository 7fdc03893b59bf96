//! What is due when: a queue in virtual time, in the order of time and then of arrival.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use rollout_core::{
    engine::{HookState, MetricPlace, Outcome, Port},
    id::HookRun,
};

use super::{look::Seen, rivals::Move};

/// Something to do at a time.
#[derive(Debug)]
pub(super) enum Job {
    /// An attempt reaches the world.
    Land(usize),
    /// The answer to an attempt reaches the engine.
    Answer(usize, Outcome),
    /// A snapshot of a port is taken, if it is still due at this time.
    Look(Port, u64),
    /// A snapshot reaches the engine.
    Seen(Box<Seen>),
    /// A probe is due.
    Probe(usize),
    /// The engine starts again.
    Restart,
    /// The rollout under trial begins.
    Trial,
    /// A revision is submitted.
    Submit(&'static str),
    /// The faults end.
    Calm,
    /// A person helps on.
    Help,
    /// A fault strikes by the clock.
    Strike(usize),
    /// Something is done that a script says.
    Deed(usize),
    /// A run of a hook is asked for.
    Poll(HookRun),
    /// What was said of a run reaches the engine of this life.
    Polled(HookRun, HookState, u32),
    /// A metric is read.
    Read(MetricPlace),
    /// Somebody else degrades the modules that are asked for.
    Degrade,
    /// An order after an end.
    Encore,
    /// An engine that another one has taken over from goes on.
    Rival(u32, Move),
}

struct Due {
    at: u64,
    /// What a person or the environment does comes first, so that its place among the rest does not depend
    /// on when it was known.
    is_later: bool,
    place: u64,
    job: Job,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == std::cmp::Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |due: &Self| (due.at, due.is_later, due.place);
        key(self).cmp(&key(other))
    }
}

/// What is due when.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Due>>,
    pushed: u64,
}

impl Queue {
    /// Puts `job` at `at`, after everything of its kind that is there already for that time.
    pub(super) fn push(&mut self, at: u64, job: Job) {
        let place = self.pushed;
        self.pushed += 1;
        let is_later = !matches!(job, Job::Strike(_) | Job::Deed(_) | Job::Encore);
        self.heap.push(Reverse(Due { at, is_later, place, job }));
    }

    /// When the next job is due; [`u64::MAX`]: none is left.
    pub(super) fn next(&self) -> u64 {
        self.heap.peek().map_or(u64::MAX, |Reverse(due)| due.at)
    }

    /// Takes the next job.
    pub(super) fn pop(&mut self) -> Option<Job> {
        let next = self.heap.peek_mut()?;
        Some(PeekMut::pop(next).0.job)
    }
}
