//! The ports of a real cluster: the backend with the watches of all workloads, a router where the spec names
//! one, the journal beside the object.

use std::sync::Arc;

use async_trait::async_trait;
use kube::{Client, Resource as _, ResourceExt as _};
use rollout_core::{
    port::{Backend, Journal, Metrics},
    spec::CheckedSpec,
};
use rollout_runtime::{Ports, metrics::NamedMetrics};
use serde_json::Value;

use super::ports::{PortsError, PortsOf};
use crate::{
    backend::{Controller, KubernetesBackend, Options, Watches, check_services},
    crd::Rollout,
    journal::KubernetesJournal,
    router::{KubernetesRouter, Traffic},
};

/// Makes the journal of one object.
pub type JournalOf = Arc<dyn Fn(&Rollout) -> Arc<dyn Journal> + Send + Sync>;

/// Journals in the cluster, each beside its object, with which it goes.
#[must_use]
pub fn in_cluster(client: Client) -> JournalOf {
    Arc::new(move |rollout| {
        let namespace = rollout.namespace().unwrap_or_default();
        let journal = KubernetesJournal::new(client.clone(), &namespace);
        match rollout.owner_ref(&()) {
            Some(parent) => Arc::new(journal.with_parent(parent)) as Arc<dyn Journal>,
            None => Arc::new(journal),
        }
    })
}

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
        let traffic = traffic(&self.client, &namespace, spec).await?;
        let options = Options {
            min_ready: spec.health.min_ready,
            enrol_by: traffic.enrol_by,
            ..self.options
        };
        let controller = Controller::of(&spec.template);
        let router = match controller {
            Controller::ReplicaSet => {
                KubernetesRouter::new(self.client.clone(), &namespace, &traffic)
            }
            // Both revisions are in one object, and a Service cannot tell them apart.
            Controller::StatefulSet | Controller::DaemonSet => None,
        };
        let router = router.map(|router| Arc::new(router.with_watches(&self.watches)));
        let backend = KubernetesBackend::new(&self.watches, namespace, options);
        let backend = backend.with_controller(controller);
        // So that a new reign is known to the router, and a new revision to its preview, before any traffic.
        let backend = Arc::new(match &router {
            Some(router) => backend.with_router(Arc::clone(router)),
            None => backend,
        });
        let journal = (self.journal)(rollout);
        let metrics: Arc<dyn Metrics> = Arc::clone(&self.metrics) as _;
        let ports = Ports::new(Arc::clone(&backend) as _, journal)
            .with_enrolment(backend)
            .with_metrics(metrics);
        Ok(match router {
            Some(router) => ports.with_router(router),
            None => ports,
        })
    }

    fn backend(&self, rollout: &Rollout) -> Arc<dyn Backend> {
        let namespace = rollout.namespace().unwrap_or_default();
        let backend = KubernetesBackend::new(&self.watches, namespace, self.options);
        let spec: Value = serde_json::from_str(rollout.spec.as_str()).unwrap_or_default();
        Arc::new(backend.with_controller(Controller::of(&spec["template"])))
    }
}

/// Where traffic comes from, as far as the spec names it; every Service of it takes only pods that may serve.
async fn traffic(
    client: &Client,
    namespace: &str,
    spec: &CheckedSpec,
) -> Result<Traffic, PortsError> {
    let traffic = Traffic::read(&spec.traffic)
        .map_err(|error| PortsError { why: error.to_string(), may_pass: false })?;
    let checked = check_services(client, namespace, &traffic, &spec.template).await;
    // A Service is somebody else's, who may correct it while the spec stays.
    checked.map_err(|error| PortsError { why: error.to_string(), may_pass: true })?;
    Ok(traffic)
}
