//! Simulate: a person's own spec, seen before it happens.
//!
//! In: a checked spec and a [`Scenario`]. Out: one story as a [`Report`] with ground truth, or many of them
//! as an [`Outlook`], a comparison of strategies, or an experiment with a hypothesis. Absent: wall-clock
//! time, and anything that touches what is real.

mod candidate;
mod chaos;
mod compare;
mod faults;
mod fleet;
mod hypothesis;
mod outlook;

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::Tuning,
    plan::{self, PlanError},
    port::Capabilities,
    spec::CheckedSpec,
    time::Span,
    weight::Weight,
};

pub use self::{
    candidate::{Candidate, UnknownCandidate},
    chaos::{Chaos, Trial, chaos},
    compare::{Measured, Row, compare},
    faults::{FaultSet, UnknownFault},
    fleet::{Fleet, UnknownFleet},
    hypothesis::{Hypothesis, NotAHypothesis},
    outlook::{Outlook, Spread, outlook},
};
use crate::{
    incident::Incident,
    invariants::Violation,
    runner::{self, FaultChoice, Film, Finish, RunConfig, RunReport},
    setting::{History, Setting, TRAVEL, revision},
    world::{Loss, WorldConfig},
};

/// One story.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the new revision is like.
    pub candidate: Candidate,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// What goes wrong around it.
    pub faults: FaultSet,
    /// What the instances are like.
    pub fleet: Fleet,
    /// Requests that the stable revision answers with an error.
    pub errors: Weight,
    /// Whether it is the first deploy, with nothing running before.
    pub first: bool,
    /// What the ports can do.
    pub capabilities: Capabilities,
    /// Requests per second.
    pub rate: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            candidate: Candidate::Good,
            seed: 1,
            faults: FaultSet::None,
            fleet: Fleet::default(),
            errors: Weight::ZERO,
            first: false,
            capabilities: WorldConfig::default().capabilities,
            rate: 400,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub struct Report {
    /// Time from the order to the end.
    pub duration: Span,
    /// How it ended.
    pub finish: Finish,
    /// Requests sent.
    pub sent: u64,
    /// Requests that failed, by cause; causes without a failure are left out.
    pub failed: BTreeMap<&'static str, u64>,
    /// Fewest instances that answered requests at any time.
    pub lowest_capacity: u64,
    /// Promises that did not hold. None is expected, ever.
    pub violations: Vec<Violation>,
    /// Everything that happened, one line each.
    pub transcript: String,
    /// What could be seen, moment by moment.
    pub film: Film,
}

/// Plays `scenario` with `spec` on a simulated fleet, in no time.
///
/// # Errors
///
/// [`PlanError`] if the ports of the scenario cannot do what the spec asks for.
pub fn simulate(spec: &CheckedSpec, scenario: &Scenario) -> Result<Report, PlanError> {
    plan::build(spec, &scenario.capabilities, scenario.first)?;
    let config = RunConfig { transcript: true, ..config(spec, scenario) };
    Ok(Report::of(runner::run(&config)))
}

/// What to run for a story.
fn config(spec: &CheckedSpec, scenario: &Scenario) -> RunConfig {
    let beside = beside(spec, scenario);
    RunConfig {
        seed: scenario.seed,
        setting: Some(setting(spec, scenario)),
        faults: scenario.faults.choice(),
        truth: Some(scenario.candidate.truth(beside)),
        film: true,
        ..RunConfig::default()
    }
}

/// The same story, with incidents that are written down in the place of faults.
fn written(spec: &CheckedSpec, scenario: &Scenario, incidents: Vec<Incident>) -> RunConfig {
    let mut config = config(spec, scenario);
    if let Some(setting) = &mut config.setting {
        // A person helps on from the beginning.
        setting.storm = 0;
    }
    config.faults = FaultChoice::Written(incidents);
    config
}

fn beside(spec: &CheckedSpec, scenario: &Scenario) -> candidate::Beside {
    candidate::Beside {
        errors: candidate::parts(scenario.errors),
        even: scenario.rate / spec.replicas.max(1),
    }
}

fn setting(spec: &CheckedSpec, scenario: &Scenario) -> Setting {
    let (fleet, beside) = (scenario.fleet, beside(spec, scenario));
    let stable = Candidate::Good.truth(beside);
    Setting {
        workload: spec.workload.clone(),
        world: WorldConfig {
            capabilities: scenario.capabilities.clone(),
            start: (fleet.start.0.as_millis(), fleet.start.1.as_millis()),
            manner: fleet.manner,
            service: fleet.service,
            rate: scenario.rate,
            limit: Some((beside.even * fleet.room / 100).max(1)),
            zones: fleet::ZONES,
            checks_health: spec.health.readiness.is_none(),
            drain_deadline: spec.drain.deadline.as_millis(),
            min_ready: spec.health.min_ready.as_millis(),
            truths: BTreeMap::from([(revision("v1"), stable)]),
        },
        tuning: Tuning::default(),
        spec: Arc::new(spec.clone()),
        history: if scenario.first { History::Nothing } else { History::Adopted },
        poll: 1000,
        storm: 120_000,
        travel: TRAVEL,
    }
}

impl Report {
    /// What a run with a film comes to.
    fn of(run: RunReport) -> Self {
        let failed = Loss::ALL
            .iter()
            .map(|loss| (loss.name(), run.traffic.failed(*loss)))
            .filter(|(_, count)| 0 < *count);
        Self {
            duration: Span::from_millis(run.duration),
            finish: run.finish,
            sent: run.traffic.sent(),
            failed: failed.collect(),
            lowest_capacity: run.lowest_capacity,
            violations: run.violations,
            transcript: run.transcript,
            film: run.film.unwrap_or_default(),
        }
    }

    /// Requests that failed, whatever the cause.
    #[must_use]
    pub fn failed_in_all(&self) -> u64 {
        self.failed.values().sum()
    }
}
