//! What a copy tells Prometheus.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use rollout_core::engine::Status;

use super::{key::Key, status};

/// What a copy tells Prometheus, and whether it is ready.
pub(super) struct Metrics {
    registry: Registry,
    rollouts: Family<InPhase, Gauge>,
    shards: Gauge,
    drivers: Gauge,
    status_writes: Counter,
    phases: Mutex<BTreeMap<String, &'static str>>,
    ready: AtomicBool,
}

/// Rollouts of this copy, by what goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InPhase {
    phase: &'static str,
}

/// A driver that is counted.
pub(super) struct Driver(Arc<Metrics>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.drivers.dec();
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("rollout_operator");
        let rollouts = Family::default();
        let (shards, drivers) = (Gauge::default(), Gauge::default());
        let status_writes = Counter::default();
        registry.register(
            "rollouts",
            "Rollouts of this copy that are driven, by phase",
            rollouts.clone(),
        );
        registry.register("shards", "Shards of work that this copy holds", shards.clone());
        registry.register("drivers", "Rollouts that have a driver in this copy", drivers.clone());
        registry.register("status_writes", "Writes of a status", status_writes.clone());
        Self {
            registry,
            rollouts,
            shards,
            drivers,
            status_writes,
            phases: Mutex::default(),
            ready: AtomicBool::new(false),
        }
    }

    pub(super) fn shards(&self, held: usize) {
        self.shards.set(whole(held));
    }

    /// Counts one driver until it is dropped.
    pub(super) fn driver(self: &Arc<Self>) -> Driver {
        self.drivers.inc();
        Driver(Arc::clone(self))
    }

    /// How many drivers there are.
    pub(super) fn drivers(&self) -> u64 {
        u64::try_from(self.drivers.get()).unwrap_or(0)
    }

    pub(super) fn status_written(&self) {
        self.status_writes.inc();
    }

    /// Notes in which phase an engine is.
    pub(super) fn phase(&self, key: &Key, engine: &Status) {
        self.phases().insert(key.to_string(), status::phase(engine));
    }

    /// The rollout is not this copy's any more.
    pub(super) fn forget(&self, key: &Key) {
        self.phases().remove(&key.to_string());
    }

    pub(super) fn is_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(super) fn ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Everything as `OpenMetrics` text.
    pub(super) fn text(&self) -> String {
        self.rollouts.clear();
        for phase in self.phases().values() {
            self.rollouts.get_or_create(&InPhase { phase }).inc();
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a text cannot fail");
        text
    }

    fn phases(&self) -> MutexGuard<'_, BTreeMap<String, &'static str>> {
        // Nothing below the lock can panic halfway through a change.
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rollout_core::{engine::Phase, id::WorkloadId};

    use super::*;

    #[test]
    fn what_is_told_is_counted_by_phase() {
        let metrics = Metrics::new();
        let mut engine = Status::idle(WorkloadId::new("web").unwrap());
        engine.phase = Phase::Moving;
        for name in ["web", "api"] {
            let key = Key { namespace: "prod".to_owned(), name: name.to_owned() };
            metrics.phase(&key, &engine);
        }
        metrics.shards(3);
        let text = metrics.text();
        assert!(text.contains(r#"rollout_operator_rollouts{phase="Moving"} 2"#), "{text}");
        assert!(text.contains("rollout_operator_shards 3"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
