//! The operator as processes of its own, under the identity of its manifests, on a workload of real pods under load:
//! killed, cut off, and robbed of what it keeps.

mod killed;
mod objects;
mod partition;
mod robbed;
mod routed;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use kube::config::{AuthInfo, Kubeconfig};
use rollout_live::{
    bed::{Image, Manners},
    load::Report,
    place::{Place, PlaceError, Standing, WORKLOAD, Way},
    tool::{Running, Tool},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::rolling;

/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long a copy that says nothing keeps its part.
const LEASE: &str = "4s";
/// How long kube-proxy of the bed takes to learn that a pod left, at most.
const CONFIRMATION: &str = "4s";

/// A place whose workload is a `Rollout`, and an account for copies of the operator. Dropping it removes both.
pub(crate) struct Operated {
    pub(crate) place: Place,
    /// A kubeconfig that leads to the API server directly.
    pub(crate) kubeconfig: PathBuf,
    tool: Tool,
    token: String,
}

impl Operated {
    /// Installs what the manifests say, in the place's own namespace.
    pub(crate) async fn new(name: &str) -> Self {
        Self::by(Way::Service, name).await
    }

    /// The same with another way to the pods.
    pub(crate) async fn by(way: Way, name: &str) -> Self {
        let mut place = Place::by(way, name, Manners::Abrupt).unwrap_or_else(|why| panic!("{why}"));
        let tool = Tool::within(place.dir()).unwrap_or_else(|why| panic!("{why}"));
        let tool = tool.with("RUST_LOG", "info,kube=warn,hyper=warn,tower=warn");
        place.define().await.unwrap_or_else(|why| panic!("{why}"));
        let account = install(&place);
        let token = place.kubectl(["create", "token", &account]).expect("the account is there");
        let kubeconfig = place.cluster().kubeconfig();
        Self { place, kubeconfig, tool, token }
    }

    /// Starts a copy that reaches the API server as `kubeconfig` says, with the rights of the operator's account.
    pub(crate) fn copy(&self, kubeconfig: &Path) -> Running {
        self.copy_for(kubeconfig, self.place.namespace())
    }

    /// The same for the objects of another namespace.
    pub(crate) fn copy_for(&self, kubeconfig: &Path, namespace: &str) -> Running {
        let kubeconfig = self.as_account(kubeconfig);
        let (kubeconfig, own) = (kubeconfig.to_string_lossy(), self.place.namespace());
        let args = ["operator", "--kubeconfig", &kubeconfig, "--namespace", namespace];
        let leases = ["--lease-namespace", own, "--lease", LEASE, "--shards", "1"];
        let more = ["--confirmation", CONFIRMATION, "--listen", "127.0.0.1:0"];
        let all = args.into_iter().chain(leases).chain(more);
        self.tool.start(all).expect("the command starts")
    }

    /// Starts a copy that reaches the API server directly.
    pub(crate) fn copy_direct(&self) -> Running {
        self.copy(&self.kubeconfig)
    }

    /// A kubeconfig like `from`, with the account's token.
    fn as_account(&self, from: &Path) -> PathBuf {
        let mut config = Kubeconfig::read_from(from).expect("it is a kubeconfig");
        for user in &mut config.auth_infos {
            let token = Some(self.token.clone().into());
            user.auth_info = Some(AuthInfo { token, ..AuthInfo::default() });
        }
        let nth = fs::read_dir(self.place.dir()).expect("the folder is ours").count();
        let path = self.place.dir().join(format!("account-{nth}.json"));
        fs::write(&path, serde_json::to_vec(&config).expect("it is JSON")).expect("it is ours");
        path
    }

    /// Wants `image`, as a person does.
    pub(crate) fn want(&self, image: Image) {
        self.want_by(image, &rolling());
    }

    /// The same by this strategy.
    pub(crate) fn want_by(&self, image: Image, strategy: &Value) {
        let mut spec = self.place.spec(image, strategy);
        let fields = spec.as_object_mut().expect("a spec is a map");
        // The object itself says both.
        fields.remove("version");
        fields.remove("workload");
        let rollout = json!({
            "apiVersion": "rollout-engine.dev/v1alpha1", "kind": "Rollout",
            "metadata": { "name": WORKLOAD }, "spec": spec,
        });
        self.place.apply(rollout).unwrap_or_else(|why| panic!("{why}"));
    }

    /// The object; `Null` if there is none.
    pub(crate) fn rollout(&self) -> Value {
        let get = ["get", "rollout", WORKLOAD, "-o", "json", "--ignore-not-found"];
        let text = self.place.kubectl(get).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Waits until the object is so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let rollout = self.rollout();
            if is(&rollout) {
                return rollout;
            }
            let status = &rollout["status"];
            assert!(begun.elapsed() < WAIT_MAX, "{what} does not come about: {status:#}");
            sleep(ASK_EVERY).await;
        }
    }

    /// Waits until every pod is of the spec's revision, and nothing is left over.
    pub(crate) async fn until_complete(&self, image: Image) {
        self.until("the end", is_complete).await;
        let wanted = Standing::exactly(image);
        let standing = self.place.settled(&wanted).await.expect("the cluster answers");
        assert_eq!(standing, wanted);
    }

    /// Waits until a new pod or more serve beside old ones.
    pub(crate) async fn until_halfway(&self) {
        let is_halfway = |rollout: &Value| {
            let updated = rollout["status"]["updatedReplicas"].as_u64();
            is_seen(rollout) && updated.is_some_and(|updated| 1 < updated) && !is_complete(rollout)
        };
        self.until("the middle", is_halfway).await;
    }

    /// Deploys version 1 by a copy that ends again, as by SIGKILL.
    pub(crate) async fn deploy(&self) {
        let copy = self.copy_direct();
        self.want(Image::V1);
        self.until_complete(Image::V1).await;
        self.place.answers().await.expect("the Service answers");
        drop(copy);
    }

    /// Does `work` under load, of which nothing is lost.
    pub(crate) async fn loses_nothing(&self, work: impl Future<Output = ()>) -> Report {
        let work = async {
            work.await;
            Ok::<_, PlaceError>(())
        };
        let told = self.place.under_load(work).await;
        let ((), took, report) = told.unwrap_or_else(|why| panic!("{why}"));
        println!("{}: {:.1} s; {report}", self.place.namespace(), took.as_secs_f64());
        assert_eq!(report.all.failed, 0, "{report}: {:?}", report.moments());
        report
    }
}

/// From version 1 to 2 under load, with `trouble` in the middle: nothing is lost, and it ends as wanted. Returns what the
/// copy that did it has said.
pub(crate) async fn survives(
    name: &str,
    trouble: impl AsyncFnOnce(&Operated),
) -> (Operated, String) {
    let operated = Operated::new(name).await;
    operated.deploy().await;
    let copy = operated.copy_direct();
    let work = async {
        operated.want(Image::V2);
        operated.until_halfway().await;
        trouble(&operated).await;
        operated.until_complete(Image::V2).await;
    };
    operated.loses_nothing(work).await;
    let said = copy.kill().expect("it is killed").err;
    (operated, said)
}

impl Drop for Operated {
    fn drop(&mut self) {
        // Its finalizer would wait for an operator that is gone; the rest goes with the namespace.
        let none = r#"{"metadata":{"finalizers":null}}"#;
        self.place.kubectl(["patch", "rollout", WORKLOAD, "--type=merge", "-p", none]).ok();
        let name = format!("rollout-operator-{}", self.place.namespace());
        let delete = ["delete", "clusterrole,clusterrolebinding", &name, "--ignore-not-found"];
        self.place.kubectl(delete).ok();
    }
}

/// Gives the operator's account of the manifests, under a name of this place's own. Returns that name.
fn install(place: &Place) -> String {
    let dir = place.dir().join("install");
    fs::create_dir_all(&dir).expect("the folder is ours");
    for file in ["account.yaml", "roles.yaml"] {
        let from: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "..", "deploy", "operator", file].iter().collect();
        fs::copy(from, dir.join(file)).expect("the manifests are there");
    }
    let namespace = place.namespace();
    let kustomization = json!({
        "namespace": namespace, "nameSuffix": format!("-{namespace}"),
        "resources": ["account.yaml", "roles.yaml"],
    });
    fs::write(dir.join("kustomization.yaml"), kustomization.to_string()).expect("it is ours");
    place.kubectl(["apply", "-k", &dir.to_string_lossy()]).unwrap_or_else(|why| panic!("{why}"));
    format!("rollout-operator-{namespace}")
}

/// Whether the status tells of the spec as it is.
pub(crate) fn is_seen(rollout: &Value) -> bool {
    rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"]
        && rollout["metadata"]["generation"].is_u64()
}

/// Whether every pod is of the spec's revision, as the status tells.
pub(crate) fn is_complete(rollout: &Value) -> bool {
    is_seen(rollout) && holds(rollout, "Completed")
}

/// Whether a condition holds.
pub(crate) fn holds(rollout: &Value, condition: &str) -> bool {
    let conditions = rollout["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().any(|one| one["type"] == condition && one["status"] == "True")
}
