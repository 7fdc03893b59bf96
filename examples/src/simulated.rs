//! Simulated: the ports of one workload on a simulated fleet, with its prober and its clock.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use rollout_core::{
    engine::{InstanceState, ProbeKind},
    id::{InstanceId, RevisionId, WorkloadId},
    port::{Backend, Journal},
    spec::Probe,
    time::{Span, Timestamp},
};
use rollout_runtime::{
    Ports, SystemClock,
    probe::{Answer, Prober},
};
use rollout_sim::world::{SimFleet, Truth, WorldConfig};

use crate::facts::{Facts, Meter};

/// Time from the start of an instance to its first answer.
const BOOT: Span = Span::from_secs(1);
/// Requests per second.
const RATE: u64 = 400;
/// Seed of what little is drawn: how long an instance takes to end.
const SEED: u64 = 1;

/// A fleet with nothing on it and traffic that waits for the first instance. Clones are the same one.
#[derive(Clone)]
pub struct Simulated {
    workload: WorkloadId,
    fleet: SimFleet,
    clock: Arc<SystemClock>,
}

impl Simulated {
    /// Time from the start of an instance to its first answer.
    pub const BOOT: Span = BOOT;

    /// A fleet for `workload` whose time is tokio's; begins at zero.
    #[must_use]
    pub fn new(workload: &WorkloadId) -> Self {
        let boot = BOOT.as_millis();
        let config = WorldConfig {
            start: (boot, boot),
            rate: RATE,
            // The engine's own probes are the only ones.
            checks_health: false,
            ..WorldConfig::default()
        };
        let clock = Arc::new(SystemClock::starting_at(Timestamp(0)));
        let fleet = SimFleet::new(config, SEED, clock.clone());
        Self { workload: workload.clone(), fleet, clock }
    }

    /// Says what is true of `revision`; one that nothing is said of works.
    pub fn set_truth(&self, revision: RevisionId, truth: Truth) {
        self.fleet.with(&self.workload, |world| world.set_truth(revision, truth));
    }

    /// The ports of a runtime that keeps its records in `journal`.
    #[must_use]
    pub fn ports(&self, journal: impl Journal + 'static) -> Ports {
        Ports::new(Arc::new(self.fleet.backend()), Arc::new(journal))
            .with_enrolment(Arc::new(self.fleet.enrolment()))
            .with_router(Arc::new(self.fleet.router()))
            .with_clock(self.clock.clone())
            .with_prober(Arc::new(self.clone()))
    }

    /// Waits for `rollout` and counts what happens meanwhile; `candidate` is the revision whose share of
    /// traffic is watched.
    pub async fn measure<T>(
        &self,
        candidate: &RevisionId,
        rollout: impl Future<Output = T>,
    ) -> (T, Facts) {
        let mut meter = self.fleet.with(&self.workload, |world| Meter::new(RATE, world));
        let mut rollout = std::pin::pin!(rollout);
        loop {
            self.fleet.with(&self.workload, |world| meter.look(world, candidate));
            tokio::select! {
                biased;
                value = &mut rollout => {
                    let facts = self.fleet.with(&self.workload, |world| meter.facts(world));
                    return (value, facts);
                }
                () = tokio::time::sleep(Meter::PERIOD.to_std()) => (),
            }
        }
    }

    /// Every instance that exists now, as its revision and how far it is.
    ///
    /// # Panics
    ///
    /// Never: a simulated fleet can always be observed.
    pub async fn instances(&self) -> Vec<(RevisionId, InstanceState)> {
        let seen = self.fleet.backend().observe(&self.workload).await;
        let seen = seen.expect("a simulated fleet can always be observed");
        seen.instances.into_values().map(|one| (one.revision, one.state)).collect()
    }
}

#[async_trait]
impl Prober for Simulated {
    async fn ask(&self, instance: &InstanceId, _: IpAddr, _: &Probe) -> Answer {
        if self.fleet.probe(&self.workload, instance, ProbeKind::Readiness) {
            Answer::healthy("status 200")
        } else {
            Answer::unhealthy("no answer")
        }
    }
}
