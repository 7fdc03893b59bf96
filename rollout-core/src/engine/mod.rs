//! Engine: turns [`Event`]s into [`Step`]s.
//!
//! In: an event and `now`. Out: records to keep, actions to attempt, notes for people, a wake-up time.
//! Absent: clocks, randomness, IO, async. `step` changes only the volatile view; `commit` alone changes
//! what lasts, by records that were made durable before.

mod action;
mod batch;
mod calendar;
mod capacity;
mod division;
mod eta;
mod event;
mod exchange;
mod hook;
mod imprint;
mod metric;
mod modules;
mod note;
mod observation;
mod order;
mod outcome;
mod phase;
mod record;
mod retry;
mod route;
mod setup;
mod share;
mod state;
mod status;
mod steer;
mod step;
mod subject;
mod traffic;
mod turn;
mod view;

pub use self::{
    action::{Action, Admission, Effect, ModuleSetting, Revision},
    division::{Division, Reach},
    eta::Eta,
    event::{Event, HookState, MetricPlace, Order, OrderKind, OrderRefused, ProbeKind},
    imprint::Imprint,
    metric::Measurement,
    note::{Expiry, Note, Wait, WaitReason},
    observation::{
        EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory, ModulesInForce,
        Observation, PoolSeen, RouteInForce,
    },
    outcome::{Outcome, Refusal, RefusalKind, Retry},
    record::{
        Cause, Change, End, Failure, Purpose, RECORD_VERSION, Record, Resolution, Settlement,
        Snapshot,
    },
    route::{Route, Shares, Trial},
    setup::{Setup, Tuning},
    status::{Phase, PoolStatus, ProvenRevision, Role, RollbackState, Status},
    subject::{Port, Subject},
};
pub(crate) use self::{
    capacity::Space,
    phase::moving::bound,
    retry::leaves_enough,
    state::{State, Walk},
    turn::{DraftMark, Turn},
    view::{Glance, Sight, View},
};
use crate::{
    fleet::Made,
    guard::{Guard, Veto},
    id::{Attempt, Epoch, HookRun, InstanceId, RevisionId, Seq},
    plan::Plan,
    spec::Health,
    time::Timestamp,
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
/// 1. `let step = engine.step(now, event);`, or [`Engine::step_all`] for facts that wait together;
/// 2. append `step.records` to the journal (skip if empty); if that fails, drop the step and make a new
///    engine by [`Engine::replay`];
/// 3. `engine.commit(&step.records);`
/// 4. attempt every one of `step.actions`, those of one [`Subject`] one after the other, and feed each
///    outcome back as [`Event::Attempted`];
/// 5. call again with [`Event::Woke`] at `step.wake_at`, or earlier with any other event.
///
/// Several steps may share one append: each is committed before the next is taken, and no action, answer or
/// note of any of them leaves before all their records are durable. If that append fails, all of them are
/// dropped with the engine.
///
/// The guard checks every step before it is returned; a veto comes back as a step that records it.
#[derive(Clone, Debug)]
pub struct Engine {
    setup: Setup,
    state: State,
    view: View,
    guard: Guard,
}

impl Engine {
    /// An engine that has never heard of its workload.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let guard = Guard::new(&setup.capabilities);
        Self { setup, state: State::default(), view: View::default(), guard }
    }

    /// The engine that has committed `records`, and nothing since.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] names the first record that does not follow from the ones before.
    pub fn replay(setup: Setup, records: &[Record]) -> Result<Self, ReplayError> {
        let mut engine = Self::new(setup);
        for record in records {
            engine
                .state
                .follows(record)
                .map_err(|why| ReplayError { seq: engine.state.seq.next(), why })?;
            engine.state.apply(record);
            engine.guard.commit(record);
        }
        Ok(engine)
    }

    /// Takes in a fact and decides. Changes nothing that lasts.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Step {
        self.step_all(now, [event])
    }

    /// Takes in several facts in their order and decides once, as if they had come in the same moment. So the
    /// outcomes of a hundred drains make one growth and not a hundred. At most one of them may be an order: the
    /// step has one answer.
    pub fn step_all(&mut self, now: Timestamp, events: impl IntoIterator<Item = Event>) -> Step {
        let mut turn = Turn::new(now, &self.setup, &self.state, false);
        for event in events {
            self.guard.witness(now, &event);
            step::take_in(&mut turn, &mut self.view, event);
        }
        let taken_in = turn.mark();
        step::decide(&mut turn, &mut self.view);
        let step = turn.finish().0;
        let step = match self.guard.check(&step.actions, &step.records) {
            Ok(()) => {
                self.view.allowed(now);
                step
            }
            Err(veto) => self.refused(now, &step, taken_in, veto),
        };
        for action in &step.actions {
            self.view.attempting(action);
        }
        step
    }

    /// Decides without the walk after the guard refused `step`: what came in counts all the same.
    fn refused(&mut self, now: Timestamp, step: &Step, taken_in: DraftMark, veto: Veto) -> Step {
        let mut turn = Turn::resume(now, &self.setup, &self.state, step, taken_in);
        step::take_in(&mut turn, &mut self.view, Event::Vetoed(veto));
        step::decide(&mut turn, &mut self.view);
        turn.finish().0
    }

    /// Applies records that are durable now.
    pub fn commit(&mut self, records: &[Record]) {
        for record in records {
            self.state.apply(record);
            self.guard.commit(record);
        }
    }

    /// Number of records committed.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.state.seq
    }

    /// The reign it acts under; epoch 0 before [`Event::Claimed`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state.epoch
    }

    /// The attempt under way or ended last; 0 if there was none.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.state.rollout.as_ref().map(|rollout| rollout.attempt).unwrap_or_default()
    }

    /// Whether a revision waits for the rollout under way to end.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.state.queued.is_some()
    }

    /// The last revision proven healthy.
    #[must_use]
    pub fn stable(&self) -> Option<&RevisionId> {
        self.state.stable.as_ref().map(|stable| &stable.id)
    }

    /// The plan of the attempt under way or ended last.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.state.rollout.as_ref().map(|rollout| rollout.plan.as_ref())
    }

    /// Where things stand, for people and tools.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let mut status = status::of(now, &self.setup, &self.state, &self.view);
        status.waits = self.waits(now);
        status
    }

    /// Every reason why nothing moves now, most important first.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> Vec<Wait> {
        let mut turn = Turn::new(now, &self.setup, &self.state, true);
        step::decide(&mut turn, &mut self.view.clone());
        turn.finish().1
    }

    /// The instances whose probes are to be run now. Ask after every step.
    pub fn probe_targets(&self) -> impl Iterator<Item = ProbeTarget<'_>> {
        let mut glances = self.view.glances();
        self.state.roster.iter().filter_map(move |(instance, entry)| {
            let glance = glances.of(instance);
            let seen = glance.seen.there()?;
            let health = self.state.health_of(entry);
            let is_due = entry.made == Made::Started && !entry.is_terminating();
            let runs = seen.state == InstanceState::Running;
            let started =
                glance.health.is_some_and(|seen| seen.is_started(health, entry.proved_ready));
            let address = seen.address.filter(|_| is_due && runs)?;
            Some(ProbeTarget { instance, address, health, started })
        })
    }

    /// The metrics to be read, each with the time it is due. Ask after every step.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement<'_>> {
        metric::due(&self.state)
    }

    /// The runs of hooks to be asked for now. Ask after every step.
    pub fn hook_runs(&self) -> impl Iterator<Item = &HookRun> {
        let runs = self.state.under_way().into_iter().flat_map(|rollout| &rollout.runs);
        runs.filter(|(_, run)| run.has_begun && run.end.is_none()).map(|(id, _)| id)
    }

    /// Whether the rollout has ended, and how.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        match &self.state.rollout.as_ref()?.walk {
            Walk::Ended(end) => Some(end),
            Walk::Moving { .. } | Walk::Gating { .. } | Walk::Reverting => None,
        }
    }
}
