//! What every test starts from: a namespace with a Deployment and all that commonly stands around one.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Namespace, Pod, Service},
    discovery::v1::EndpointSlice,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use rollout_k8s::{
    adopt::{AdoptError, Handing, Handover, Way},
    backend::EnrolBy,
    client,
};
use serde_json::{Value, json};

use crate::load::ask;

/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(90);
/// Pods of the Deployment.
pub(crate) const REPLICAS: usize = 4;

/// A namespace that goes with the test.
pub(crate) struct Shop {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// The `NodePort` of its Service, once it is open.
    pub(crate) port: u16,
}

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

impl Shop {
    /// An empty one; `None` if there is no cluster.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let kubeconfig = Some(kubeconfig()?);
        let options = client::Options { kubeconfig, ..client::Options::default() };
        let (client, _) = client::connect(&options).await.unwrap();
        let name = format!("adopt-{name}-{}", std::process::id());
        let api: Api<Namespace> = Api::all(client.clone());
        let body = json!({ "metadata": { "name": name } });
        api.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
        Some(Self { client, name, port: 0 })
    }

    /// One with a settled Deployment `web` behind a `NodePort`.
    pub(crate) async fn open(name: &str) -> Option<Self> {
        let mut shop = Self::new(name).await?;
        shop.stock().await;
        shop.settled().await;
        shop.answers().await;
        Some(shop)
    }

    /// Waits until its Service answers.
    pub(crate) async fn answers(&mut self) {
        let service = self.api::<Service>().get("web").await.unwrap();
        let port = service.spec.unwrap().ports.unwrap()[0].node_port.unwrap();
        self.port = u16::try_from(port).unwrap();
        // kube-proxy writes its rules later than pods are ready, and tells nobody.
        self.until("an answer", async || ask(100, 2, self.port).await.is_ok()).await;
    }

    async fn stock(&self) {
        self.create::<Deployment>(deployment(&json!({ "app": "web" }))).await;
        self.surroundings().await;
    }

    /// What commonly stands around pods.
    pub(crate) async fn surroundings(&self) {
        let labels = json!({ "app": "web" });
        self.create::<Service>(json!({
            "metadata": { "name": "web" },
            "spec": {
                "type": "NodePort",
                "selector": labels,
                "ports": [{ "port": 80, "targetPort": 8080 }],
            },
        }))
        .await;
        self.create::<PodDisruptionBudget>(json!({
            "metadata": { "name": "web" },
            "spec": { "minAvailable": 3, "selector": { "matchLabels": labels } },
        }))
        .await;
        self.create::<k8s_openapi::api::networking::v1::NetworkPolicy>(json!({
            "metadata": { "name": "web" },
            "spec": { "podSelector": { "matchLabels": labels }, "ingress": [{}] },
        }))
        .await;
        self.create::<k8s_openapi::api::core::v1::ConfigMap>(json!({
            "metadata": { "name": "web" },
            "data": { "greeting": "hello" },
        }))
        .await;
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    pub(crate) async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + serde::Serialize,
    {
        let object = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap();
    }

    pub(crate) async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let params = PatchParams::default();
        self.api::<K>().patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    /// Waits until a Deployment is there whose every pod is available.
    pub(crate) async fn settled(&self) {
        self.until("a settled Deployment", async || {
            let deployment = self.api::<Deployment>().get_opt("web").await.unwrap();
            let status = deployment.and_then(|it| it.status).unwrap_or_default();
            status.available_replicas == i32::try_from(REPLICAS).ok()
                && status.updated_replicas == status.replicas
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < WAIT_MAX, "{what}: not within {WAIT_MAX:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) fn handover(&self, way: Way) -> Handover {
        Handover::new(self.client.clone(), self.name.clone(), "web".to_owned(), way)
    }

    pub(crate) async fn adopt(&self) -> Result<Handing, AdoptError> {
        self.handover(Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label })
            .run(|_| ())
            .await
    }

    pub(crate) async fn hand_back(&self) -> Result<Handing, AdoptError> {
        self.handover(Way::HandBack).run(|_| ()).await
    }

    /// Uid and restarts of every pod, by name.
    pub(crate) async fn pods(&self) -> BTreeMap<String, (String, i32)> {
        let pods = self.api::<Pod>().list(&ListParams::default()).await.unwrap();
        let one = |pod: Pod| {
            let restarts = pod.status.and_then(|status| status.container_statuses);
            let restarts = restarts.unwrap_or_default().iter().map(|it| it.restart_count).sum();
            (pod.metadata.name.unwrap(), (pod.metadata.uid.unwrap(), restarts))
        };
        pods.items.into_iter().map(one).collect()
    }

    /// Names of the pods that get requests of the Service.
    pub(crate) async fn endpoints(&self) -> BTreeSet<String> {
        let params = ListParams::default().labels("kubernetes.io/service-name=web");
        let listed = self.api::<EndpointSlice>().list(&params).await.unwrap().items;
        let ready = listed.into_iter().flat_map(|slice| slice.endpoints).filter(|endpoint| {
            endpoint.conditions.as_ref().is_some_and(|is| is.ready == Some(true))
        });
        ready.filter_map(|endpoint| endpoint.target_ref?.name).collect()
    }

    /// Everything that an adoption may touch, without what moves by itself.
    pub(crate) async fn picture(&self) -> Value {
        let mut picture = json!({});
        let sets = self.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap();
        for set in sets.items {
            let name = set.metadata.name.clone().unwrap();
            picture["sets"][name] =
                json!([set.metadata.labels, set.metadata.owner_references, set.spec]);
        }
        let services = self.api::<Service>().list(&ListParams::default()).await.unwrap();
        for service in services.items {
            let spec = service.spec.unwrap();
            picture["services"][service.metadata.name.unwrap()] = json!(spec.selector);
        }
        let deployment = self.api::<Deployment>().get_opt("web").await.unwrap();
        picture["deployment"] = json!(deployment.map(|it| (it.metadata.uid, it.spec)));
        let pods = self.api::<Pod>().list(&ListParams::default()).await.unwrap();
        for pod in pods.items {
            picture["pods"][pod.metadata.name.unwrap()] = json!(pod.metadata.labels);
        }
        picture
    }

    pub(crate) async fn end(self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

/// A Deployment whose pods have labels that nothing selects on as well.
pub(crate) fn deployment(labels: &Value) -> Value {
    let mut pod_labels = labels.clone();
    pod_labels["tier"] = json!("front");
    json!({
        "metadata": { "name": "web", "labels": { "team": "shop" } },
        "spec": {
            "replicas": REPLICAS,
            "minReadySeconds": 1,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": pod_labels },
                "spec": {
                    "terminationGracePeriodSeconds": 2,
                    "containers": [{
                        "name": "web",
                        "image": "rollout.test/web:v1",
                        "imagePullPolicy": "Never",
                        "readinessProbe": { "httpGet": { "path": "/health", "port": 8080 }, "periodSeconds": 1 },
                        "envFrom": [{ "configMapRef": { "name": "web" } }],
                    }],
                },
            },
        },
    })
}
