//! Site: what a rollout runs on, reached and looked at: the backend, and what shares its traffic.
//!
//! In: arguments and a spec. Out: ports that are ready, and what they can do. Absent: any write.

use std::sync::Arc;

use rollout_core::{
    port::{Backend, Enrolment, Journal, Router},
    spec::CheckedSpec,
};
use rollout_docker::{DockerBackend, HaProxy, haproxy::Traffic};
use rollout_k8s::{
    backend::{
        Controller, KubernetesBackend, Options, Scope, Watches, check_services, driver_options,
    },
    client,
    router::KubernetesRouter,
};
use rollout_runtime::Ports;

use crate::{
    args::{ClusterArgs, RunArgs, RunBackend},
    error::CliError,
};

/// What a rollout runs on.
pub(super) struct Site {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) enrolment: Option<Arc<dyn Enrolment>>,
    pub(super) router: Option<Arc<dyn Router>>,
    /// Where in a cluster it is.
    pub(super) namespace: Option<String>,
    /// How a driver goes about its work there.
    pub(super) driver: rollout_runtime::Options,
}

impl Site {
    /// Reaches what `args` name.
    pub(super) async fn reach(args: &RunArgs, spec: &CheckedSpec) -> Result<Self, CliError> {
        match args.backend {
            RunBackend::Docker => docker(args, spec).await,
            RunBackend::Kubernetes => kubernetes(args, spec).await,
        }
    }

    /// Everything as ports, with what keeps records.
    pub(super) fn ports(self, journal: Arc<dyn Journal>) -> Ports {
        let mut ports = Ports::new(self.backend, journal);
        if let Some(enrolment) = self.enrolment {
            ports = ports.with_enrolment(enrolment);
        }
        if let Some(router) = self.router {
            ports = ports.with_router(router);
        }
        ports
    }
}

async fn docker(args: &RunArgs, spec: &CheckedSpec) -> Result<Site, CliError> {
    let ClusterArgs { namespace, context, kubeconfig, .. } = &args.cluster;
    if namespace.is_some() || context.is_some() || kubeconfig.is_some() {
        return Err(CliError::NotOfBackend {
            what: "`--namespace`, `--context` and `--kubeconfig`",
            backend: "docker",
        });
    }
    let mut options = rollout_docker::Options::default();
    if let Some(host) = &args.docker {
        options.host.clone_from(host);
    }
    let backend = Arc::new(DockerBackend::connect(options).await?);
    let driver = rollout_runtime::Options::default();
    if spec.traffic.is_null() {
        return Ok(Site { backend, enrolment: None, router: None, namespace: None, driver });
    }
    let proxy = Arc::new(HaProxy::connect(Traffic::read(&spec.traffic)?).await?);
    let enrolment = Some(Arc::clone(&proxy) as _);
    Ok(Site { backend, enrolment, router: Some(proxy), namespace: None, driver })
}

async fn kubernetes(args: &RunArgs, spec: &CheckedSpec) -> Result<Site, CliError> {
    if args.docker.is_some() {
        return Err(CliError::NotOfBackend { what: "`--docker`", backend: "kubernetes" });
    }
    let mut options = args.cluster.options();
    let own = spec.template["metadata"]["namespace"].as_str().map(str::to_owned);
    options.namespace = options.namespace.or(own);
    let (client, namespace) = client::connect(&options).await?;
    let traffic = rollout_k8s::router::Traffic::read(&spec.traffic)?;
    check_services(&client, &namespace, &traffic, &spec.template).await?;
    let scope =
        Scope::Workload { namespace: namespace.clone(), workload: spec.workload.to_string() };
    let watches = Watches::start(client.clone(), &scope);
    let options = Options {
        min_ready: spec.health.min_ready,
        enrol_by: traffic.enrol_by,
        ..Options::default()
    };
    let controller = Controller::of(&spec.template);
    let router = match controller {
        Controller::ReplicaSet => KubernetesRouter::new(client, &namespace, &traffic),
        // Both revisions are in one object, and a Service cannot tell them apart.
        Controller::StatefulSet | Controller::DaemonSet => None,
    };
    let router = router.map(|router| Arc::new(router.with_watches(&watches)));
    let backend = KubernetesBackend::new(&watches, namespace.as_str(), options);
    let mut backend = backend.with_controller(controller);
    if let Some(router) = &router {
        backend = backend.with_router(Arc::clone(router));
    }
    let backend = Arc::new(backend);
    Ok(Site {
        backend: Arc::clone(&backend) as _,
        enrolment: Some(backend),
        router: router.map(|router| router as _),
        namespace: Some(namespace),
        driver: driver_options(),
    })
}
