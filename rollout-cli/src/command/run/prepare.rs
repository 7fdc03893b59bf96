//! What a run needs, looked at before anything is touched: the spec, what it runs on, the template; then the
//! journal, the control socket and the claim.

use std::{sync::Arc, time::Duration};

use rollout_core::{
    id::RevisionId,
    plan,
    port::{Capabilities, JournalError},
    spec::CheckedSpec,
};
use rollout_runtime::{
    Handle, Options, Runtime,
    control::{Client, Server},
    digest_id,
    journal::RedbJournal,
};

use super::site::Site;
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
    site: Site,
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
            RunBackend::Kubernetes => capabilities(&spec, BackendName::Kubernetes)?,
        };
        capabilities.abilities = beside.abilities().collect();
        planned(&capabilities)?;
        let site = Site::reach(args, &spec).await?;
        capabilities.making = site.backend.making();
        capabilities.counting = site.backend.counting();
        capabilities.enrolment = site.enrolment.as_ref().map(|port| port.confirmation());
        capabilities.router = site.router.as_ref().map(|port| port.units());
        if let Some(router) = &site.router {
            capabilities.abilities.extend(router.abilities());
        }
        planned(&capabilities)?;
        let pinned = site.backend.pin(&spec.workload, &spec.template).await?;
        let revision = spec.revision.clone().unwrap_or_else(|| digest_id(&pinned));
        let (file, namespace) = (&args.source.file, site.namespace.as_deref());
        let place = Place::beside(file, namespace, &spec.workload, args.journal.clone());
        Ok(Self { place, spec, revision, site, beside })
    }

    /// Opens the journal and the control socket, and begins the reign.
    pub(super) async fn start(self, args: &RunArgs) -> Result<Running, CliError> {
        let Self { place, spec, revision, site, beside } = self;
        place.make_folder()?;
        let journal = open(&place).await?;
        let options = Options { take_over: args.take_over, ..site.driver };
        let ports = site.ports(Arc::new(journal));
        let ports = beside.add_to(ports, &place)?;
        let runtime = Arc::new(Runtime::new());
        // Before the claim: where no socket can be, nothing is touched.
        let server = Server::bind(place.socket(), Arc::clone(&runtime)).await?;
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
