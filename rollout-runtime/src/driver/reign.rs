//! One reign: the engine under one epoch and everything that feeds it.

use rollout_core::{
    engine::{End, Engine, Event, Order, OrderRefused, Port, Status, Wait, WaitReason},
    id::{Attempt, Epoch, Seq, WorkloadId},
    port::JournalError,
    time::{Span, Timestamp},
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{
    Stopped, attempts::Attempts, batch::Batch, measures::Measures, observers::Observers,
    polls::Polls,
};
use crate::{clock::ReignTime, options::Options, ports::Ports, probe::Probers, progress::Progress};

/// Probe answers that may wait for the engine before the probes themselves have to.
const ANSWERS_WAITING: usize = 256;

/// How much longer a fact waits for others for each attempt under way.
const GATHERED_EACH: Span = Span::from_millis(2);

/// What a handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take this order.
    Order(Order, Answer),
    /// Say where things stand.
    Status(oneshot::Sender<Status>),
    /// Stop.
    ShutDown,
}

/// Where the answer to an order goes.
pub(crate) type Answer = oneshot::Sender<Result<(), NotTaken>>;

/// An order that changed nothing.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The engine refused it.
    Refused(OrderRefused),
    /// It could not be made durable.
    NotKept(JournalError),
}

/// What waiters watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) attempt: Attempt,
    /// How it ended; `None` as long as something that was submitted has not.
    pub(crate) end: Option<End>,
    pub(crate) stopped: Option<Stopped>,
}

/// Where the driver speaks to all who listen.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    pub(crate) progress: broadcast::Sender<Progress>,
    pub(crate) standing: watch::Sender<Standing>,
}

/// The engine under one epoch and everything that feeds it. Dropping it cancels all of that.
pub(crate) struct Reign {
    pub(super) workload: WorkloadId,
    pub(super) ports: Ports,
    pub(super) options: Options,
    pub(super) time: ReignTime,
    pub(super) epoch: Epoch,
    pub(super) attempts: Attempts,
    pub(super) observers: Observers,
    pub(super) polls: Polls,
    pub(super) measures: Measures,
    pub(super) answers: mpsc::Receiver<Event>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) pace: Pace,
    /// What was decided and is not durable yet.
    pub(super) batch: Batch,
    /// The last record that is durable.
    pub(super) durable: Seq,
    /// Records that the journal grew by since it was compacted, or was too short for it.
    pub(super) grown: usize,
    /// Whether nothing but probe answers came in since the last look around.
    is_quiet: bool,
    engine: Engine,
    probers: Probers,
}

/// How often ports are observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Nothing is under way.
    Ended,
    /// The rollout moves or waits.
    Moving,
    /// Instances drain.
    Draining,
}

impl Pace {
    fn of(is_under_way: bool, waits: &[Wait]) -> Self {
        let drains = |wait: &Wait| matches!(wait.reason, WaitReason::Draining { .. });
        if waits.iter().any(drains) {
            return Self::Draining;
        }
        if is_under_way { Self::Moving } else { Self::Ended }
    }

    pub(super) fn period(self, port: Port, options: &Options) -> Span {
        match (self, port) {
            (_, Port::Backend | Port::Enrolment) if let Some(hinted) = options.poll_hinted => {
                hinted
            }
            (Self::Ended, _) => options.poll_ended,
            (Self::Draining, Port::Enrolment) => options.poll_draining,
            (Self::Draining | Self::Moving, _) => options.poll_moving,
        }
    }
}

impl Reign {
    pub(super) fn new(
        workload: &WorkloadId,
        ports: &Ports,
        options: &Options,
        time: ReignTime,
        engine: Engine,
        epoch: Epoch,
        grown: usize,
    ) -> Self {
        let (sender, answers) = mpsc::channel(ANSWERS_WAITING);
        Self {
            workload: workload.clone(),
            ports: ports.clone(),
            options: *options,
            epoch,
            attempts: Attempts::new(ports.clone(), time.clone(), *options),
            observers: Observers::new(workload.clone(), ports.clone(), time.clone(), *options),
            polls: Polls::new(workload.clone(), ports.clone(), time.clone(), *options),
            measures: Measures::new(workload.clone(), ports.clone(), time.clone(), *options),
            answers,
            wake_at: None,
            pace: Pace::Moving,
            batch: Batch::default(),
            durable: engine.seq(),
            grown,
            is_quiet: false,
            engine,
            probers: Probers::new(ports.prober.clone(), time.clone(), sender),
            time,
        }
    }

    /// Takes facts in and decides once. What was decided is held back until [`Self::flush`].
    pub(super) fn decide(&mut self, facts: Vec<Event>, answer: Option<Answer>) {
        if facts.is_empty() {
            return;
        }
        let now = self.time.now();
        // Probe answers come by the thousand, and without a record they change nothing that is told.
        let is_quiet = facts.iter().all(|fact| matches!(fact, Event::Probed { .. }));
        let step = self.engine.step_all(now, facts);
        // Nothing leaves before the append, and if that fails nobody asks this engine any more.
        self.engine.commit(&step.records);
        self.is_quiet &= is_quiet && step.records.is_empty();
        self.wake_at = step.wake_at;
        self.batch.add(now, step, answer);
    }

    /// Brings what only reads to what the engine asks for now.
    pub(super) fn look_around(&mut self) {
        self.probers.reconcile(self.engine.probe_targets());
        self.polls.reconcile(self.engine.hook_runs());
        self.measures.reconcile(self.engine.measurements());
        if !self.is_quiet {
            self.set_pace(self.time.now());
        }
        self.is_quiet = true;
    }

    /// How long a fact waits for others that are to be decided with it.
    pub(super) fn gathering(&self) -> Span {
        let under_way = u64::try_from(self.attempts.under_way()).unwrap_or(u64::MAX);
        GATHERED_EACH.times(under_way).min(self.options.gather)
    }

    /// When what is held back is to become durable at the latest, if there is any.
    pub(super) fn flush_at(&self) -> Option<Timestamp> {
        self.batch.due(self.options.linger)
    }

    /// Makes everything held back durable in one append, then tells it, answers, and attempts the actions.
    ///
    /// On an error nothing of it was told or attempted, and the engine must not be used any more.
    pub(super) async fn flush(&mut self, outlet: &Outlet) -> Result<(), JournalError> {
        let batch = std::mem::take(&mut self.batch);
        let before = self.durable;
        if !batch.records().is_empty() {
            let journal = &self.ports.journal;
            if let Err(error) = journal.append(&self.workload, before, batch.records()).await {
                batch.not_kept(&error);
                return Err(error);
            }
            self.durable = self.engine.seq();
            self.grown += batch.records().len();
        }
        let actions = batch.tell(before, outlet);
        self.attempts.add(actions);
        self.tell_standing(outlet);
        Ok(())
    }

    /// Where things stand.
    pub(super) fn status(&self) -> Status {
        self.engine.status(self.time.now())
    }

    /// Whether an attempt was begun and has not ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.engine.attempt() != Attempt(0) && self.engine.end().is_none()
    }

    /// How the rollout ended, if it did.
    pub(super) fn end(&self) -> Option<&End> {
        self.engine.end()
    }

    fn set_pace(&mut self, now: Timestamp) {
        let waits = self.engine.waits(now);
        self.pace = Pace::of(self.is_under_way(), &waits);
        for port in [Port::Backend, Port::Enrolment, Port::Router, Port::Modules] {
            let period = self.pace.period(port, &self.options);
            self.observers.pace(port, period);
        }
        for wait in waits {
            // What the engine knows is too old to act on, and nobody failed to look: the period is a long one.
            if let WaitReason::Observation { port, age: Some(_), why: None, .. } = wait.reason {
                self.observers.want(port);
            }
        }
    }

    fn tell_standing(&self, outlet: &Outlet) {
        let standing = Standing {
            attempt: self.engine.attempt(),
            end: self.engine.end().filter(|_| !self.engine.is_queued()).cloned(),
            stopped: None,
        };
        outlet.standing.send_if_modified(|known| {
            let changed = *known != standing;
            *known = standing;
            changed
        });
    }
}
