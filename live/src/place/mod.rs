//! Place: a namespace with a Service, one workload behind it, and the engine that rolls it out on Kubernetes.
//!
//! In: a cluster, a name, the servers' manners. Out: engines on one journal, submissions, a load on the Service's
//! port, what stands in the end. Absent: promises; the suites say what must be so.

mod engine;
mod error;
mod objects;
mod spec;
mod standing;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rollout_k8s::{backend::Controller, labels};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub use self::{engine::Kept, error::PlaceError, standing::Standing};
use crate::{
    bed::{Image, Manners},
    cluster::Cluster,
    load::{Load, LoadPlan, Report},
    rig::Life,
};

/// Pods of every workload of real containers.
pub const REPLICAS: u64 = 4;
/// Name of the workload and of its Service.
pub const WORKLOAD: &str = "web";
/// Name of the Service that follows a candidate.
const CANDIDATE: &str = "web-candidate";
/// Kinds of the operator.
const KINDS: [&str; 2] = ["rollouts.rollout-engine.dev", "rolloutjournals.rollout-engine.dev"];
/// How often it is asked whether they are known.
const DEFINED_ASKED: u32 = 20;
const DEFINED_ASK_EVERY: Duration = Duration::from_millis(250);
/// Longest wait for pods to come or to be gone.
const SETTLE_DEADLINE: Duration = Duration::from_secs(60);
/// Requests that end before a story begins.
const BEFORE: u64 = 100;
/// How long the load goes on after a story.
const AFTER: Duration = Duration::from_secs(1);

/// How requests come to the pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// A Service of all pods, by replicas.
    #[default]
    Service,
    /// A Service of all pods of one object, which replaces them in place.
    InPlace(Controller),
    /// A Service that is switched from one revision to the other.
    Switch,
    /// An `HTTPRoute` by weight, through Envoy.
    Gateway,
    /// A Service of all pods that asks for no label of ours: pods have a readiness gate.
    Gate,
}

/// A namespace with a Service. Dropping it removes all that is in it.
#[derive(Debug)]
pub struct Place {
    cluster: Cluster,
    namespace: String,
    manners: Manners,
    way: Way,
    port: u16,
    dir: PathBuf,
}

impl Place {
    /// Labels that the Service asks for.
    pub const SELECTOR: [(&str, &str); 2] =
        [(labels::WORKLOAD, WORKLOAD), (labels::SERVING, labels::SERVING_VALUE)];

    /// Makes the namespace `name` and the Service.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] if no cluster runs or it refuses.
    pub fn new(name: &str, manners: Manners) -> Result<Self, PlaceError> {
        Self::by(Way::Service, name, manners)
    }

    /// The same with another way to the pods.
    ///
    /// # Errors
    ///
    /// As [`Place::new`].
    pub fn by(way: Way, name: &str, manners: Manners) -> Result<Self, PlaceError> {
        static PLACES: AtomicU64 = AtomicU64::new(0);
        let cluster = Cluster::get()?;
        let nth = PLACES.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("live-{name}-{}-{nth}", std::process::id());
        let dir = std::env::temp_dir().join(&namespace);
        std::fs::create_dir_all(&dir)
            .map_err(|why| PlaceError::Folder { path: dir.clone(), why })?;
        cluster.kubectl(["create", "namespace", &namespace])?;
        let mut place = Self { cluster, namespace, manners, way, port: 0, dir };
        place.apply(place.service(WORKLOAD))?;
        if way == Way::Gateway {
            place.apply(place.service(CANDIDATE))?;
            place.apply(Self::http_route())?;
        }
        let format = "jsonpath={.spec.ports[0].nodePort}";
        let port = place.kubectl(["get", "service", WORKLOAD, "-o", format])?;
        place.port = port.parse().map_err(|_| PlaceError::NoPort { seen: port })?;
        Ok(place)
    }

    /// The cluster.
    pub const fn cluster(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// Name of the namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A folder that is removed with the place.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Path of the journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal.redb")
    }

    /// Where requests are taken.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self.way {
            Way::Service | Way::Switch | Way::Gate | Way::InPlace(_) => {
                (Ipv4Addr::LOCALHOST, self.port).into()
            }
            Way::Gateway => self.cluster.gateway_addr(),
        }
    }

    /// Runs `kubectl` in the namespace and returns what it printed, trimmed.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] with what it complained of.
    pub fn kubectl<'a>(
        &'a self,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Result<String, PlaceError> {
        let args = ["--namespace", &self.namespace].into_iter().chain(args);
        Ok(self.cluster.kubectl(args)?)
    }

    /// Applies an object in the namespace.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] with what the API server refused.
    pub fn apply(&self, mut object: Value) -> Result<(), PlaceError> {
        object["metadata"]["namespace"] = json!(self.namespace);
        Ok(self.cluster.apply(&object.to_string())?)
    }

    /// Makes the kinds of the operator known to the cluster, and waits until they are.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] with what the API server refused, or that they are not known in time.
    pub async fn define(&self) -> Result<(), PlaceError> {
        let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crds");
        self.kubectl(["apply", "--server-side", "--force-conflicts", "-k", crds])?;
        let wait = ["wait", "--for=condition=Established", "--timeout=30s", "crd"];
        let established = || self.kubectl(wait.into_iter().chain(KINDS));
        // A definition that has no condition yet is an error to `kubectl wait`.
        for _ in 0..DEFINED_ASKED {
            if established().is_ok() {
                return Ok(());
            }
            sleep(DEFINED_ASK_EVERY).await;
        }
        established().map(drop)
    }

    /// What makes the pods.
    pub(crate) const fn controller(&self) -> Controller {
        match self.way {
            Way::InPlace(controller) => controller,
            Way::Service | Way::Switch | Way::Gate | Way::Gateway => Controller::ReplicaSet,
        }
    }

    /// What is to stand once `image` serves and nothing else.
    #[must_use]
    pub fn wanted(&self, image: Image) -> Standing {
        match self.controller() {
            Controller::ReplicaSet => Standing::exactly(image),
            Controller::StatefulSet | Controller::DaemonSet => Standing::in_place(image),
        }
    }

    /// Submits `image` with this strategy.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Life`] if the engine does not take it.
    pub async fn submit(
        &self,
        life: &Life,
        image: Image,
        strategy: &Value,
    ) -> Result<(), PlaceError> {
        self.submit_spec(life, &self.spec(image, strategy)).await
    }

    /// Submits a spec of one's own.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Parse`] or [`PlaceError::Check`] if it is none, [`PlaceError::Life`] if the engine does not
    /// take it.
    pub async fn submit_spec(&self, life: &Life, spec: &Value) -> Result<(), PlaceError> {
        Ok(life.submit(spec::checked(spec)?).await?)
    }

    /// Rolls out the first version, and waits until requests are answered.
    ///
    /// # Errors
    ///
    /// [`PlaceError::NotDeployed`] if it does not come up.
    pub async fn deploy(&self, life: &Life) -> Result<(), PlaceError> {
        self.submit(life, Image::V1, &self.rolling()).await?;
        let end = life.end().await?;
        if end != rollout_core::engine::End::Completed {
            return Err(PlaceError::NotDeployed { end });
        }
        self.answers().await
    }

    /// Waits until the Service answers: kube-proxy tells nobody when it has written its rules.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Late`].
    pub async fn answers(&self) -> Result<(), PlaceError> {
        let begun = Instant::now();
        let plan = LoadPlan { requests: Some(20), ..LoadPlan::strangers() };
        let plan = LoadPlan { deadline: Duration::from_secs(1), ..plan };
        loop {
            let report = crate::load::run(self.addr(), plan).await?;
            if report.all.failed == 0 {
                return Ok(());
            }
            if SETTLE_DEADLINE < begun.elapsed() {
                return Err(PlaceError::late("an answer of every pod", report.to_string()));
            }
        }
    }

    /// Does `work` under 400 requests per second, each over a new connection. Returns what came of it, how long
    /// it took, and what became of the requests.
    ///
    /// # Errors
    ///
    /// That of `work`; [`PlaceError::Noisy`] if requests fail before it begins.
    pub async fn under_load<T>(
        &self,
        work: impl Future<Output = Result<T, PlaceError>>,
    ) -> Result<(T, Duration, Report), PlaceError> {
        let load = Load::start(self.addr(), LoadPlan::strangers())?;
        load.reached(BEFORE).await;
        if 0 < load.failed() {
            return Err(PlaceError::Noisy { failed: load.failed() });
        }
        let begun = Instant::now();
        let result = work.await?;
        let took = begun.elapsed();
        sleep(AFTER).await;
        Ok((result, took, load.stop_and_finish().await))
    }

    /// What stands now.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] if the API server does not answer.
    pub fn standing(&self) -> Result<Standing, PlaceError> {
        let pods = self.kubectl(["get", "pods", "-o", "json"])?;
        let sets = self.kubectl(["get", "replicasets", "-o", "json"])?;
        Ok(Standing::read(&pods, &sets))
    }

    /// Waits until what stands is as it should be; returns what stands then or in the end.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Cluster`] if the API server does not answer.
    pub async fn settled(&self, wanted: &Standing) -> Result<Standing, PlaceError> {
        let begun = Instant::now();
        loop {
            let seen = self.standing()?;
            if seen == *wanted || SETTLE_DEADLINE < begun.elapsed() {
                return Ok(seen);
            }
            sleep(Duration::from_millis(300)).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.way == Way::Gateway {
            // The Gateway takes one route for a host: the next place must not find this one's.
            self.kubectl(["delete", "httproute", WORKLOAD, "--ignore-not-found"]).ok();
        }
        // What is left of a namespace goes with the cluster, and a folder of the system's with the system.
        self.cluster.kubectl(["delete", "namespace", &self.namespace, "--wait=false"]).ok();
        std::fs::remove_dir_all(&self.dir).ok();
    }
}
