//! What was seen of one instance's health: probe answers in a row, and since when it is ready.
//! Volatile: a new engine asks again.

mod imprint;

use crate::{
    engine::{InstanceSeen, InstanceState, ProbeKind},
    spec::{Health, Probe},
    time::Timestamp,
};

/// Answers of one probe in a row, and what they make of the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeView {
    /// `None` until enough answers in a row agree.
    pub healthy: Option<bool>,
    successes: u32,
    failures: u32,
    /// What was seen last.
    pub detail: String,
}

impl ProbeView {
    fn answer(&mut self, probe: &Probe, healthy: bool, detail: String) {
        self.detail = detail;
        if healthy {
            self.failures = 0;
            self.successes = self.successes.saturating_add(1);
            if probe.success_threshold <= self.successes {
                self.healthy = Some(true);
            }
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            if probe.failure_threshold <= self.failures {
                self.healthy = Some(false);
            }
        }
    }
}

/// What was seen of one instance's health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthView {
    /// The startup probe.
    pub startup: ProbeView,
    /// The readiness probe.
    pub readiness: ProbeView,
    /// The liveness probe.
    pub liveness: ProbeView,
    /// Since when it is ready without a break; `None` if it is not, or nobody knows yet.
    pub ready_since: Option<Timestamp>,
    /// Whether it was available once.
    pub was_available: bool,
    /// How often its orchestrator had restarted it when it was first seen.
    pub restarts: Option<u32>,
}

impl HealthView {
    /// Takes in a probe's answer.
    pub fn probed(&mut self, health: &Health, kind: ProbeKind, healthy: bool, detail: String) {
        let (view, probe) = match kind {
            ProbeKind::Startup => (&mut self.startup, &health.startup),
            ProbeKind::Readiness => (&mut self.readiness, &health.readiness),
            ProbeKind::Liveness => (&mut self.liveness, &health.liveness),
        };
        if let Some(probe) = probe {
            view.answer(probe, healthy, detail);
        }
    }

    /// Takes in what its orchestrator shows of it now: since when it is ready, and whether it was available.
    pub(crate) fn saw(
        &mut self,
        now: Timestamp,
        health: &Health,
        seen: Option<&InstanceSeen>,
        proved: bool,
    ) {
        let running = seen.filter(|seen| seen.state == InstanceState::Running);
        if let Some(seen) = running {
            self.restarts.get_or_insert(seen.restarts);
        }
        let ready =
            running.is_some_and(|seen| self.ready(health, seen.healthy, proved) == Some(true));
        self.ready_since = if ready { self.ready_since.or(Some(now)) } else { None };
        self.was_available |=
            self.ready_since.is_some_and(|since| since.after(health.min_ready) <= now);
    }

    /// Whether the startup probe has passed, or need not.
    #[must_use]
    pub fn is_started(&self, health: &Health, proved: bool) -> bool {
        health.startup.is_none() || proved || self.startup.healthy == Some(true)
    }

    /// Whether the instance is ready: `None` while nobody knows. `proved` means that it was seen ready
    /// before, so that missing answers are missing knowledge and not a slow start.
    #[must_use]
    pub fn ready(&self, health: &Health, backend: Option<bool>, proved: bool) -> Option<bool> {
        if !self.is_started(health, proved) {
            return Some(false);
        }
        // Where both speak, both must agree: an orchestrator that calls it unhealthy may end it.
        if backend == Some(false) {
            return Some(false);
        }
        match &health.readiness {
            Some(_) => self.readiness.healthy.or(if proved { None } else { Some(false) }),
            None => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        let probe = serde_json::json!({"tcp": {"port": 80}, "success_threshold": 2});
        Health { readiness: Some(serde_json::from_value(probe).unwrap()), ..Health::default() }
    }

    #[test]
    fn thresholds_are_counted_in_a_row() {
        let (health, mut view) = (health(), HealthView::default());
        let mut probe = |healthy| {
            view.probed(&health, ProbeKind::Readiness, healthy, String::new());
            view.readiness.healthy
        };
        assert_eq!([true, false, true, true].map(&mut probe), [None, None, None, Some(true)]);
        let still = Some(true);
        assert_eq!(
            [false, false, true, false, false, false].map(&mut probe),
            [still, still, still, still, still, Some(false)]
        );
    }

    #[test]
    fn no_answer_is_unknown_only_for_an_instance_that_was_ready_before() {
        let (health, view) = (health(), HealthView::default());
        assert_eq!(view.ready(&health, None, true), None);
        assert_eq!(view.ready(&health, None, false), Some(false));
        assert_eq!(view.ready(&Health::default(), Some(false), true), Some(false));
        assert_eq!(view.ready(&Health::default(), None, false), Some(true));
    }
}
