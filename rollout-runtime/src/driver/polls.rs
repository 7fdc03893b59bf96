//! Runs of hooks, asked how they stand: one question per run at a time, at a steady pace.
//!
//! In: the engine's open runs after every step. Out: [`Event::Polled`], or [`Event::Unobserved`] where
//! nobody can say. Absent: deadlines of hooks and what their end means, which are the engine's.

use rollout_core::{
    engine::{Event, HookState, Port},
    id::{HookRun, WorkloadId},
    port::ObserveError,
    time::{Span, Timestamp},
};

use super::{questions::Questions, tasks::PANICKED};
use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// The questions of one reign. Dropping it cancels them.
pub(super) struct Polls {
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    options: Options,
    questions: Questions<HookRun, Result<HookState, ObserveError>>,
}

impl Polls {
    /// No run yet.
    pub(super) fn new(
        workload: WorkloadId,
        ports: Ports,
        time: ReignTime,
        options: Options,
    ) -> Self {
        Self { workload, ports, time, options, questions: Questions::new() }
    }

    /// Keeps asking for exactly `open` runs; a new one is due now, an answer about any other is dropped.
    pub(super) fn reconcile<'a>(&mut self, open: impl Iterator<Item = &'a HookRun>) {
        // Due as soon as the pace allows.
        self.questions.reconcile(open.map(|run| (run.clone(), Timestamp(0))));
    }

    /// Asks for what is due and returns when the next one is.
    pub(super) fn start_due(&mut self, period: Span) -> Option<Timestamp> {
        let limit = self.options.observe_deadline;
        self.questions.start_due(self.time.now(), period, |run| {
            let (ports, time) = (self.ports.clone(), self.time.clone());
            poll(ports, time, limit, self.workload.clone(), run.clone())
        })
    }

    /// Waits for the next answer; for ever if no question is under way.
    pub(super) async fn next(&mut self) -> Event {
        let (run, answer) = self.questions.next().await;
        let why = match answer {
            Some(Ok(state)) => {
                telemetry::polled(&run, &state);
                return Event::Polled { run, state };
            }
            Some(Err(error)) => error.to_string(),
            None => PANICKED.to_owned(),
        };
        telemetry::unobserved(Port::Hooks, &why);
        Event::Unobserved { port: Port::Hooks, why }
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
