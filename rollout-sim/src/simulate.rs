//! Simulate: one spec, one story, for people and tools that want to see it before it happens.
//!
//! In: a checked spec and a [`Scenario`]. Out: a [`Report`] with ground truth: time, requests, failures
//! by cause, lowest capacity, and the transcript.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use rollout_core::{
    engine::Tuning,
    plan::{self, PlanError},
    port::Capabilities,
    spec::CheckedSpec,
    time::Span,
};

use crate::{
    invariants::Violation,
    runner::{self, FaultChoice, Finish, RunConfig},
    setting::{History, Setting, TRAVEL},
    world::{Loss, Truth, WorldConfig},
};

/// What the new revision is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Candidate {
    /// It works.
    #[default]
    Good,
    /// It runs and never answers.
    NeverReady,
    /// It answers, and after 3 s no more.
    UnreadyAfter,
    /// It answers, and ends after 3 s.
    CrashAfter,
    /// It answers one request in ten with an error.
    Errors,
}

/// A candidate name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no candidate; take one of good, never_ready, unready_after, crash_after, errors"
)]
pub struct UnknownCandidate {
    /// The name as given.
    pub name: String,
}

/// One story.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the new revision is like.
    pub candidate: Candidate,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Whether the faults of the seed strike.
    pub faults: bool,
    /// Whether it is the first deploy, with nothing running before.
    pub first: bool,
    /// What the ports can do.
    pub capabilities: Capabilities,
    /// Requests per second.
    pub rate: u64,
    /// Shortest and longest start of an instance.
    pub start: (Span, Span),
}

impl Default for Scenario {
    fn default() -> Self {
        let world = WorldConfig::default();
        Self {
            candidate: Candidate::Good,
            seed: 1,
            faults: false,
            first: false,
            capabilities: world.capabilities,
            rate: 400,
            start: (Span::from_millis(1000), Span::from_millis(1000)),
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
}

/// Plays `scenario` with `spec` on a simulated fleet, in no time.
///
/// # Errors
///
/// [`PlanError`] if the ports of the scenario cannot do what the spec asks for.
pub fn simulate(spec: &CheckedSpec, scenario: &Scenario) -> Result<Report, PlanError> {
    plan::build(spec, &scenario.capabilities, scenario.first)?;
    let start = (scenario.start.0.as_millis(), scenario.start.1.as_millis());
    let setting = Setting {
        workload: spec.workload.clone(),
        world: WorldConfig {
            capabilities: scenario.capabilities.clone(),
            start,
            rate: scenario.rate,
            checks_health: spec.health.readiness.is_none(),
            drain_deadline: spec.drain.deadline.as_millis(),
            ..WorldConfig::default()
        },
        tuning: Tuning::default(),
        spec: Arc::new(spec.clone()),
        history: if scenario.first { History::Nothing } else { History::Adopted },
        poll: 1000,
        storm: 120_000,
        travel: TRAVEL,
    };
    let run = runner::run(&RunConfig {
        seed: scenario.seed,
        setting: Some(setting),
        faults: if scenario.faults { FaultChoice::Drawn } else { FaultChoice::Off },
        truth: Some(scenario.candidate.truth()),
        transcript: true,
        incidents: false,
        unchecked: false,
        until_broken: None,
    });
    let failed = Loss::ALL
        .iter()
        .map(|loss| (loss.name(), run.traffic.failed(*loss)))
        .filter(|(_, count)| 0 < *count);
    Ok(Report {
        duration: Span::from_millis(run.duration),
        finish: run.finish,
        sent: run.traffic.sent(),
        failed: failed.collect(),
        lowest_capacity: run.lowest_capacity,
        violations: run.violations,
        transcript: run.transcript,
    })
}

impl Candidate {
    /// Every candidate with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("good", Self::Good),
        ("never_ready", Self::NeverReady),
        ("unready_after", Self::UnreadyAfter),
        ("crash_after", Self::CrashAfter),
        ("errors", Self::Errors),
    ];

    /// What is true of it.
    #[must_use]
    pub const fn truth(self) -> Truth {
        match self {
            Self::Good => Truth::Good,
            Self::NeverReady => Truth::NeverReady,
            Self::UnreadyAfter => Truth::UnreadyAfter { after: 3000 },
            Self::CrashAfter => Truth::CrashesAfter { after: 3000 },
            Self::Errors => Truth::Errors { parts: 100_000 },
        }
    }
}

impl FromStr for Candidate {
    type Err = UnknownCandidate;
    fn from_str(name: &str) -> Result<Self, UnknownCandidate> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, candidate)| *candidate)
            .ok_or_else(|| UnknownCandidate { name: name.to_owned() })
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, candidate)| candidate == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}
