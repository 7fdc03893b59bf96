//! Rig: a bed with a load balancer and one workload on it, and the engine that rolls it out.
//!
//! In: a [`Bed`], the server's [`Manners`]. Out: engines on one journal, submissions, what serves in the
//! end. Absent: promises; a [`Story`](crate::story::Story) says what must be so.

mod error;
mod measured;
mod spec;

use std::{fs, future::Future, path::PathBuf, sync::Arc, time::Duration};

use rollout_core::{
    engine::{End, Status},
    id::WorkloadId,
    spec::CheckedSpec,
};
use rollout_docker::{
    DockerBackend, HaProxy,
    compose::{Import, import},
    haproxy::Traffic,
};
use rollout_runtime::{Handle, Options, Ports, Runtime, journal::RedbJournal};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::spec::{FAILURES, PERIOD, TIMEOUT, rolling};
pub use self::{error::RigError, measured::Measured};
use crate::{
    bed::{Bed, Haproxy, Image, Manners, compose_file},
    load::{Load, LoadPlan, Report},
};

/// Replicas of every story.
pub const REPLICAS: usize = 4;
/// Longest story.
const DEADLINE: Duration = Duration::from_secs(120);
/// Requests that end before a story begins, so that every connection is open and has been used.
const BEFORE: u64 = 400;
/// On whose behalf orders are given.
pub(crate) const BY: &str = "live";

/// A bed with a load balancer, for one workload.
#[derive(Debug)]
pub struct Rig {
    // Dropped first: the bed's reaper removes the rest.
    haproxy: Haproxy,
    bed: Bed,
    manners: Manners,
    workload: WorkloadId,
}

/// One life of an engine.
pub struct Life {
    handle: Handle,
    /// Dropping it is a crash.
    _runtime: Runtime,
}

/// What serves, as Docker and HAProxy say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Running containers by version; `None` counts those of a foreign image.
    pub versions: Vec<(Option<&'static str>, usize)>,
    /// Containers of any kind, stopped ones included.
    pub containers: usize,
    /// Servers that HAProxy knows.
    pub servers: usize,
}

impl Serving {
    /// The replicas of `image` and nothing else of any kind.
    #[must_use]
    pub fn exactly(image: Image) -> Self {
        Self {
            versions: vec![(Some(image.version()), REPLICAS)],
            containers: REPLICAS,
            servers: REPLICAS,
        }
    }
}

impl Rig {
    /// Starts a load balancer on `bed`; servers of every story end with `manners`.
    ///
    /// # Errors
    ///
    /// [`RigError::Bed`] if HAProxy does not start.
    pub fn new(bed: Bed, manners: Manners) -> Result<Self, RigError> {
        let haproxy = bed.haproxy()?;
        // The name of the bed: its reaper finds by it what carries the name of the workload.
        let workload = WorkloadId::new(bed.network())?;
        Ok(Self { haproxy, bed, manners, workload })
    }

    /// The bed.
    #[must_use]
    pub fn bed(&self) -> &Bed {
        &self.bed
    }

    /// The load balancer.
    #[must_use]
    pub fn haproxy(&self) -> &Haproxy {
        &self.haproxy
    }

    /// How servers end.
    #[must_use]
    pub fn manners(&self) -> Manners {
        self.manners
    }

    /// Path of the journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.bed.dir().join("journal.redb")
    }

    /// Starts an engine on the journal of the rig.
    ///
    /// # Errors
    ///
    /// [`RigError`] of whatever does not answer.
    pub async fn engine(&self) -> Result<Life, RigError> {
        let host = self.bed.docker_host().to_owned();
        let options = rollout_docker::Options { host, ..rollout_docker::Options::default() };
        let backend = DockerBackend::connect(options).await?;
        let proxy = Arc::new(HaProxy::connect(Traffic::read(&self.traffic())?).await?);
        let journal = RedbJournal::open(self.journal()).await?;
        let ports = Ports::new(Arc::new(backend), Arc::new(journal))
            .with_enrolment(Arc::<HaProxy>::clone(&proxy))
            .with_router(proxy);
        let runtime = Runtime::new();
        let handle = runtime.start(&self.workload, ports, Options::default()).await?;
        Ok(Life::new(handle, runtime))
    }

    /// Submits a spec written for a story.
    ///
    /// # Errors
    ///
    /// [`RigError::Submit`] if the engine does not take it.
    pub async fn submit(
        &self,
        life: &Life,
        image: Image,
        strategy: &Value,
    ) -> Result<(), RigError> {
        life.submit(self.spec(image, strategy)?).await
    }

    /// Submits the service of a Compose file of `examples/docker`.
    ///
    /// # Errors
    ///
    /// [`RigError::Compose`] if the file cannot be imported, [`RigError::Submit`] if the engine does not
    /// take it.
    pub async fn submit_compose(&self, life: &Life, image: Image) -> Result<(), RigError> {
        let path = compose_file(image);
        let text = fs::read_to_string(&path).map_err(|why| RigError::Example { path, why })?;
        let variables = self.bed.variables(&self.haproxy, self.manners);
        let environment = |name: &str| variables.get(name).cloned();
        let read = Import { service: None, project: None, environment: &environment };
        let mut spec = import(&text, &read)?.spec;
        // Every bed has a workload of its own, so that beds may share an engine.
        spec.workload = self.workload.clone();
        life.submit(CheckedSpec::new(spec)?).await
    }

    /// What serves now.
    ///
    /// # Errors
    ///
    /// [`RigError`] if Docker or HAProxy do not answer.
    pub fn serving(&self) -> Result<Serving, RigError> {
        let servers = self.haproxy.order("show servers conn web")?;
        Ok(Serving {
            versions: self.bed.versions()?.into_iter().collect(),
            containers: self.bed.containers()?.len(),
            servers: servers.lines().filter(|line| line.starts_with("web/")).count(),
        })
    }

    /// Does `work` under the load of 10,000 requests. Returns what came of it, how long it took, and what
    /// became of the requests.
    ///
    /// # Errors
    ///
    /// That of `work`; [`RigError::Noisy`] if requests fail before it begins; [`RigError::Late`] if the load
    /// is over before the work is.
    pub async fn under_load<T>(
        &self,
        work: impl Future<Output = Result<T, RigError>>,
    ) -> Result<(T, Duration, Report), RigError> {
        let plan = LoadPlan::default();
        let load = Load::start(self.haproxy.addr(), plan)?;
        load.reached(BEFORE).await;
        if 0 < load.failed() {
            return Err(RigError::Noisy { failed: load.failed() });
        }
        let begun = Instant::now();
        let result = work.await?;
        let took = begun.elapsed();
        let is_over = plan.requests.is_some_and(|all| all <= load.ended());
        let report = load.finish().await;
        if is_over {
            let (what, seen) = ("end of the story under load", report.to_string());
            return Err(RigError::Late { what, deadline: report.took, seen });
        }
        Ok((result, took, report))
    }
}

impl Life {
    /// An engine that `runtime` drives.
    pub(crate) const fn new(handle: Handle, runtime: Runtime) -> Self {
        Self { handle, _runtime: runtime }
    }

    /// Commands the engine.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits for the end of a rollout.
    ///
    /// # Errors
    ///
    /// [`RigError::Late`] after two minutes, [`RigError::Stopped`] if the engine does not live on.
    pub async fn end(&self) -> Result<End, RigError> {
        match timeout(DEADLINE, self.handle.wait_ended()).await {
            Ok(end) => Ok(end?),
            Err(_) => Err(self.late("end of the rollout").await?),
        }
    }

    /// Waits until `reached` is so.
    ///
    /// # Errors
    ///
    /// As [`Life::end`].
    pub async fn until(
        &self,
        what: &'static str,
        reached: impl Fn(&Status) -> bool,
    ) -> Result<(), RigError> {
        let begun = Instant::now();
        while !reached(&self.handle.status().await?) {
            if DEADLINE < begun.elapsed() {
                return Err(self.late(what).await?);
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) async fn submit(&self, spec: CheckedSpec) -> Result<(), RigError> {
        self.handle.submit(spec, BY).await?;
        Ok(())
    }

    async fn late(&self, what: &'static str) -> Result<RigError, RigError> {
        let status = self.handle.status().await?;
        Ok(RigError::Late { what, deadline: DEADLINE, seen: format!("{status:#?}") })
    }
}
