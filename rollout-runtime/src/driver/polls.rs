//! Runs of hooks, asked how they stand: one question per run at a time, at a steady pace.
//!
//! In: the engine's open runs after every step. Out: [`Event::Polled`], or [`Event::Unobserved`] where
//! nobody can say. Absent: deadlines of hooks and what their end means, which are the engine's.

use std::collections::{BTreeMap, HashMap};

use rollout_core::{
    engine::{Event, HookState, Port},
    id::{HookRun, WorkloadId},
    port::ObserveError,
    time::{Span, Timestamp},
};
use tokio::task::{self, AbortHandle, JoinError, JoinSet};

use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// The questions of one reign. Dropping it cancels them.
pub(super) struct Polls {
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    options: Options,
    runs: BTreeMap<HookRun, Asked>,
    running: JoinSet<Result<HookState, ObserveError>>,
    running_runs: HashMap<task::Id, HookRun>,
}

/// When one run is to be asked for.
struct Asked {
    due: Timestamp,
    under_way: Option<AbortHandle>,
}

impl Polls {
    /// No run yet.
    pub(super) fn new(
        workload: WorkloadId,
        ports: Ports,
        time: ReignTime,
        options: Options,
    ) -> Self {
        Self {
            workload,
            ports,
            time,
            options,
            runs: BTreeMap::new(),
            running: JoinSet::new(),
            running_runs: HashMap::new(),
        }
    }

    /// Keeps asking for exactly `open` runs; a new one is due now, an answer about any other is dropped.
    pub(super) fn reconcile<'a>(&mut self, open: impl Iterator<Item = &'a HookRun>) {
        let now = self.time.now();
        let mut before = std::mem::take(&mut self.runs);
        for run in open {
            let asked = before.remove(run).unwrap_or(Asked { due: now, under_way: None });
            self.runs.insert(run.clone(), asked);
        }
        for asked in before.into_values() {
            if let Some(question) = asked.under_way {
                question.abort();
            }
        }
    }

    /// Asks for what is due and returns when the next one is.
    pub(super) fn start_due(&mut self, period: Span) -> Option<Timestamp> {
        let now = self.time.now();
        let mut next: Option<Timestamp> = None;
        for (run, asked) in &mut self.runs {
            if asked.under_way.is_some() {
                continue;
            }
            if now < asked.due {
                next = Some(next.map_or(asked.due, |next| next.min(asked.due)));
                continue;
            }
            // From the start of this one, so that a slow answer does not stretch the pace.
            asked.due = now.after(period.max(Span::from_millis(1)));
            let limit = self.options.observe_deadline;
            let (ports, time) = (self.ports.clone(), self.time.clone());
            let poll = poll(ports, time, limit, self.workload.clone(), run.clone());
            let question = self.running.spawn(poll);
            self.running_runs.insert(question.id(), run.clone());
            asked.under_way = Some(question);
        }
        next
    }

    /// Waits for the next answer; for ever if no question is under way.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            // Safe to drop: the set keeps what has ended until it is returned.
            let Some(ended) = self.running.join_next_with_id().await else {
                return std::future::pending().await;
            };
            if let Some(event) = self.ended(ended) {
                return event;
            }
        }
    }

    /// What came back, unless nobody wants to know any more.
    fn ended(
        &mut self,
        ended: Result<(task::Id, Result<HookState, ObserveError>), JoinError>,
    ) -> Option<Event> {
        let (id, answer) = match ended {
            Ok((id, answer)) => (id, answer.map_err(|error| error.to_string())),
            Err(error) => (error.id(), Err("the adapter panicked".to_owned())),
        };
        let run = self.running_runs.remove(&id).expect("every question has its run");
        let asked = self.runs.get_mut(&run)?;
        // One that was closed and opened again has a question of its own.
        asked.under_way.take_if(|question| question.id() == id)?;
        Some(match answer {
            Ok(state) => {
                telemetry::polled(&run, &state);
                Event::Polled { run, state }
            }
            Err(why) => {
                telemetry::unobserved(Port::Hooks, &why);
                Event::Unobserved { port: Port::Hooks, why }
            }
        })
    }
}

async fn poll(
    ports: Ports,
    time: ReignTime,
    limit: Span,
    workload: WorkloadId,
    run: HookRun,
) -> Result<HookState, ObserveError> {
    let failed = |why: String, way_out: &str| ObserveError {
        what: format!("hook run {run}"),
        why,
        way_out: way_out.to_owned(),
    };
    let Some(hooks) = &ports.hooks else {
        return Err(failed("no hook port was given".to_owned(), "give the driver one"));
    };
    let answer = time.within(limit, hooks.poll(&workload, &run)).await;
    answer.unwrap_or_else(|| {
        let why = format!("no answer within {limit}");
        Err(failed(why, "see whether the hook port is overloaded or cut off"))
    })
}
