//! The cluster itself: what rollouts on it will rely on. `rollout-cluster run` keeps one cluster for all tests.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rollout_live::{
    bed::{Image, SERVER_PORT},
    cluster::{Cluster, ClusterError, ClusterPlan, Component, PLAYED_POD},
    load::{self, LoadPlan, Report},
};

/// A namespace that goes with the test.
struct Place<'a> {
    cluster: &'a Cluster,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn new(cluster: &'a Cluster, name: &'a str) -> Self {
        cluster.kubectl(["create", "namespace", name]).unwrap();
        Self { cluster, name }
    }

    fn kubectl(&self, line: &str) -> String {
        let args = ["--namespace", self.name].into_iter().chain(line.split(' '));
        self.cluster.kubectl(args).unwrap()
    }

    /// A Deployment and a Service of the same name, on real containers.
    fn server(&self, name: &str, image: Image, replicas: u32, node_port: u16) {
        let (space, image) = (self.name, self.cluster.image(image));
        let objects = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: {space} }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec:
      containers:
      - name: web
        image: {image}
        imagePullPolicy: Never
        readinessProbe: {{ httpGet: {{ path: /health, port: {SERVER_PORT} }}, periodSeconds: 1 }}
---
apiVersion: v1
kind: Service
metadata: {{ name: {name}, namespace: {space} }}
spec:
  type: NodePort
  selector: {{ app: {name} }}
  ports: [{{ port: 80, targetPort: {SERVER_PORT}, nodePort: {node_port} }}]
"
        );
        self.cluster.apply(&objects).unwrap();
        self.kubectl(&format!("wait --for=condition=Available --timeout=60s deployment/{name}"));
        // kube-proxy writes its rules later than that, and tells nobody.
        let addr = SocketAddr::from(([127, 0, 0, 1], node_port));
        until("an answer", Duration::from_secs(20), || answers(addr));
    }

    /// A Deployment of pods that are only played.
    fn played(&self, name: &str, replicas: u32, annotation: &str) {
        let space = self.name;
        let mut objects = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: {space} }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }}, annotations: {{ {annotation} }} }}
    spec:
"
        );
        let fields = PLAYED_POD.trim_start_matches('{').trim_end_matches('}');
        write!(objects, "      {{ {fields}, containers: [{{ name: web, image: none }}] }}\n")
            .unwrap();
        self.cluster.apply(&objects).unwrap();
    }

    fn available(&self, deployment: &str) -> String {
        self.kubectl(&format!(
            "get deployment {deployment} -o jsonpath={{.status.availableReplicas}}"
        ))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.cluster.kubectl(["delete", "namespace", self.name, "--wait=false"]).ok();
    }
}

async fn requests(port: u16, count: u64) -> Report {
    let plan = LoadPlan { requests: Some(count), ..LoadPlan::default() };
    load::run(SocketAddr::from(([127, 0, 0, 1], port)), plan).await.unwrap()
}

fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "{what}: not after {limit:?}");
        thread::sleep(Duration::from_millis(100));
    }
    begun.elapsed()
}

#[test]
fn every_component_runs_and_a_second_cluster_is_refused() {
    let cluster = Cluster::get().unwrap();
    for component in Component::ALL {
        assert!(cluster.pid(component).is_some(), "{}", component.name());
    }
    let refused = Cluster::start(ClusterPlan::default()).unwrap_err();
    assert!(matches!(refused, ClusterError::RunsAlready { .. }), "{refused}");
    assert_eq!(cluster.kubectl(["get", "--raw", "/readyz"]).unwrap(), "ok");
}

#[tokio::test]
async fn real_pods_answer_behind_a_service() {
    let cluster = Cluster::get().unwrap();
    let place = Place::new(&cluster, "serve");
    place.server("web", Image::V1, 2, 30081);
    let report = requests(30081, 2_000).await;
    assert_eq!((report.all.ok, report.all.failed), (2_000, 0), "{report}");
    assert_eq!(report.versions["v1"].ok, 2_000, "{report}");
    // API server to kubelet to containerd.
    assert_eq!(place.kubectl("exec deployment/web -- /web check"), "");
}

#[test]
fn played_pods_do_what_their_annotations_say() {
    let cluster = Cluster::get().unwrap();
    let place = Place::new(&cluster, "played");
    place.played("many", 200, "");
    place.played("never", 1, "rollout.test/ready: never");
    place.played("fails", 1, "rollout.test/ready-after: 100ms, rollout.test/fails-after: 5s");
    place.played("stays", 1, "rollout.test/stays: 'true'");
    until("a ready pod", Duration::from_secs(10), || place.available("fails") == "1");
    let took =
        until("200 ready pods", Duration::from_secs(30), || place.available("many") == "200");
    println!("200 played pods: {:.1} s", took.as_secs_f64());
    until("a failed pod", Duration::from_secs(20), || place.available("fails").is_empty());
    assert_eq!(place.available("never"), "");
    until("a ready pod", Duration::from_secs(10), || place.available("stays") == "1");
    place.kubectl("scale deployment stays --replicas=0");
    thread::sleep(Duration::from_secs(2));
    let left = "get pods -l app=stays -o jsonpath={.items[*].metadata.deletionTimestamp}";
    assert_ne!(place.kubectl(left), "", "it was told to end, and is still there");
    place.kubectl("delete pods -l app=stays --force --grace-period=0");
}

#[tokio::test]
async fn a_played_node_is_lost_and_comes_back() {
    let cluster = Cluster::get().unwrap();
    let ready = || {
        let format = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
        cluster.kubectl(["get", "node", "kwok-3", "-o", format]).unwrap()
    };
    cluster.kubectl(["annotate", "node", "kwok-3", "rollout.test/ready=never"]).unwrap();
    until("a lost node", Duration::from_secs(10), || ready() == "False");
    cluster.kubectl(["annotate", "node", "kwok-3", "rollout.test/ready-"]).unwrap();
    until("a ready node", Duration::from_secs(10), || ready() == "True");
}

#[tokio::test]
async fn the_gateway_shares_by_weight() {
    let cluster = Cluster::get().unwrap();
    let place = Place::new(&cluster, "shared");
    place.server("one", Image::V1, 2, 30082);
    place.server("two", Image::V2, 2, 30083);
    let route = "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shared }
spec:
  parentRefs: [{ namespace: gateway, name: gateway }]
  rules: [{ backendRefs: [{ name: one, port: 80, weight: 90 }, { name: two, port: 80, weight: 10 }] }]
";
    cluster.apply(route).unwrap();
    until("an open gateway", Duration::from_secs(20), || cluster.gateway_listens());
    until("an answer", Duration::from_secs(20), || answers(cluster.gateway_addr()));
    let report = requests(cluster.gateway_addr().port(), 2_000).await;
    assert_eq!(report.all.failed, 0, "{report}");
    let share = report.versions["v2"].ok;
    println!("weights 90 and 10: {share} of 2000 for the second");
    // Five standard deviations of a fair draw around 200.
    assert!((133..=267).contains(&share), "{report}");
}

#[test]
fn kinds_of_absent_controllers_are_checked_by_the_api_server() {
    let cluster = Cluster::get().unwrap();
    let place = Place::new(&cluster, "kinds");
    for kind in [
        "virtualservices.networking.istio.io",
        "destinationrules.networking.istio.io",
        "traefikservices.traefik.io",
        "ingressroutes.traefik.io",
        "ingresses.networking.k8s.io",
        "httproutes.gateway.networking.k8s.io",
    ] {
        assert_eq!(place.kubectl(&format!("get {kind} -o name")), "", "{kind}");
    }
    let service = |weight: &str| {
        format!(
            "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{ name: web, namespace: kinds }}
spec:
  hosts: [web]
  http: [{{ route: [{{ destination: {{ host: web, subset: stable }}, weight: {weight} }}] }}]
"
        )
    };
    cluster.apply(&service("100")).unwrap();
    let refused = cluster.apply(&service("most")).unwrap_err().to_string();
    assert!(refused.contains("weight"), "{refused}");
}

fn answers(addr: SocketAddr) -> bool {
    let url = format!("http://{addr}/");
    Command::new("curl").args(["-fsS", &url]).output().is_ok_and(|done| done.status.success())
}

#[tokio::test]
async fn pods_serve_while_the_api_server_is_away() {
    let mut cluster = Cluster::get().unwrap();
    {
        let place = Place::new(&cluster, "away");
        place.server("web", Image::V1, 2, 30084);
        // Its end is asked for below, by another borrow of the cluster.
        std::mem::forget(place);
    }
    cluster.kill(Component::Api).unwrap();
    let refused = cluster.kubectl(["get", "nodes"]).is_err();
    let report = requests(30084, 800).await;
    let begun = Instant::now();
    cluster.restart(Component::Api).unwrap();
    println!("API server back after {:.1} s", begun.elapsed().as_secs_f64());
    let found = cluster.kubectl(["get", "deployment", "web", "-n", "away", "-o", "name"]).unwrap();
    cluster.kubectl(["delete", "namespace", "away", "--wait=false"]).unwrap();
    assert!(refused, "it was killed");
    assert_eq!((report.all.ok, report.all.failed), (800, 0), "{report}");
    assert_eq!(found, "deployment.apps/web");
}
