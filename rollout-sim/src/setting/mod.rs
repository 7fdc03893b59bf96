//! Settings: what one run is about, drawn from its seed or given.
//!
//! In: a seed. Out: the fleet, the specs, the history and the times of a run. Absent: faults, which draw
//! for themselves.

mod words;

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::{
    amount::Amount,
    engine::Tuning,
    id::{RevisionId, WorkloadId},
    plan,
    port::{Capabilities, Confirmation, Making},
    spec::{
        BlueGreen, Canary, CanaryStep, CheckedSpec, Counting, Deadlines, Drain, Gate, Health, Hook,
        Hooks, OnFailure, OnSubmit, Pace, Probe, Promotion, Recreate, Rollback, Spec, Strategy,
        TcpProbe, Unanswered,
    },
    time::Span,
    weight::Weight,
};
use serde::{Deserialize, Serialize};

use crate::{
    faults::autoscaler,
    random::Stream,
    world::{Manner, WorldConfig},
};

/// What one run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The workload.
    pub workload: WorkloadId,
    /// The fleet.
    pub world: WorldConfig,
    /// Limits of the engine.
    #[serde(with = "TuningText")]
    pub tuning: Tuning,
    /// How to move to the revision under trial.
    pub spec: Arc<CheckedSpec>,
    /// What runs before.
    pub history: History,
    /// Time between two observations of a port without a hint, in milliseconds.
    pub poll: u64,
    /// Time the faults are on, in milliseconds.
    pub storm: u64,
    /// Shortest and longest time from order to effect, and from effect to answer, where nothing is wrong, in
    /// milliseconds.
    pub travel: (u64, u64),
}

/// Limits of the engine, as they are written down.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Tuning", deny_unknown_fields)]
struct TuningText {
    stale_after: Span,
    retry_first: Span,
    retry_most: Span,
}

/// Time from order to effect and from effect to answer where nothing is wrong, in milliseconds.
pub const TRAVEL: (u64, u64) = (5, 40);

/// What runs before the rollout under trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Nothing: it is the first deploy.
    Nothing,
    /// A revision that an engine without a journal finds.
    Adopted,
    /// A revision that the same engine deployed, without faults.
    Deployed,
}

/// Most settings drawn for one seed until one passes the check.
const DRAWS_MAX: u32 = 64;

impl Setting {
    /// The setting of the run with this seed.
    ///
    /// # Panics
    ///
    /// If no drawn spec passes the check, which a test rules out for the generator as it is.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        Self::saying(seed, &[])
    }

    /// The same, where the spec says these [words](Self::words) too, if they fit the rest.
    ///
    /// # Panics
    ///
    /// As [`Self::draw`].
    #[must_use]
    pub fn saying(seed: u64, words: &[String]) -> Self {
        let mut stream = Stream::new(seed, "setting");
        for _ in 0..DRAWS_MAX {
            if let Some(setting) = Self::attempt(&mut stream, seed, words) {
                return setting;
            }
        }
        panic!("seed {seed}: none of {DRAWS_MAX} drawn specs passed the check")
    }

    /// What a spec may say beyond its strategy, by name.
    pub fn words() -> impl Iterator<Item = &'static str> {
        words::names()
    }

    fn attempt(stream: &mut Stream, seed: u64, said: &[String]) -> Option<Self> {
        let mut capabilities = capabilities(stream);
        let history = stream.pick(&[
            History::Adopted,
            History::Adopted,
            History::Adopted,
            History::Deployed,
            History::Nothing,
        ]);
        let spec = CheckedSpec::new(spec(stream)).ok()?;
        plan::build(&spec, &capabilities, false).ok()?;
        plan::build(&spec, &capabilities, true).ok()?;
        let mut wider = spec.spec().clone();
        words::add(seed, said, &mut wider, &mut capabilities);
        let spec = CheckedSpec::new(wider).ok()?;
        let history = match (capabilities.making, history) {
            // Pools made by count are known from a journal only.
            (Making::ByCount | Making::InPlace { .. }, History::Adopted) => History::Deployed,
            (_, history) => history,
        };
        let least = stream.magnitude(100, 2000);
        let world = WorldConfig {
            checks_health: spec.health.readiness.is_none()
                || capabilities.drains_by_name()
                || stream.hits(300_000),
            capabilities,
            start: (least, least + stream.magnitude(1, 4000)),
            manner: stream.pick(&[Manner::Graceful, Manner::Abrupt, Manner::Ignores]),
            rate: stream.magnitude(10, 1000),
            service: stream.magnitude(5, 4000),
            drain_deadline: spec.drain.deadline.as_millis(),
            min_ready: spec.health.min_ready.as_millis(),
            ..WorldConfig::default()
        };
        Some(Self {
            workload: WorkloadId::new("web").ok()?,
            tuning: Tuning { stale_after: Span::from_millis(30_000), ..Tuning::default() },
            spec: Arc::new(spec),
            history,
            poll: stream.between(1000, 5000),
            storm: stream.magnitude(5000, 90_000),
            travel: TRAVEL,
            world,
        })
    }

    /// Longest time from the end of all faults to the end of the rollout, in milliseconds: every wait
    /// that the spec declares, there and back, and slack for every instance.
    #[must_use]
    pub fn patience(&self) -> u64 {
        let spec = &self.spec;
        let each = self.world.start.1
            + spec.drain.deadline.as_millis()
            + spec.drain.stop_grace.as_millis()
            + spec.health.min_ready.as_millis()
            + 20_000;
        let back = 4 * spec.rollback.health_check_interval.as_millis();
        let stages = 8 * spec.deadlines.progress.as_millis() + gates_of(spec) + back;
        // Twice: what was queued comes after what is under way.
        let replicas = spec.replicas.max(autoscaler::MOST);
        2 * (stages + 4 * (replicas + 1) * each) + 900_000
    }
}

/// Time that the gates and hooks of a spec take at most where nothing goes wrong with them, in milliseconds.
fn gates_of(spec: &Spec) -> u64 {
    let length = |gate: &Gate| match gate {
        Gate::Hold(span) | Gate::Health(span) => span.as_millis(),
        Gate::Approval { deadline, .. } => deadline.map_or(60_000, Span::as_millis),
        Gate::Window(_) => FREEZE,
        // Some readings have no value.
        Gate::Metric(metric) => 4 * metric.least().as_millis() + 20 * metric.interval.as_millis(),
        Gate::Hook(hook) => hook_of(hook),
    };
    let of = |gates: &[Gate]| gates.iter().map(length).sum::<u64>();
    let gates = match &spec.strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => 0,
        Strategy::BlueGreen(blue_green) => {
            let promotion = match blue_green.promotion {
                Promotion::After(span) => span.as_millis(),
                Promotion::Automatic | Promotion::Manual => 0,
            };
            of(&blue_green.gates)
                + of(&blue_green.bake_gates)
                + promotion
                + blue_green.bake.as_millis()
                + blue_green.standby.as_millis()
        }
        Strategy::Canary(canary) => canary.all_steps().iter().map(|step| of(&step.gates)).sum(),
        Strategy::Stages(stages) => stages.iter().map(|stage| of(&stage.gates)).sum(),
    };
    let Hooks { before, after_canary, before_promotion, after, on_rollback } = &spec.hooks;
    let points = [before, after_canary, before_promotion, after, on_rollback];
    let freeze = if spec.calendar.is_some() { FREEZE } else { 0 };
    // Somebody may let it go on several times.
    let hooks: u64 = points.into_iter().flatten().map(hook_of).sum();
    4 * (gates + hooks) + freeze
}

/// Longest time that a drawn calendar is closed, in milliseconds.
const FREEZE: u64 = 300_000;

fn hook_of(hook: &Hook) -> u64 {
    hook.deadline.as_millis() * u64::from(hook.retries + 1)
}

/// The name of a revision.
///
/// # Panics
///
/// Never: the names given here are checked by a test.
pub(crate) fn revision(name: &str) -> RevisionId {
    RevisionId::new(name).expect("a short name of letters and digits is a name")
}

fn capabilities(stream: &mut Stream) -> Capabilities {
    Capabilities {
        making: Making::ByName,
        counting: stream.pick(&[Counting::Strict, Counting::Strict, Counting::Loose]),
        enrolment: Some(match stream.below(5) {
            0 => Confirmation::Elapsed(Span::from_millis(stream.magnitude(100, 3000))),
            _ => Confirmation::Observed,
        }),
        router: stream.pick(&[Some(10_000), Some(10_000), Some(256), Some(100), None]),
        abilities: BTreeSet::new(),
    }
}

fn spec(stream: &mut Stream) -> Spec {
    let replicas = stream.between(1, 6);
    let workload = WorkloadId::new("web").expect("a short name of letters is a name");
    Spec {
        replicas,
        strategy: strategy(stream, replicas),
        health: health(stream),
        drain: Drain {
            deadline: Span::from_millis(stream.magnitude(1000, 15_000)),
            stop_grace: Span::from_millis(stream.magnitude(500, 5000)),
        },
        deadlines: Deadlines {
            progress: Span::from_millis(stream.between(40_000, 150_000)),
            total: match stream.below(8) {
                0 => Some(Span::from_millis(stream.between(200_000, 600_000))),
                _ => None,
            },
        },
        rollback: Rollback {
            on_failure: stream.pick(&[
                OnFailure::Rollback,
                OnFailure::Rollback,
                OnFailure::Rollback,
                OnFailure::Pause,
            ]),
            ..Rollback::default()
        },
        on_submit: stream.pick(&[OnSubmit::Supersede, OnSubmit::Queue, OnSubmit::Refuse]),
        ..Spec::new(workload)
    }
}

fn strategy(stream: &mut Stream, replicas: u64) -> Strategy {
    match stream.below(8) {
        0..=2 => Strategy::Rolling(pace(stream, replicas)),
        3 => Strategy::Recreate(Recreate {}),
        4..=5 => Strategy::BlueGreen(BlueGreen {
            preview_replicas: match stream.below(2) {
                0 => None,
                _ => Some(Amount::Count(stream.between(1, replicas))),
            },
            promotion: stream.pick(&[
                Promotion::Automatic,
                Promotion::Automatic,
                Promotion::Manual,
            ]),
            gates: gates(stream),
            bake: Span::from_millis(stream.below(2) * stream.magnitude(500, 15_000)),
            standby: Span::from_millis(stream.below(2) * stream.magnitude(500, 15_000)),
            ..BlueGreen::default()
        }),
        _ => Strategy::Canary(canary(stream, replicas)),
    }
}

fn pace(stream: &mut Stream, replicas: u64) -> Pace {
    let surge = stream.below(3);
    let unavailable = stream.between(u64::from(surge == 0), 2).min(replicas);
    Pace {
        surge: Some(match stream.below(4) {
            0 => Amount::Percent(Weight::share(stream.between(1, 4), 4)),
            _ => Amount::Count(surge),
        }),
        unavailable: Some(Amount::Count(unavailable)),
        parallelism: match stream.below(3) {
            0 => Some(stream.between(1, 3)),
            _ => None,
        },
        batch_delay: Span::from_millis(match stream.below(4) {
            0 => stream.magnitude(100, 4000),
            _ => 0,
        }),
        order: None,
        counting: None,
    }
}

fn canary(stream: &mut Stream, replicas: u64) -> Canary {
    let mut points = 0;
    let mut steps = Vec::new();
    for _ in 0..stream.between(1, 3) {
        points += stream.between(1, 30) * 100;
        steps.push(CanaryStep {
            weight: Weight::from_basis_points(points).unwrap_or(Weight::ZERO),
            gates: gates(stream),
            ..CanaryStep::default()
        });
    }
    Canary {
        steps,
        min_replicas: match stream.below(4) {
            0 => Some(stream.between(1, replicas)),
            _ => None,
        },
        scale_stable: stream.hits(300_000),
        pace: match stream.below(2) {
            0 => None,
            _ => Some(pace(stream, replicas)),
        },
        ..Canary::default()
    }
}

fn gates(stream: &mut Stream) -> Vec<Gate> {
    let count = stream.below(3);
    let one = |stream: &mut Stream| match stream.below(6) {
        0 => Gate::Approval {
            deadline: match stream.below(2) {
                0 => None,
                _ => Some(Span::from_millis(stream.magnitude(5000, 60_000))),
            },
            on_expiry: Unanswered::Fail,
        },
        1..=2 => Gate::Health(Span::from_millis(stream.magnitude(500, 8000))),
        _ => Gate::Hold(Span::from_millis(stream.magnitude(200, 8000))),
    };
    (0..count).map(|_| one(stream)).collect()
}

fn health(stream: &mut Stream) -> Health {
    let probe = |stream: &mut Stream| Probe {
        http: None,
        tcp: Some(TcpProbe { port: 80 }),
        exec: None,
        period: Span::from_millis(stream.between(1000, 4000)),
        timeout: Span::from_millis(500),
        initial_delay: Span::from_millis(stream.below(2) * stream.below(1000)),
        failure_threshold: u32::try_from(stream.between(1, 3)).unwrap_or(1),
        success_threshold: u32::try_from(stream.between(1, 2)).unwrap_or(1),
    };
    let maybe = |chance: u64, stream: &mut Stream| {
        let drawn = probe(stream);
        stream.hits(chance).then_some(drawn)
    };
    let startup = maybe(300_000, stream).map(|startup| Probe {
        failure_threshold: 30,
        success_threshold: 1,
        ..startup
    });
    let readiness = maybe(700_000, stream);
    let liveness =
        maybe(200_000, stream).map(|liveness| Probe { success_threshold: 1, ..liveness });
    Health {
        startup,
        readiness,
        liveness,
        min_ready: Span::from_millis(stream.below(2) * stream.below(3000)),
        monitor: Span::ZERO,
        max_failure_ratio: stream.pick(&[Weight::ZERO, Weight::ZERO, Weight::share(1, 2)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_a_setting_that_passes_the_check() {
        for seed in 0..2000 {
            assert!(0 < Setting::draw(seed).spec.replicas);
        }
    }
}
