//! Engines of a place: one life each, on one journal.

use std::{path::Path, sync::Arc};

use rollout_core::{id::WorkloadId, port::Journal, time::Span};
use rollout_k8s::{
    backend::{self, KubernetesBackend, Scope, Watches, driver_options},
    client,
    journal::{KubernetesJournal, journal_definition},
    operator::OperatorOptions,
    router::{KubernetesRouter, Traffic},
};
use rollout_runtime::{Options, Ports, Runtime, journal::RedbJournal};

use super::{Place, PlaceError, WORKLOAD};
use crate::rig::Life;

/// How long kube-proxy of the bed takes to learn that a pod left, at most: it writes its rules at most once a
/// second.
const CONFIRMATION: Span = Span::from_secs(4);
/// Name of the definition of journals in a cluster.
const JOURNALS: &str = "crd/rolloutjournals.rollout-engine.dev";

/// Where an engine keeps its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In a file of the place.
    InFile,
    /// In an object of the cluster, as the operator keeps it.
    InCluster,
}

impl Place {
    /// Starts an engine on the journal, with all rights.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] of whatever does not answer.
    pub async fn engine(&self) -> Result<Life, PlaceError> {
        self.engine_through(&self.cluster.kubeconfig()).await
    }

    /// Starts an engine that reaches the API server by this kubeconfig.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] of whatever does not answer.
    pub async fn engine_through(&self, kubeconfig: &Path) -> Result<Life, PlaceError> {
        self.engine_kept(Kept::InFile, kubeconfig).await
    }

    /// Starts an engine that keeps its journal there, and reaches the API server by this kubeconfig.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] of whatever does not answer.
    pub async fn engine_kept(&self, kept: Kept, kubeconfig: &Path) -> Result<Life, PlaceError> {
        let connection = client::Options {
            kubeconfig: Some(kubeconfig.to_owned()),
            namespace: Some(self.namespace.clone()),
            ..client::Options::default()
        };
        let (client, namespace) = client::connect(&connection).await?;
        let traffic = Traffic::read(&self.traffic())?;
        let watches = Watches::start(client.clone(), &Scope::Namespace(namespace.clone()));
        let router = KubernetesRouter::new(client.clone(), &namespace, &traffic);
        let router = router.map(|router| Arc::new(router.with_watches(&watches)));
        let (journal, driver) = self.journal_kept(kept, client).await?;
        let options = backend::Options {
            confirmation: CONFIRMATION,
            enrol_by: traffic.enrol_by,
            ..backend::Options::default()
        };
        let backend = KubernetesBackend::new(&watches, namespace, options);
        let mut backend = backend.with_controller(self.controller());
        if let Some(router) = &router {
            backend = backend.with_router(Arc::clone(router));
        }
        let backend = Arc::new(backend);
        let mut ports =
            Ports::new(Arc::<KubernetesBackend>::clone(&backend), journal).with_enrolment(backend);
        if let Some(router) = router {
            ports = ports.with_router(router);
        }
        let runtime = Runtime::new();
        let workload = WorkloadId::new(WORKLOAD)?;
        let handle = runtime.start(&workload, ports, driver).await?;
        Ok(Life::new(handle, runtime))
    }

    /// The journal, and how an engine with it goes about its work.
    async fn journal_kept(
        &self,
        kept: Kept,
        client: kube::Client,
    ) -> Result<(Arc<dyn Journal>, Options), PlaceError> {
        match kept {
            Kept::InFile => {
                Ok((Arc::new(RedbJournal::open(self.journal()).await?), driver_options()))
            }
            Kept::InCluster => {
                self.cluster.apply(&journal_definition().to_string())?;
                let journals = ["wait", "--for=condition=Established", JOURNALS];
                self.cluster.kubectl(journals)?;
                let journal = KubernetesJournal::new(client, &self.namespace);
                let driver = OperatorOptions::new(self.namespace.clone(), "live".to_owned()).driver;
                Ok((Arc::new(journal), driver))
            }
        }
    }
}
