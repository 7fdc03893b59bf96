//! What every live test starts from: the kinds, a namespace, and copies of the operator that run under exactly
//! the identity that `deploy/` gives them.

use std::{
    env, fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::ReplicaSet,
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Namespace, Pod, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use rollout_core::time::Span;
use rollout_k8s::{
    backend::{Options, Scope, Watches},
    crd::{ConditionStatus, ConditionType, Rollout, RolloutStatus},
    operator::{ClusterPorts, Operator, OperatorOptions, in_cluster},
};
use rollout_runtime::SystemClock;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// A namespace, and the operator's account in it.
pub(crate) struct Bed {
    pub(crate) client: Client,
    pub(crate) name: String,
    config: Config,
}

/// A copy of the operator.
pub(crate) struct Copy {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Bed {
    /// `None` after saying that there is no cluster.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let Some(path) = env::var("ROLLOUT_TEST_KUBECONFIG").ok().filter(|path| !path.is_empty())
        else {
            println!("not run: no cluster (set ROLLOUT_TEST_KUBECONFIG=/path)");
            let required = env::var("ROLLOUT_REQUIRE_LIVE").as_deref() == Ok("1");
            assert!(!required, "ROLLOUT_REQUIRE_LIVE=1, but ROLLOUT_TEST_KUBECONFIG is not set");
            return None;
        };
        let read = Kubeconfig::read_from(PathBuf::from(path)).unwrap();
        let mut config =
            Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        let client = Client::try_from(config.clone()).unwrap();
        let name = format!("op-{name}-{}", std::process::id());
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let body = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        namespaces.create(&PostParams::default(), &body).await.unwrap();
        let bed = Self { client, name, config };
        for file in [
            "crds/rollouts.yaml",
            "crds/rolloutjournals.yaml",
            "operator/account.yaml",
            "operator/roles.yaml",
        ] {
            bed.apply_file(file).await;
        }
        bed.config_of_account().await;
        Some(bed)
    }

    /// Applies a manifest of `deploy/`, its names made this test's own.
    async fn apply_file(&self, name: &str) {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "deploy", name].iter().collect();
        let text = fs::read_to_string(&path).unwrap();
        for document in text.split("\n---\n") {
            let mut object: Value = serde_saphyr::from_str(document).unwrap();
            let kind = object["kind"].as_str().unwrap().to_owned();
            if kind == "ClusterRole" || kind == "ClusterRoleBinding" {
                object["metadata"]["name"] = self.name.as_str().into();
            }
            if kind == "ClusterRoleBinding" {
                object["roleRef"]["name"] = self.name.as_str().into();
            }
            if object["subjects"].is_array() {
                object["subjects"][0]["namespace"] = self.name.as_str().into();
            }
            let is_of_namespace =
                ["ServiceAccount", "Role", "RoleBinding"].contains(&kind.as_str());
            self.apply(&object, &kind, is_of_namespace).await;
        }
    }

    async fn apply(&self, object: &Value, kind: &str, is_of_namespace: bool) {
        let api_version = object["apiVersion"].as_str().unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        let api: Api<DynamicObject> = if is_of_namespace {
            Api::namespaced_with(self.client.clone(), &self.name, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        };
        let name = object["metadata"]["name"].as_str().unwrap();
        let params = PatchParams::apply("rollout-test").force();
        api.patch(name, &params, &Patch::Apply(object)).await.unwrap();
    }

    /// The operator's own way to the cluster: its account's token, and nothing of the test's.
    async fn config_of_account(&self) -> Config {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.name);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(3600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let params = PostParams::default();
        let made = accounts.create_token_request("rollout-operator", &params, &request).await;
        let token = made.unwrap().status.unwrap().token;
        let auth_info = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
        let mut config = self.config.clone();
        config.auth_info = auth_info;
        config
    }

    /// Starts a copy named `me`.
    pub(crate) async fn operator(&self, me: &str) -> Copy {
        let client = Client::try_from(self.config_of_account().await).unwrap();
        let mut options = OperatorOptions::new(self.name.clone(), me.to_owned());
        options.namespace = Some(self.name.clone());
        options.leases.length = Duration::from_secs(3);
        options.leases.every = Duration::from_millis(700);
        options.park_after = Duration::from_secs(3);
        let watches = Watches::start(client.clone(), &Scope::Namespace(self.name.clone()));
        let cluster = Options { confirmation: Span::from_millis(500), ..Options::default() };
        let ports = ClusterPorts::new(client.clone(), watches, cluster, in_cluster(client.clone()));
        let clock = Arc::new(SystemClock::new());
        let operator = Operator::new(client, options, Arc::new(ports), clock);
        let (stop, stopped) = oneshot::channel::<()>();
        let run = async move {
            operator.run(async move { drop(stopped.await) }).await.unwrap();
        };
        Copy { task: tokio::spawn(run), stop: Some(stop) }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Creates or changes an object as a person does.
    pub(crate) async fn want(&self, name: &str, spec: &Value) {
        let object = serde_json::to_value(Rollout::new(&self.name, name, spec)).unwrap();
        let params = PatchParams::apply("a-person").force();
        self.api::<Rollout>().patch(name, &params, &Patch::Apply(object)).await.unwrap();
    }

    pub(crate) async fn merge(&self, name: &str, patch: &Value) {
        let params = PatchParams::default();
        self.api::<Rollout>().patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    pub(crate) async fn order(&self, name: &str, order: &Value) {
        let patch =
            json!({"metadata": {"annotations": {"rollout-engine.dev/order": order.to_string()}}});
        self.merge(name, &patch).await;
    }

    /// Waits until the status of the spec as it is now says `what`, as `is` tells.
    pub(crate) async fn until(
        &self,
        name: &str,
        what: &str,
        is: impl Fn(&RolloutStatus) -> bool,
    ) -> RolloutStatus {
        let began = Instant::now();
        loop {
            let rollout = self.api::<Rollout>().get(name).await.unwrap();
            let status = rollout.status.clone().unwrap_or_default();
            if status.observed_generation == rollout.generation() && is(&status) {
                return status;
            }
            assert!(began.elapsed() < WAIT_MAX, "{what} did not come about: {status:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn until_complete(&self, name: &str) -> RolloutStatus {
        let complete = |status: &RolloutStatus| holds(status, ConditionType::Completed);
        self.until(name, "the end", complete).await
    }

    /// Sizes of the `ReplicaSet`s that have any pod.
    pub(crate) async fn sizes(&self) -> Vec<i32> {
        let sets = self.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap();
        let sizes = sets.items.into_iter().filter_map(|set| set.spec?.replicas);
        sizes.filter(|size| *size != 0).collect()
    }

    pub(crate) async fn pods(&self) -> Vec<Pod> {
        let pods = self.api::<Pod>().list(&ListParams::default()).await.unwrap().items;
        pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    /// Removes what the test made.
    pub(crate) async fn end(self) {
        let params = DeleteParams::default();
        // Their finalizers would wait for an operator that is gone.
        for rollout in self.api::<Rollout>().list(&ListParams::default()).await.unwrap().items {
            let name = rollout.metadata.name.unwrap();
            self.merge(&name, &json!({"metadata": {"finalizers": null}})).await;
        }
        let roles = |kind: &str| ApiResource {
            group: "rbac.authorization.k8s.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        for kind in ["ClusterRole", "ClusterRoleBinding"] {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &roles(kind));
            api.delete(&self.name, &params).await.unwrap();
        }
        Api::<Namespace>::all(self.client.clone()).delete(&self.name, &params).await.unwrap();
    }
}

impl Copy {
    /// Ends as by SIGKILL: nothing is given back.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// Ends as by SIGTERM.
    pub(crate) async fn terminate(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a condition holds.
pub(crate) fn holds(status: &RolloutStatus, kind: ConditionType) -> bool {
    status.condition(kind).is_some_and(|one| one.status == ConditionStatus::True)
}

/// Four pods that are only played: they get ready, and answer nobody.
pub(crate) fn spec(version: u32) -> Value {
    json!({
        "replicas": 4,
        "strategy": { "rolling": { "surge": 1, "unavailable": 0 } },
        "drain": { "deadline": "200ms", "stop_grace": "1s" },
        "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": {
                "nodeSelector": { "type": "kwok" },
                "tolerations": [{ "key": "kwok.x-k8s.io/node", "operator": "Exists" }],
                "containers": [{ "name": "web", "image": format!("web:{version}") }],
            },
        },
    })
}
