//! Engine: turns [`Event`]s into [`Step`]s.
//!
//! In: an event and `now`. Out: records to keep, actions to attempt, notes for people, a wake-up time.
//! Absent: clocks, randomness, IO, async. `step` changes only the volatile view; `commit` alone changes
//! what lasts, by records that were made durable before.

mod action;
mod event;
mod note;
mod observation;
mod record;
mod status;

pub use self::{
    action::{
        Action, Admission, Effect, Outcome, Port, Refusal, RefusalKind, Retry, Revision, Route,
        Subject,
    },
    event::{Event, Order, OrderKind, OrderRefused, ProbeKind},
    note::{Expiry, Note, Wait, WaitReason},
    observation::{
        EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory, Observation,
        PoolSeen, RouteInForce,
    },
    record::{Cause, Change, End, Failure, RECORD_VERSION, Record, Settlement},
    status::{Phase, PoolStatus, Role, Status},
};
use crate::{
    id::{Attempt, Epoch, InstanceId, RevisionId, Seq, WorkloadId},
    port::Capabilities,
    spec::Health,
    time::{Span, Timestamp},
};

/// Everything one call decided, in the order to carry it out.
#[must_use = "persist `records`, then commit them, then attempt `actions`"]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Changes of state, to be made durable before anything else.
    pub records: Vec<Record>,
    /// Actions to attempt once the records are durable.
    pub actions: Vec<Action>,
    /// What a person may want to know.
    pub notes: Vec<Note>,
    /// The answer to an order, if the event was one.
    pub answer: Option<Result<(), OrderRefused>>,
    /// When to call again at the latest, whatever happens.
    pub wake_at: Option<Timestamp>,
}

/// What an engine is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The workload.
    pub workload: WorkloadId,
    /// What its ports can do together.
    pub capabilities: Capabilities,
    /// Limits of the engine itself.
    pub tuning: Tuning,
}

/// Limits of the engine itself, the same for every workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Oldest observation that a forward step rests on.
    pub stale_after: Span,
    /// Wait before the second attempt at an action; doubled for each further one.
    pub retry_first: Span,
    /// Longest wait between two attempts.
    pub retry_most: Span,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            stale_after: Span::from_secs(10),
            retry_first: Span::from_millis(200),
            retry_most: Span::from_secs(15),
        }
    }
}

/// An instance whose probes are to be run now, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeTarget<'a> {
    /// The instance.
    pub instance: &'a InstanceId,
    /// Where it answers.
    pub address: std::net::IpAddr,
    /// Its probes.
    pub health: &'a Health,
    /// Whether its startup probe has passed, so that the other two are due.
    pub started: bool,
}

/// A journal that makes no sense to this engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} does not follow from the ones before: {why}")]
pub struct ReplayError {
    /// The record.
    pub seq: Seq,
    /// Why it does not follow.
    pub why: String,
}

/// The engine of one workload. Drive it like this, and no other way:
///
/// 1. `let step = engine.step(now, event);`
/// 2. append `step.records` to the journal (skip if empty); if that fails, drop the step and make a new
///    engine by [`Engine::replay`];
/// 3. `engine.commit(&step.records);`
/// 4. attempt every one of `step.actions`, those of one [`Subject`] one after the other, and feed each
///    outcome back as [`Event::Attempted`];
/// 5. call again with [`Event::Woke`] at `step.wake_at`, or earlier with any other event.
///
/// The guard checks every step before it is returned; a veto comes back as a step that records it.
#[derive(Clone, Debug)]
pub struct Engine {
    setup: Setup,
}

impl Engine {
    /// An engine that has never heard of its workload.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self { setup }
    }

    /// The engine that has committed `records`, and nothing since.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] names the first record that does not follow from the ones before.
    pub fn replay(setup: Setup, records: &[Record]) -> Result<Self, ReplayError> {
        let _ = records;
        Ok(Self { setup })
    }

    /// Takes in a fact and decides. Changes nothing that lasts.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Step {
        let _ = (now, event);
        Step::default()
    }

    /// Applies records that are durable now.
    pub fn commit(&mut self, records: &[Record]) {
        let _ = records;
    }

    /// Number of records committed.
    #[must_use]
    pub fn seq(&self) -> Seq {
        Seq(0)
    }

    /// The reign it acts under; epoch 0 before [`Event::Claimed`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(0)
    }

    /// The attempt under way or ended last.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        Attempt(0)
    }

    /// The last revision proven healthy.
    #[must_use]
    pub fn stable(&self) -> Option<&RevisionId> {
        None
    }

    /// Where things stand, for people and tools.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let _ = now;
        Status::idle(self.setup.workload.clone())
    }

    /// Every reason why nothing moves now, most important first.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> Vec<Wait> {
        let _ = now;
        Vec::new()
    }

    /// The instances whose probes are to be run now. Ask after every step.
    pub fn probe_targets(&self) -> impl Iterator<Item = ProbeTarget<'_>> {
        std::iter::empty()
    }

    /// Whether the rollout has ended, and how.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        None
    }
}
