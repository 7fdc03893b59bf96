//! The adapters of one workload, handed over as one.

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::port::{
    Ability, Backend, Capabilities, Clock, Enrolment, Hooks, Journal, Metrics, Modules, Router,
};

use crate::{
    clock::SystemClock,
    probe::{NetworkProber, Prober},
};

/// Everything the driver talks to.
#[derive(Clone)]
pub struct Ports {
    /// Makes and removes instances.
    pub backend: Arc<dyn Backend>,
    /// Takes single instances in and out of traffic.
    pub enrolment: Option<Arc<dyn Enrolment>>,
    /// Shares traffic among revisions.
    pub router: Option<Arc<dyn Router>>,
    /// Runs jobs.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// Reads metrics.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// Degrades and restores modules.
    pub modules: Option<Arc<dyn Modules>>,
    /// Keeps records.
    pub journal: Arc<dyn Journal>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Asks instances how they are.
    pub prober: Arc<dyn Prober>,
}

impl Ports {
    /// A backend and a journal, the machine's clock, probes over the network, no load balancer.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, journal: Arc<dyn Journal>) -> Self {
        Self {
            backend,
            enrolment: None,
            router: None,
            hooks: None,
            metrics: None,
            modules: None,
            journal,
            clock: Arc::new(SystemClock::new()),
            prober: Arc::new(NetworkProber),
        }
    }

    /// Adds what takes instances in and out of traffic.
    #[must_use]
    pub fn with_enrolment(mut self, enrolment: Arc<dyn Enrolment>) -> Self {
        self.enrolment = Some(enrolment);
        self
    }

    /// Adds what shares traffic among revisions.
    #[must_use]
    pub fn with_router(mut self, router: Arc<dyn Router>) -> Self {
        self.router = Some(router);
        self
    }

    /// Adds what runs jobs.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Adds what reads metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Adds what degrades and restores modules.
    #[must_use]
    pub fn with_modules(mut self, modules: Arc<dyn Modules>) -> Self {
        self.modules = Some(modules);
        self
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces what asks instances how they are.
    #[must_use]
    pub fn with_prober(mut self, prober: Arc<dyn Prober>) -> Self {
        self.prober = prober;
        self
    }

    /// What the ports can do together.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            making: self.backend.making(),
            counting: self.backend.counting(),
            enrolment: self.enrolment.as_ref().map(|port| port.confirmation()),
            router: self.router.as_ref().map(|port| port.units()),
            abilities: self.abilities(),
        }
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        let router = self.router.as_ref().map(|port| port.abilities()).unwrap_or_default();
        let hooks = self.hooks.as_ref().map(|_| Ability::Hooks);
        let metrics = self.metrics.as_ref().map(|_| Ability::Metrics);
        let modules = self.modules.as_ref().map(|_| Ability::Modules);
        router.into_iter().chain(hooks).chain(metrics).chain(modules).collect()
    }
}
