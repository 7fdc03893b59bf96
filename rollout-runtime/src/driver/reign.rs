//! One reign: the engine under one epoch and everything that feeds it.

use rollout_core::{
    engine::{
        Change, End, Engine, Event, Order, OrderRefused, Port, Record, Status, Step, Wait,
        WaitReason,
    },
    id::{Attempt, Epoch, Seq, WorkloadId},
    port::JournalError,
    time::{Span, Timestamp},
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use std::sync::Arc;

use super::{Stopped, attempts::Attempts, measures::Measures, observers::Observers, polls::Polls};
use crate::{
    clock::ReignTime, options::Options, ports::Ports, probe::Probers, progress::Progress, telemetry,
};

/// Probe answers that may wait for the engine before the probes themselves have to.
const ANSWERS_WAITING: usize = 256;

/// What a handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take this order.
    Order(Order, oneshot::Sender<Result<(), NotTaken>>),
    /// Say where things stand.
    Status(oneshot::Sender<Status>),
    /// Stop.
    ShutDown,
}

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
    is_queued: bool,
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
        is_queued: bool,
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
            is_queued,
            engine,
            probers: Probers::new(ports.prober.clone(), time.clone(), sender),
            time,
        }
    }

    /// Takes one fact in: decide, make durable, commit, tell, attempt. Returns the answer to an order.
    ///
    /// On an error nothing of the step was committed or attempted, and the engine must not be used
    /// any more.
    pub(super) async fn take(
        &mut self,
        event: Event,
        outlet: &Outlet,
    ) -> Result<Option<Result<(), OrderRefused>>, JournalError> {
        let now = self.time.now();
        // Probe answers come by the thousand, and without a record they change nothing told below.
        let is_quiet = matches!(event, Event::Probed { .. });
        let step = self.engine.step(now, event);
        let is_quiet = is_quiet && step.records.is_empty();
        if !step.records.is_empty() {
            let before = self.engine.seq();
            let journal = &self.ports.journal;
            journal.append(&self.workload, before, &step.records).await?;
            self.engine.commit(&step.records);
            self.is_queued = is_queued(self.is_queued, &step.records);
            tell_records(outlet, before, &step);
        }
        for note in step.notes {
            telemetry::noted(&note);
            // Nobody need listen.
            drop(outlet.progress.send(Progress::Noted { at: now, note }));
        }
        self.wake_at = step.wake_at;
        self.probers.reconcile(self.engine.probe_targets());
        self.polls.reconcile(self.engine.hook_runs());
        self.measures.reconcile(self.engine.measurements());
        self.attempts.add(step.actions);
        if !is_quiet {
            self.set_pace(now);
            self.tell_standing(outlet);
        }
        Ok(step.answer)
    }

    /// Where things stand.
    pub(super) fn status(&self) -> Status {
        self.engine.status(self.time.now())
    }

    /// How the rollout ended, if it did.
    pub(super) fn end(&self) -> Option<&End> {
        self.engine.end()
    }

    fn set_pace(&mut self, now: Timestamp) {
        let is_under_way = self.engine.attempt() != Attempt(0) && self.engine.end().is_none();
        self.pace = Pace::of(is_under_way, &self.engine.waits(now));
        for port in [Port::Backend, Port::Enrolment, Port::Router, Port::Modules] {
            let period = self.pace.period(port, &self.options);
            self.observers.pace(port, period);
        }
    }

    fn tell_standing(&self, outlet: &Outlet) {
        let standing = Standing {
            attempt: self.engine.attempt(),
            end: self.engine.end().filter(|_| !self.is_queued).cloned(),
            stopped: None,
        };
        outlet.standing.send_if_modified(|known| {
            let changed = *known != standing;
            *known = standing;
            changed
        });
    }
}

/// Whether a submission waits to begin after `records`, if one did before or not.
pub(super) fn is_queued(before: bool, records: &[Record]) -> bool {
    let mut is_queued = before;
    for record in records {
        if let Change::Queued { .. } = record.change {
            is_queued = true;
        } else if let Change::Submitted { .. } | Change::Dropped { .. } = record.change {
            is_queued = false;
        }
    }
    is_queued
}

fn tell_records(outlet: &Outlet, before: Seq, step: &Step) {
    let mut seq = before;
    for record in &step.records {
        seq = seq.next();
        telemetry::recorded(seq, record);
        let record = Arc::new(record.clone());
        // Nobody need listen.
        drop(outlet.progress.send(Progress::Recorded { seq, record }));
    }
}
