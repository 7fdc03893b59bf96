//! What a run needs, looked at before anything is touched: the spec, Docker, the load balancer, the
//! image; then the journal, the control socket and the claim.

use std::{sync::Arc, time::Duration};

use rollout_core::{
    id::RevisionId,
    plan,
    port::{Backend as _, Capabilities, JournalError, Router as _},
    spec::CheckedSpec,
};
use rollout_docker::{DockerBackend, HaProxy, haproxy::Traffic};
use rollout_runtime::{
    Handle, Options, Ports, Runtime,
    control::{Client, Server},
    digest_id,
    journal::RedbJournal,
};

use crate::{
    args::{BackendName, RunArgs, RunBackend},
    beside::Beside,
    command::capabilities,
    error::CliError,
    place::Place,
    source,
};

/// Attempts to open a journal that is in use by somebody who does not answer.
const OPENS_MAX: u32 = 20;
/// Time between two of them.
const OPEN_AGAIN: Duration = Duration::from_millis(50);

/// Everything that can be known without touching anything.
pub(super) struct Prepared {
    place: Place,
    spec: CheckedSpec,
    revision: RevisionId,
    docker: Arc<DockerBackend>,
    proxy: Option<Arc<HaProxy>>,
    beside: Beside,
}

/// A driver at work. Dropping it stops the driver, closes the socket and frees the journal.
pub(super) struct Running {
    pub(super) handle: Handle,
    pub(super) spec: CheckedSpec,
    pub(super) revision: RevisionId,
    _runtime: Arc<Runtime>,
    _server: Server,
}

impl Prepared {
    /// Looks at everything and touches nothing.
    pub(super) async fn new(args: &RunArgs) -> Result<Self, CliError> {
        let spec = source::load(&args.source)?.spec;
        let beside = Beside::read(&args.beside)?;
        let planned = |capabilities: &Capabilities| {
            // Whether there is a stable revision shows later; a spec that is refused either way is now.
            let plan = plan::build(&spec, capabilities, false)
                .map_err(|why| CliError::Plan { path: args.source.file.clone(), why })?;
            beside.check(&args.source.file, &spec, &plan)
        };
        let mut capabilities = match args.backend {
            RunBackend::Docker => capabilities(&spec, BackendName::Docker)?,
        };
        capabilities.abilities = beside.abilities().collect();
        planned(&capabilities)?;
        let mut options = rollout_docker::Options::default();
        if let Some(host) = &args.docker {
            options.host.clone_from(host);
        }
        let docker = Arc::new(DockerBackend::connect(options).await?);
        let proxy = if spec.traffic.is_null() {
            None
        } else {
            Some(Arc::new(HaProxy::connect(Traffic::read(&spec.traffic)?).await?))
        };
        if let Some(proxy) = &proxy {
            capabilities.router = Some(proxy.units());
            capabilities.abilities.extend(proxy.abilities());
            planned(&capabilities)?;
        }
        let pinned = docker.pin(&spec.workload, &spec.template).await?;
        let revision = spec.revision.clone().unwrap_or_else(|| digest_id(&pinned));
        let place = Place::beside(&args.source.file, &spec.workload, args.journal.clone());
        Ok(Self { place, spec, revision, docker, proxy, beside })
    }

    /// Opens the journal and the control socket, and begins the reign.
    pub(super) async fn start(self, args: &RunArgs) -> Result<Running, CliError> {
        let Self { place, spec, revision, docker, proxy, beside } = self;
        place.make_folder()?;
        let journal = open(&place).await?;
        let mut ports = Ports::new(docker, Arc::new(journal));
        if let Some(proxy) = proxy {
            ports = ports.with_enrolment(Arc::clone(&proxy) as _).with_router(proxy);
        }
        let ports = beside.add_to(ports, &place)?;
        let runtime = Arc::new(Runtime::new());
        // Before the claim: where no socket can be, nothing is touched.
        let server = Server::bind(place.socket(), Arc::clone(&runtime)).await?;
        let options = Options { take_over: args.take_over, ..Options::default() };
        let handle = runtime.start(&spec.workload, ports, options).await?;
        Ok(Running { handle, spec, revision, _runtime: runtime, _server: server })
    }
}

/// Opens the journal. A `status` or a `replay` holds it for a moment, which is waited for; an engine that
/// holds it is not.
async fn open(place: &Place) -> Result<RedbJournal, CliError> {
    for _ in 1..OPENS_MAX {
        match RedbJournal::open(&place.journal).await {
            Err(JournalError::InUse { .. }) => (),
            opened => return Ok(opened?),
        }
        if Client::connect(place.socket(), None).await.is_ok() {
            break;
        }
        tokio::time::sleep(OPEN_AGAIN).await;
    }
    Ok(RedbJournal::open(&place.journal).await?)
}
