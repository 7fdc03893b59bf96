//! Checks of the probes and of what they can prove.

use super::{CheckError, limits};
use crate::{
    spec::{Health, HttpProbe, Probe, Spec},
    time::Span,
    weight::Weight,
};

/// Checks health as a whole.
pub(super) fn check(spec: &Spec, errors: &mut Vec<CheckError>) {
    let health = &spec.health;
    for (name, probe) in probes(health) {
        check_probe(&format!("health.{name}"), probe, errors);
    }
    limits::long("health.min_ready", health.min_ready, errors);
    limits::long("health.monitor", health.monitor, errors);
    if let Some(readiness) = &health.readiness
        && !health.monitor.is_zero()
    {
        check_monitor(health.monitor, readiness, errors);
    }
    if health.max_failure_ratio == Weight::FULL {
        errors.push(CheckError::FailureRatio);
    }
}

/// The probes that are written, with their names.
pub(super) fn probes(health: &Health) -> impl Iterator<Item = (&'static str, &Probe)> {
    [("startup", &health.startup), ("readiness", &health.readiness), ("liveness", &health.liveness)]
        .into_iter()
        .filter_map(|(name, probe)| Some((name, probe.as_ref()?)))
}

/// The least time from start to available that the probes and `min_ready` leave.
pub(super) fn least_to_available(health: &Health) -> Span {
    let least = |probe: &Option<Probe>| match probe {
        Some(probe) => probe
            .initial_delay
            .plus(probe.period.times(u64::from(probe.success_threshold.saturating_sub(1)))),
        None => Span::ZERO,
    };
    least(&health.startup).plus(least(&health.readiness)).plus(health.min_ready)
}

fn check_monitor(monitor: Span, probe: &Probe, errors: &mut Vec<CheckError>) {
    let needed = probe
        .initial_delay
        .plus(probe.period.times(u64::from(probe.failure_threshold)))
        .plus(probe.timeout);
    if monitor < needed {
        errors.push(CheckError::MonitorTooShort {
            monitor,
            needed,
            initial_delay: probe.initial_delay,
            failures: probe.failure_threshold,
            period: probe.period,
            timeout: probe.timeout,
        });
    }
}

fn check_probe(field: &str, probe: &Probe, errors: &mut Vec<CheckError>) {
    let given = [probe.http.is_some(), probe.tcp.is_some(), probe.exec.is_some()];
    let given = given.into_iter().filter(|given| *given).count();
    if given != 1 {
        errors.push(CheckError::ProbeKinds { field: field.to_owned(), given });
    }
    check_kind(field, probe, errors);
    for (name, span) in [("period", probe.period), ("timeout", probe.timeout)] {
        let field = format!("{field}.{name}");
        if span.is_zero() {
            errors.push(CheckError::ProbeTime { field: field.clone() });
        }
        limits::short(&field, span, errors);
    }
    limits::short(&format!("{field}.initial_delay"), probe.initial_delay, errors);
    for (name, threshold) in [
        ("failure_threshold", probe.failure_threshold),
        ("success_threshold", probe.success_threshold),
    ] {
        if threshold == 0 {
            errors.push(CheckError::ProbeThreshold { field: format!("{field}.{name}") });
        }
    }
}

fn check_kind(field: &str, probe: &Probe, errors: &mut Vec<CheckError>) {
    if let Some(http) = &probe.http {
        check_http(&format!("{field}.http"), http, errors);
    }
    if probe.tcp.as_ref().is_some_and(|tcp| tcp.port == 0) {
        errors.push(CheckError::Port { field: format!("{field}.tcp.port") });
    }
    if let Some(exec) = &probe.exec
        && exec.command.first().is_none_or(String::is_empty)
    {
        errors.push(CheckError::Command { field: format!("{field}.exec.command") });
    }
}

fn check_http(field: &str, http: &HttpProbe, errors: &mut Vec<CheckError>) {
    let path = format!("{field}.path");
    let breaks = |character: char| character.is_whitespace() || character.is_control();
    if !http.path.starts_with('/') {
        errors.push(CheckError::Path { field: path, value: http.path.clone() });
    } else if let Some(place) = http.path.chars().position(breaks) {
        errors.push(CheckError::PathCharacter { field: path, position: place + 1 });
    }
    if http.port == 0 {
        errors.push(CheckError::Port { field: format!("{field}.port") });
    }
    for (name, value) in &http.headers {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let named = !name.is_empty() && name.bytes().all(plain);
        if !named || value.chars().any(char::is_control) {
            let field = format!("{field}.headers");
            errors.push(CheckError::Header { field, name: name.clone() });
        }
    }
}
