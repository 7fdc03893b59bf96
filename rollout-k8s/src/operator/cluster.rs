//! The ports of a real cluster: the backend with the watches of all workloads, a router where the spec names
//! one, the journal beside the object.

use std::sync::Arc;

use async_trait::async_trait;
use kube::{Client, ResourceExt as _};
use rollout_core::{
    port::{Journal, Metrics},
    spec::CheckedSpec,
};
use rollout_runtime::{Ports, metrics::NamedMetrics};

use super::ports::{PortsError, PortsOf};
use crate::{
    backend::{KubernetesBackend, Options, Watches},
    crd::Rollout,
    router::{KubernetesRouter, Traffic},
};

/// Makes the journal of one object.
pub type JournalOf = Arc<dyn Fn(&Rollout) -> Arc<dyn Journal> + Send + Sync>;

/// The ports of a real cluster.
pub struct ClusterPorts {
    client: Client,
    watches: Arc<Watches>,
    options: Options,
    journal: JournalOf,
    metrics: Arc<NamedMetrics>,
}

impl ClusterPorts {
    /// Ports that share `watches`; `journal` makes the journal of each object.
    #[must_use]
    pub fn new(
        client: Client,
        watches: Arc<Watches>,
        options: Options,
        journal: JournalOf,
    ) -> Self {
        Self { client, watches, options, journal, metrics: Arc::new(NamedMetrics::new()) }
    }

    /// Reads metrics from `metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: NamedMetrics) -> Self {
        self.metrics = Arc::new(metrics);
        self
    }
}

#[async_trait]
impl PortsOf for ClusterPorts {
    async fn ports(&self, rollout: &Rollout, spec: &CheckedSpec) -> Result<Ports, PortsError> {
        let namespace = rollout.namespace().unwrap_or_default();
        let options = Options { min_ready: spec.health.min_ready, ..self.options };
        let router = router(&self.client, &namespace, spec)?;
        let backend = Arc::new(KubernetesBackend::new(&self.watches, namespace, options));
        let journal = (self.journal)(rollout);
        let metrics: Arc<dyn Metrics> = Arc::clone(&self.metrics) as _;
        let ports = Ports::new(Arc::clone(&backend) as _, journal)
            .with_enrolment(backend)
            .with_metrics(metrics);
        Ok(match router {
            Some(router) => ports.with_router(Arc::new(router)),
            None => ports,
        })
    }
}

/// What shares traffic, where the spec names it.
fn router(
    client: &Client,
    namespace: &str,
    spec: &CheckedSpec,
) -> Result<Option<KubernetesRouter>, PortsError> {
    if spec.traffic.is_null() {
        return Ok(None);
    }
    let traffic = Traffic::read(&spec.traffic)
        .map_err(|error| PortsError { why: error.to_string(), may_pass: false })?;
    Ok(KubernetesRouter::new(client.clone(), namespace, &traffic))
}
