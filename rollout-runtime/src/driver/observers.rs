//! Observations: one at a time per port, wanted at start, after outcomes, on hints and at a period.
//!
//! In: wishes. Out: [`Event::Observed`] or [`Event::Unobserved`]. However many wishes come while one is
//! under way, one more follows it.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream::BoxStream};
use rollout_core::{
    engine::{Event, Observation, Port},
    id::WorkloadId,
    port::ObserveError,
    time::{Span, Timestamp},
};

use super::tasks::{Ended, PANICKED, Tasks};
use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// Wait before hints are asked for again after their stream ended.
const HINTS_AGAIN: Span = Span::from_secs(1);

/// Shortest time between two observations of a port that is kept, so that no option makes them spin.
const GAP_LEAST: Span = Span::from_millis(1);

/// The observations of one reign. Dropping it cancels them.
pub(super) struct Observers {
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    options: Options,
    watched: BTreeMap<Port, Watched>,
    running: Tasks<Port, Result<Observation, ObserveError>>,
    hints: Hints,
}

/// What came in.
pub(super) enum Seen {
    /// An observation, or that there is none.
    Event(Event),
    /// A hint; the observation it asks for is due now.
    Hint,
}

/// When one port is to be observed.
struct Watched {
    /// The next observation starts then at the latest.
    due: Timestamp,
    /// When the last one started.
    began: Option<Timestamp>,
    under_way: bool,
}

/// The backend's own hints, or when to ask for them again.
enum Hints {
    Open(BoxStream<'static, ()>),
    Closed { again: Timestamp },
}

impl Observers {
    /// Every port there is, due now.
    pub(super) fn new(
        workload: WorkloadId,
        ports: Ports,
        time: ReignTime,
        options: Options,
    ) -> Self {
        let now = time.now();
        let mut watched = BTreeMap::from([(Port::Backend, Watched::due(now))]);
        if ports.enrolment.is_some() {
            watched.insert(Port::Enrolment, Watched::due(now));
        }
        if ports.router.is_some() {
            watched.insert(Port::Router, Watched::due(now));
        }
        if ports.modules.is_some() {
            watched.insert(Port::Modules, Watched::due(now));
        }
        let hints = Hints::Open(ports.backend.changes(&workload));
        Self { workload, ports, time, options, watched, running: Tasks::new(), hints }
    }

    /// Wishes for an observation of `port` that begins from now on.
    pub(super) fn want(&mut self, port: Port) {
        let now = self.time.now();
        if let Some(watched) = self.watched.get_mut(&port) {
            watched.due = watched.due.min(now);
        }
    }

    /// Wishes for one at most `period` after the last one began.
    pub(super) fn pace(&mut self, port: Port, period: Span) {
        if let Some(watched) = self.watched.get_mut(&port) {
            let due = watched.began.map(|began| began.after(period));
            watched.due = watched.due.min(due.unwrap_or_default());
        }
    }

    /// Starts what is due and returns when the next one is; `period` tells each port's pace.
    pub(super) fn start_due(&mut self, period: impl Fn(Port) -> Span) -> Option<Timestamp> {
        let now = self.time.now();
        let mut next: Option<Timestamp> = None;
        for (port, watched) in &mut self.watched {
            if watched.under_way {
                continue;
            }
            let start = watched.start(self.options.observe_gap.max(GAP_LEAST));
            if now < start {
                next = Some(next.map_or(start, |next| next.min(start)));
                continue;
            }
            watched.began = Some(now);
            watched.due = now.after(period(*port));
            watched.under_way = true;
            let observed = observe(
                *port,
                self.workload.clone(),
                self.ports.clone(),
                self.time.clone(),
                self.options.observe_deadline,
            );
            self.running.begin(*port, observed);
        }
        next
    }

    /// Waits for the next observation to end, or for a hint, which is taken as a wish.
    pub(super) async fn next(&mut self) -> Seen {
        let Self { running, hints, time, .. } = self;
        // Safe to drop: the set keeps what has ended until it is returned, and so does the stream.
        tokio::select! {
            biased;
            ended = running.next() => Seen::Event(self.ended(ended)),
            () = hints.next(time) => {
                self.reopen_hints();
                self.want(Port::Backend);
                if self.options.poll_hinted.is_some() {
                    self.want(Port::Enrolment);
                }
                Seen::Hint
            }
        }
    }

    fn ended(&mut self, ended: Ended<Port, Result<Observation, ObserveError>>) -> Event {
        let Ended { subject: port, answer, .. } = ended;
        if let Some(watched) = self.watched.get_mut(&port) {
            watched.under_way = false;
        }
        let why = match answer {
            Some(Ok(observation)) => return Event::Observed(observation),
            Some(Err(error)) => error.to_string(),
            None => PANICKED.to_owned(),
        };
        telemetry::unobserved(port, &why);
        Event::Unobserved { port, why }
    }

    /// Asks for hints again when the time has come.
    fn reopen_hints(&mut self) {
        if let Hints::Closed { again } = self.hints
            && again <= self.time.now()
        {
            self.hints = Hints::Open(self.ports.backend.changes(&self.workload));
        }
    }
}

impl Hints {
    /// Waits for a hint. The end of the stream, and its return, count as one: either may have lost some.
    async fn next(&mut self, time: &ReignTime) {
        match self {
            Self::Open(stream) => {
                if stream.next().await.is_none() {
                    let again = time.now().after(HINTS_AGAIN);
                    *self = Self::Closed { again };
                }
            }
            Self::Closed { again } => time.sleep_until(*again).await,
        }
    }
}

impl Watched {
    const fn due(at: Timestamp) -> Self {
        Self { due: at, began: None, under_way: false }
    }

    /// When the next observation may begin: when it is due, but not right after the last.
    fn start(&self, gap: Span) -> Timestamp {
        match self.began {
            Some(began) => self.due.max(began.after(gap)),
            None => self.due,
        }
    }
}

async fn observe(
    port: Port,
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    limit: Span,
) -> Result<Observation, ObserveError> {
    let snapshot = snapshot(port, &workload, &ports);
    let late = || ObserveError {
        what: format!("the {port}"),
        why: format!("no answer within {limit}"),
        way_out: "see whether it is overloaded or cut off".to_owned(),
    };
    time.within(limit, snapshot).await.unwrap_or_else(|| Err(late()))
}

async fn snapshot(
    port: Port,
    workload: &WorkloadId,
    ports: &Ports,
) -> Result<Observation, ObserveError> {
    let missing = || ObserveError {
        what: format!("the {port}"),
        why: "none was given".to_owned(),
        way_out: "give the driver one".to_owned(),
    };
    match port {
        Port::Backend => ports.backend.observe(workload).await.map(Observation::Inventory),
        Port::Enrolment => {
            let enrolment = ports.enrolment.as_ref().ok_or_else(missing)?;
            enrolment.observe(workload).await.map(Observation::Enrolments)
        }
        Port::Router => {
            let router = ports.router.as_ref().ok_or_else(missing)?;
            router.observe(workload).await.map(Observation::Route)
        }
        Port::Modules => {
            let modules = ports.modules.as_ref().ok_or_else(missing)?;
            modules.observe(workload).await.map(Observation::Modules)
        }
        // Runs of hooks are asked for one by one.
        Port::Hooks => Err(missing()),
    }
}
