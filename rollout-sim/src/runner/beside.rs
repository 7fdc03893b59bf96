//! What goes on beside instances: runs of hooks that are asked for, metrics that are read, modules that
//! somebody else degrades.

use std::collections::BTreeSet;

use rollout_core::{
    engine::{Event, HookState, MetricPlace},
    id::HookRun,
    judge::Reading,
};

use super::{Job, Run};
use crate::{
    random::Stream,
    world::{Truth, World},
};

/// What is asked for now.
#[derive(Debug)]
pub(super) struct Beside {
    stream: Stream,
    runs: BTreeSet<HookRun>,
    metrics: BTreeSet<MetricPlace>,
}

/// Shortest and longest time between two questions about a run, in milliseconds.
const PERIOD: (u64, u64) = (200, 2000);

/// Readings, in a million, without a value, and without an answer, where nothing else is wrong.
const NO_VALUE: u64 = 30_000;

impl Beside {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            stream: Stream::new(seed, "beside"),
            runs: BTreeSet::new(),
            metrics: BTreeSet::new(),
        }
    }

    /// Forgets what an engine held in memory.
    pub(super) fn forget(&mut self) {
        self.runs.clear();
    }

    /// Time until somebody else degrades the modules that are asked for, in milliseconds.
    pub(super) fn wait_for_others(&mut self) -> u64 {
        self.stream.below(10_000)
    }
}

impl Run<'_> {
    /// Begins to ask for the runs and to read the metrics that the engine names now.
    pub(super) fn schedule_beside(&mut self) {
        let Some(engine) = &self.engine else {
            return;
        };
        let now = self.world.now();
        for run in engine.hook_runs() {
            if self.beside.runs.insert(run.clone()) {
                let wait = self.beside.stream.between(1, PERIOD.1);
                self.queue.push(now + wait, Job::Poll(run.clone()));
            }
        }
        if self.ledger.plan.is_none() {
            return;
        }
        for measurement in engine.measurements() {
            if self.beside.metrics.insert(measurement.place) {
                let due = self.clock.when(measurement.due.0).max(now + 1);
                self.queue.push(due, Job::Read(measurement.place));
            }
        }
    }

    /// Asks how a run stands, as long as the engine wants to know.
    pub(super) fn poll(&mut self, run: HookRun) {
        let Some(engine) = &self.engine else {
            return;
        };
        if !self.beside.runs.contains(&run) {
            return;
        }
        if !engine.hook_runs().any(|wanted| *wanted == run) {
            self.beside.runs.remove(&run);
            return;
        }
        let sight = self.faults.observation(self.world.now(), &run);
        self.note_strikes();
        let now = self.world.now();
        if !sight.fails {
            let state = self.world.poll(&run);
            self.queue.push(now + sight.lag, Job::Polled(run.clone(), state, self.life));
        }
        let wait = self.beside.stream.between(PERIOD.0, PERIOD.1);
        self.queue.push(now + wait, Job::Poll(run));
    }

    /// Lets the engine know how a run stood.
    pub(super) fn polled(&mut self, run: HookRun, state: HookState, life: u32) {
        if life == self.life {
            self.feed(Event::Polled { run, state });
        }
    }

    /// Reads a metric, if it is due still.
    pub(super) fn read(&mut self, place: MetricPlace) {
        self.beside.metrics.remove(&place);
        let now = self.told();
        let Some(engine) = &self.engine else {
            return;
        };
        let measurements = engine.measurements();
        let Some(wanted) = measurements.iter().find(|it| it.place == place) else {
            return;
        };
        if now < wanted.due {
            let due = self.clock.when(wanted.due.0);
            self.beside.metrics.insert(place);
            return self.queue.push(due, Job::Read(place));
        }
        let (attempt, candidate) = (wanted.attempt, wanted.candidate.clone());
        let reading = reading(&mut self.beside.stream, &mut self.world, &candidate);
        self.feed(Event::Measured { attempt, place, reading });
    }

    /// Lets somebody else degrade the modules that a stage asks for.
    pub(super) fn degrade(&mut self) {
        let modules = &self.setting.spec.modules;
        if modules.is_empty() {
            return;
        }
        let names = modules.iter().filter(|module| !module.must_be_available);
        self.world.degrade_by_others(names.map(|module| module.name.clone()).collect());
    }
}

/// The error rate of a candidate, in percent, as far as it can be read.
fn reading(
    stream: &mut Stream,
    world: &mut World,
    candidate: &rollout_core::id::RevisionId,
) -> Reading {
    if stream.hits(NO_VALUE) {
        return Reading::NoData;
    }
    if stream.hits(NO_VALUE) {
        return Reading::Error("no answer".to_owned());
    }
    let percent = match world.config().truths.get(candidate) {
        Some(Truth::Errors { parts }) => (parts / 10_000).to_string(),
        // What its instances make of it, in whole numbers of a hundredth.
        Some(Truth::SlowBurn { .. } | Truth::UnderLoad { .. } | Truth::InZone { .. }) => {
            let parts = world.errors_now(candidate) / 100;
            format!("{}.{:02}", parts / 100, parts % 100)
        }
        Some(
            Truth::Good
            | Truth::NeverReady
            | Truth::CrashesAtStart { .. }
            | Truth::UnreadyAfter { .. }
            | Truth::CrashesAfter { .. }
            | Truth::Slow { .. },
        )
        | None => "0".to_owned(),
    };
    percent.parse().map_or(Reading::NoData, Reading::Value)
}
