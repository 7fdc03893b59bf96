//! What every live test starts from: a cluster, a namespace of its own, and tidying up.

use std::{
    env,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use rollout_core::{
    engine::{
        Action, Division, Effect, EnrolState, Enrolments, Inventory, Outcome, Reach, Revision,
    },
    id::{ActionId, Attempt, Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{Backend, Claim, Enrolment},
};
use rollout_k8s::{
    backend::{Controller, EnrolBy, KubernetesBackend, Options, Scope, Watches},
    client,
};
use serde_json::{Value, json};

/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Port that every pod answers on.
pub(crate) const PORT: u16 = 8080;

/// The cluster to test against; `None` after saying so.
pub(crate) fn kubeconfig() -> Option<PathBuf> {
    let found = env::var("ROLLOUT_TEST_KUBECONFIG").ok().filter(|path| !path.is_empty());
    if found.is_none() {
        println!("not run: no cluster (set ROLLOUT_TEST_KUBECONFIG=/path)");
        assert_ne!(
            env::var("ROLLOUT_REQUIRE_LIVE").as_deref(),
            Ok("1"),
            "ROLLOUT_REQUIRE_LIVE=1, but ROLLOUT_TEST_KUBECONFIG is not set"
        );
    }
    found.map(PathBuf::from)
}

/// A client of the cluster; `None` if there is none.
pub(crate) async fn connect() -> Option<Client> {
    let options = client::Options { kubeconfig: Some(kubeconfig()?), ..client::Options::default() };
    Some(client::connect(&options).await.unwrap().0)
}

/// A namespace that goes with the test.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Place {
    /// `None` if there is no cluster.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let client = connect().await?;
        let name = format!("t-{name}-{}", std::process::id());
        let api: Api<Namespace> = Api::all(client.clone());
        let body = json!({ "metadata": { "name": name } });
        api.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
        Some(Self { client, name })
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    pub(crate) async fn end(self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

/// A pod template of the server under test, in pods that are only played: they get ready, and answer nobody.
pub(crate) fn played(version: &str) -> Value {
    let mut template = real(version);
    template["spec"]["nodeSelector"] = json!({ "type": "kwok" });
    template["spec"]["tolerations"] =
        json!([{ "key": "kwok.x-k8s.io/node", "operator": "Exists" }]);
    template
}

/// A pod template of the server under test.
pub(crate) fn real(version: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            "terminationGracePeriodSeconds": 2,
            "containers": [{
                "name": "web",
                "image": format!("rollout.test/web:{version}"),
                "imagePullPolicy": "Never",
                "readinessProbe": { "httpGet": { "path": "/health", "port": PORT }, "periodSeconds": 1 },
            }],
        },
    })
}

pub(crate) fn claim(owner: &str, epoch: u64, take_over: bool) -> Claim {
    Claim { owner: owner.to_owned(), epoch: Epoch(epoch), take_over }
}

/// A workload of its own on a real cluster.
pub(crate) struct Bed {
    pub(crate) place: Place,
    pub(crate) backend: KubernetesBackend,
    pub(crate) workload: WorkloadId,
    pub(crate) epoch: Epoch,
    actions: AtomicU64,
}

impl Bed {
    /// Makes a namespace and claims a workload; `None` if there is no cluster.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        Self::of(Controller::ReplicaSet, name).await
    }

    /// The same with pods that `controller` makes.
    pub(crate) async fn of(controller: Controller, name: &str) -> Option<Self> {
        let place = Place::new(name).await?;
        let workload = WorkloadId::new("web").unwrap();
        let backend = backend(&place).with_controller(controller);
        let epoch = backend.claim(&workload, &claim("one", 1, false)).await.unwrap();
        Some(Self { place, backend, workload, epoch, actions: AtomicU64::new(0) })
    }

    /// A revision, pinned.
    pub(crate) async fn revision(&self, id: &str, template: &Value) -> Arc<Revision> {
        let template = self.backend.pin(&self.workload, template).await.unwrap();
        Arc::new(Revision { id: RevisionId::new(id).unwrap(), template })
    }

    pub(crate) fn action(&self, effect: Effect, revision: Option<&Arc<Revision>>) -> Action {
        Action {
            id: ActionId(self.actions.fetch_add(1, Ordering::Relaxed) + 1),
            epoch: self.epoch,
            attempt: Attempt(1),
            workload: self.workload.clone(),
            revision: revision.cloned(),
            effect,
        }
    }

    pub(crate) async fn scale(&self, revision: &Arc<Revision>, replicas: u64) -> Outcome {
        let effect = Effect::Scale { revision: revision.id.clone(), replicas };
        Backend::apply(&self.backend, &self.action(effect, Some(revision))).await
    }

    pub(crate) async fn drain(&self, instance: &InstanceId) -> Outcome {
        let action = self.action(Effect::Drain { instance: instance.clone() }, None);
        Enrolment::apply(&self.backend, &action).await
    }

    pub(crate) async fn divide(&self, revision: &Arc<Revision>, reach: Reach) -> Outcome {
        let effect = Effect::Divide(Division { revision: revision.id.clone(), reach });
        Backend::apply(&self.backend, &self.action(effect, Some(revision))).await
    }

    pub(crate) async fn remove(&self, instance: &InstanceId) -> Outcome {
        let action = self.action(Effect::Remove { instance: instance.clone() }, None);
        Backend::apply(&self.backend, &action).await
    }

    pub(crate) async fn inventory(&self) -> Inventory {
        Backend::observe(&self.backend, &self.workload).await.unwrap()
    }

    pub(crate) async fn enrolments(&self) -> Enrolments {
        Enrolment::observe(&self.backend, &self.workload).await.unwrap()
    }

    /// Waits until an inventory is as `is_so` says.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Inventory) -> bool) -> Inventory {
        let begun = Instant::now();
        loop {
            let seen = self.inventory().await;
            if is_so(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < WAIT_MAX, "{what}: not within {WAIT_MAX:?}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a pool of `revision` has so many available pods, and no other.
    pub(crate) async fn until_available(&self, revision: &Arc<Revision>, count: u64) -> Inventory {
        self.until(&format!("{count} available"), |seen| {
            seen.pools.get(&revision.id).is_some_and(|pool| {
                (pool.available, pool.created, pool.terminating) == (count, count, 0)
            })
        })
        .await
    }

    /// Names of the pods that the cluster itself shows, by label selector.
    pub(crate) async fn pods(&self, selector: &str) -> Vec<String> {
        let listed = self.place.api::<Pod>().list(&ListParams::default().labels(selector)).await;
        let names = listed.unwrap().items.into_iter().filter_map(|pod| pod.metadata.name);
        names.collect()
    }

    pub(crate) async fn end(self) {
        self.place.end().await;
    }
}

/// A backend in the namespace of `place`.
pub(crate) fn backend(place: &Place) -> KubernetesBackend {
    backend_by(place, EnrolBy::Label)
}

/// The same that enrols pods by `enrol_by`.
pub(crate) fn backend_by(place: &Place, enrol_by: EnrolBy) -> KubernetesBackend {
    let watches = Watches::start(place.client.clone(), &Scope::Namespace(place.name.clone()));
    let options = Options { enrol_by, ..Options::default() };
    KubernetesBackend::new(&watches, place.name.as_str(), options)
}

/// The mark of an attempt that must be applied.
pub(crate) fn applied(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Applied { mark } => mark,
        other @ (Outcome::Refused { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
}

/// Instances that are in traffic.
pub(crate) fn serving(seen: &Enrolments) -> Vec<InstanceId> {
    let is_in = |name: &&InstanceId| seen.instances[*name].state == EnrolState::In;
    seen.instances.keys().filter(is_in).cloned().collect()
}
