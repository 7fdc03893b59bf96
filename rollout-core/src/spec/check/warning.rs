//! What a spec may say but rarely means.

use super::health;
use crate::{
    spec::{HandRoute, Match, ModuleNeeds, Probe, Spec, Strategy, WayBack},
    time::Span,
    weight::Weight,
};

/// Longest period of a TCP probe that is not warned about: a dead listener goes unseen as long.
const TCP_PERIOD: Span = Span::from_secs(10);

/// Something that may be used but is rarely meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The second attempt starts before the first may have ended.
    #[error(
        "{field}.timeout: {timeout} is longer than the period of {period}; an attempt waits for the one before, so the period is stretched"
    )]
    TimeoutAbovePeriod {
        /// Path of the probe.
        field: String,
        /// Longest wait for an answer.
        timeout: Span,
        /// Time between two attempts.
        period: Span,
    },
    /// A dead instance keeps its traffic for long.
    #[error(
        "{field}.period: {period} between TCP attempts is above {TCP_PERIOD}; with {failures} failures in a row a dead instance keeps its traffic for {unseen}"
    )]
    SlowTcp {
        /// Path of the probe.
        field: String,
        /// Time between two attempts.
        period: Span,
        /// Failures in a row that make it unhealthy.
        failures: u32,
        /// How long a dead instance goes unseen.
        unseen: Span,
    },
    /// A dependency's failure would restart or unroute every instance.
    #[error(
        "{field}.http.path: `{path}` sounds like a check of what the instance depends on; when that fails, every instance fails at once"
    )]
    DependencyPath {
        /// Path of the probe.
        field: String,
        /// The path.
        path: String,
    },
    /// Slow starts that the startup probe allows would hit the progress deadline.
    #[error(
        "deadlines.progress: {progress} is shorter than the {longest} that the startup probe lets an instance take; the deadline decides first"
    )]
    ProgressBelowStartup {
        /// The deadline.
        progress: Span,
        /// Longest time the probe allows.
        longest: Span,
    },
    /// A slow drain would count as standing still.
    #[error(
        "deadlines.progress: {progress} is not above the {longest} that one instance may take to go (drain.deadline and drain.stop_grace); where the next one waits for it, a slow drain fails the rollout"
    )]
    ProgressBelowDrain {
        /// The deadline.
        progress: Span,
        /// Longest time one instance takes to go.
        longest: Span,
    },
    /// Nothing but the backend's own word says that an instance works.
    #[error(
        "health.readiness: there is none, so an instance that runs counts as ready; add a probe, or rely on the backend's own health check"
    )]
    NoReadiness,
    /// Nothing is left to match or to copy.
    #[error(
        "{field}: at 100% the candidate gets every request anyway; write it in a stage with less, or leave it out"
    )]
    RuleAtFull {
        /// Path of the field.
        field: String,
    },
    /// The way back takes everything down.
    #[error(
        "rollback.strategy: with `recreate` nobody is served from the end of the candidate until stable is up again; leave it out if the two may run side by side"
    )]
    DowntimeOnTheWayBack,
    /// A way back that starts instances could not end in time.
    #[error(
        "rollback.timeout: {timeout} is not above the {needed} that an instance takes to be available at best; a way back that starts one ends as `needs operator`"
    )]
    TimeoutBelowStart {
        /// The timeout.
        timeout: Span,
        /// The least an instance takes.
        needed: Span,
    },
    /// A module is declared and nothing is done with any.
    #[error("modules: no stage degrades or requires one; say so in `modules` of a step or stage")]
    ModulesUnused,
    /// The circuit breaker is declared and never armed.
    #[error("breaker: no stage arms it; write `modules: {{ breaker: true }}` in a step or stage")]
    BreakerUnused,
}

/// Words in a path that name something outside the instance.
const DEPENDENCY_WORDS: [&str; 8] =
    ["db", "database", "redis", "mysql", "postgres", "cache", "upstream", "deps"];

/// The warnings about `spec`, in the order of its fields.
pub(super) fn of(spec: &Spec) -> Vec<Warning> {
    let mut warnings = Vec::new();
    of_rules(spec, &mut warnings);
    for (name, probe) in health::probes(&spec.health) {
        of_probe(&format!("health.{name}"), probe, &mut warnings);
    }
    if spec.health.readiness.is_none() {
        warnings.push(Warning::NoReadiness);
    }
    if let Some(startup) = &spec.health.startup {
        let longest = unseen(startup).plus(startup.initial_delay);
        if spec.deadlines.progress < longest {
            warnings
                .push(Warning::ProgressBelowStartup { progress: spec.deadlines.progress, longest });
        }
    }
    let longest = spec.drain.deadline.plus(spec.drain.stop_grace);
    if spec.deadlines.progress <= longest {
        let progress = spec.deadlines.progress;
        warnings.push(Warning::ProgressBelowDrain { progress, longest });
    }
    of_way_back(spec, &mut warnings);
    of_modules(spec, &mut warnings);
    warnings
}

/// Matches and mirrors where the candidate gets everything.
fn of_rules(spec: &Spec, warnings: &mut Vec<Warning>) {
    let mut of = |field: String, weight: Weight, matches: &[Match], mirror: Weight| {
        for (name, is_given) in [("match", !matches.is_empty()), ("mirror", !mirror.is_zero())] {
            if weight == Weight::FULL && is_given {
                warnings.push(Warning::RuleAtFull { field: format!("{field}.{name}") });
            }
        }
    };
    match &spec.strategy {
        Strategy::Canary(canary) => {
            for (index, step) in canary.steps.iter().enumerate() {
                let field = format!("strategy.canary.steps[{index}]");
                of(field, step.weight, &step.matches, step.mirror);
            }
        }
        Strategy::Stages(stages) => {
            for (index, stage) in stages.iter().enumerate() {
                let HandRoute::Weight(weight) = stage.route else { continue };
                of(format!("strategy.stages[{index}]"), weight, &stage.matches, stage.mirror);
            }
        }
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn of_way_back(spec: &Spec, warnings: &mut Vec<Warning>) {
    let is_down_anyway = matches!(spec.strategy, Strategy::Recreate(_));
    if spec.rollback.strategy == Some(WayBack::Recreate) && !is_down_anyway {
        warnings.push(Warning::DowntimeOnTheWayBack);
    }
    let needed = health::least_to_available(&spec.health);
    if let Some(timeout) = spec.rollback.timeout.filter(|timeout| *timeout <= needed) {
        warnings.push(Warning::TimeoutBelowStart { timeout, needed });
    }
}

fn of_modules(spec: &Spec, warnings: &mut Vec<Warning>) {
    let needs: Vec<&ModuleNeeds> = match &spec.strategy {
        Strategy::Canary(canary) => canary.steps.iter().map(|step| &step.modules).collect(),
        Strategy::Stages(stages) => stages.iter().map(|stage| &stage.modules).collect(),
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => Vec::new(),
    };
    let is_unused = needs.iter().all(|needs| needs.degrade.is_empty() && needs.require.is_empty());
    if spec.modules.iter().any(|module| !module.must_be_available) && is_unused {
        warnings.push(Warning::ModulesUnused);
    }
    if spec.breaker.is_some() && !needs.iter().any(|needs| needs.breaker) {
        warnings.push(Warning::BreakerUnused);
    }
}

fn unseen(probe: &Probe) -> Span {
    probe.period.times(u64::from(probe.failure_threshold))
}

fn of_probe(field: &str, probe: &Probe, warnings: &mut Vec<Warning>) {
    if probe.period < probe.timeout {
        warnings.push(Warning::TimeoutAbovePeriod {
            field: field.to_owned(),
            timeout: probe.timeout,
            period: probe.period,
        });
    }
    if probe.tcp.is_some() && TCP_PERIOD < probe.period {
        warnings.push(Warning::SlowTcp {
            field: field.to_owned(),
            period: probe.period,
            failures: probe.failure_threshold,
            unseen: unseen(probe),
        });
    }
    if let Some(http) = &probe.http {
        let mut words = http.path.split(|c: char| !c.is_ascii_alphanumeric());
        if words.any(|word| DEPENDENCY_WORDS.contains(&word.to_ascii_lowercase().as_str())) {
            warnings
                .push(Warning::DependencyPath { field: field.to_owned(), path: http.path.clone() });
        }
    }
}
