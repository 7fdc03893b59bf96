//! What a spec may say but rarely means.

use super::health;
use crate::{
    spec::{Probe, Spec},
    time::Span,
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
}

/// Words in a path that name something outside the instance.
const DEPENDENCY_WORDS: [&str; 8] =
    ["db", "database", "redis", "mysql", "postgres", "cache", "upstream", "deps"];

/// The warnings about `spec`, in the order of its fields.
pub(super) fn of(spec: &Spec) -> Vec<Warning> {
    let mut warnings = Vec::new();
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
    warnings
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
