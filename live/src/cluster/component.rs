//! Component: the processes of a cluster, and the flags of each.
//!
//! In: a layout, a throttle. Out: a command for each. Absent: order and waiting; those are the start's.

use std::{fs, io, process::Command};

use super::layout::{
    API_PORT, CONTOUR_HEALTH_PORT, CONTOUR_METRICS_PORT, ENVOY_STATS_PORT, ETCD_PEER_PORT,
    ETCD_PORT, HOST, Layout, NODE, PODS, SERVICES, XDS_PORT,
};

/// The note of [`Throttle::Delivered`].
const DELIVERED: &str = "throttle-as-delivered";

/// One process of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// Keeps the objects.
    Etcd,
    /// The API server.
    Api,
    /// The controllers of Deployments, Services and everything else.
    Controllers,
    /// Gives pods a node.
    Scheduler,
    /// Runs containers.
    Containerd,
    /// The agent of the node with real containers.
    Kubelet,
    /// Makes Services reach their pods.
    Proxy,
    /// Plays nodes and pods that only exist in the API.
    Kwok,
    /// The Gateway API controller.
    Contour,
    /// The proxy that Contour tells what to do.
    Envoy,
}

/// How many requests a second controllers and scheduler may send. It decides how long a large rollout
/// takes, so a measurement says which was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    /// 500 a second, bursts of 1,000: measures the controllers instead of the throttle.
    #[default]
    Lifted,
    /// As delivered: 20 a second for the controllers, 50 for the scheduler.
    Delivered,
}

impl Throttle {
    /// Leaves a note for those who attach later: a component they restart gets the same.
    pub(super) fn note(self, layout: &Layout) -> io::Result<()> {
        match self {
            Self::Lifted => Ok(()),
            Self::Delivered => fs::write(layout.path(DELIVERED), ""),
        }
    }

    /// The one that was noted.
    pub(super) fn noted(layout: &Layout) -> Self {
        if layout.path(DELIVERED).exists() { Self::Delivered } else { Self::Lifted }
    }
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Etcd,
        Self::Api,
        Self::Controllers,
        Self::Scheduler,
        Self::Containerd,
        Self::Kubelet,
        Self::Proxy,
        Self::Kwok,
        Self::Contour,
        Self::Envoy,
    ];

    /// Names its log and its pid file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Api => "kube-apiserver",
            Self::Controllers => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Containerd => "containerd",
            Self::Kubelet => "kubelet",
            Self::Proxy => "kube-proxy",
            Self::Kwok => "kwok",
            Self::Contour => "contour",
            Self::Envoy => "envoy",
        }
    }

    /// What starts it. Every command line names the cluster's folder: by that a pid is known to be its.
    pub(super) fn command(self, layout: &Layout, throttle: Throttle) -> Command {
        let mut command = self.program(layout);
        let args = match self {
            Self::Etcd => etcd(layout),
            Self::Api => api(layout),
            Self::Controllers => controllers(layout, throttle),
            Self::Scheduler => scheduler(layout, throttle),
            Self::Containerd => vec![format!("--config={}", layout.text("containerd.toml"))],
            Self::Kubelet => kubelet(layout),
            Self::Proxy => proxy(layout),
            Self::Kwok => kwok(layout),
            Self::Contour => contour(layout),
            Self::Envoy => envoy(layout),
        };
        command.args(args);
        command
    }

    fn program(self, layout: &Layout) -> Command {
        match self {
            Self::Etcd
            | Self::Api
            | Self::Controllers
            | Self::Scheduler
            | Self::Kubelet
            | Self::Proxy => {
                let mut command = Command::new(layout.program("cluster"));
                command.arg(self.name());
                command
            }
            Self::Containerd => Command::new("containerd"),
            Self::Kwok | Self::Contour => Command::new(layout.program(self.name())),
            Self::Envoy => Command::new(layout.program("envoy/envoy/_bin/envoy")),
        }
    }
}

fn etcd(layout: &Layout) -> Vec<String> {
    let (clients, peers) =
        (format!("http://127.0.0.1:{ETCD_PORT}"), format!("http://127.0.0.1:{ETCD_PEER_PORT}"));
    vec![
        format!("--data-dir={}", layout.text("etcd")),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        // What is written here is thrown away anyway.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

fn api(layout: &Layout) -> Vec<String> {
    let key = |name: &str| layout.text(&format!("keys/{name}"));
    vec![
        format!("--etcd-servers=http://127.0.0.1:{ETCD_PORT}"),
        format!("--bind-address={HOST}"),
        format!("--advertise-address={HOST}"),
        format!("--secure-port={API_PORT}"),
        format!("--tls-cert-file={}", key("api.crt")),
        format!("--tls-private-key-file={}", key("api.key")),
        format!("--token-auth-file={}", key("tokens.csv")),
        "--authorization-mode=Node,RBAC".to_owned(),
        format!("--service-account-key-file={}", key("service-accounts.pub")),
        format!("--service-account-signing-key-file={}", key("service-accounts.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--kubelet-certificate-authority={}", key("ca.crt")),
        format!("--kubelet-client-certificate={}", key("api-client.crt")),
        format!("--kubelet-client-key={}", key("api-client.key")),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--allow-privileged=true".to_owned(),
    ]
}

fn controllers(layout: &Layout, throttle: Throttle) -> Vec<String> {
    let mut args = alone(layout, "admin", throttle);
    args.extend([
        format!("--service-account-private-key-file={}", layout.text("keys/service-accounts.key")),
        format!("--root-ca-file={}", layout.text("keys/ca.crt")),
    ]);
    args
}

fn scheduler(layout: &Layout, throttle: Throttle) -> Vec<String> {
    alone(layout, "scheduler", throttle)
}

/// What controllers and scheduler share: there is one of each, and nobody asks them anything.
fn alone(layout: &Layout, user: &str, throttle: Throttle) -> Vec<String> {
    let mut args = vec![
        format!("--kubeconfig={}", layout.kubeconfig(user).display()),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
    ];
    match throttle {
        Throttle::Lifted => {
            args.extend(["--kube-api-qps=500", "--kube-api-burst=1000"].map(str::to_owned));
        }
        Throttle::Delivered => (),
    }
    args
}

fn kubelet(layout: &Layout) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", layout.kubeconfig("kubelet").display()),
        format!("--config={}", layout.text("kubelet.yaml")),
        format!("--root-dir={}", layout.text("kubelet")),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={HOST}"),
    ]
}

fn proxy(layout: &Layout) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", layout.kubeconfig("admin").display()),
        format!("--hostname-override={NODE}"),
        format!("--cluster-cidr={PODS}"),
        "--proxy-mode=iptables".to_owned(),
        "--iptables-sync-period=1s".to_owned(),
        // The host's own limits stay as they are.
        "--conntrack-max-per-core=0".to_owned(),
        "--conntrack-tcp-timeout-established=0".to_owned(),
        "--conntrack-tcp-timeout-close-wait=0".to_owned(),
        "--healthz-bind-address=".to_owned(),
        "--metrics-bind-address=".to_owned(),
    ]
}

fn kwok(layout: &Layout) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", layout.kubeconfig("admin").display()),
        format!("--config={}", layout.text("kwok.yaml")),
    ]
}

fn contour(layout: &Layout) -> Vec<String> {
    [
        "serve",
        "--insecure",
        "--disable-leader-election",
        "--xds-address=127.0.0.1",
        "--envoy-service-http-address=127.0.0.1",
        "--stats-address=127.0.0.1",
        "--health-address=127.0.0.1",
        "--http-address=127.0.0.1",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("--kubeconfig={}", layout.kubeconfig("admin").display()),
        format!("--config-path={}", layout.text("contour.yaml")),
        format!("--xds-port={XDS_PORT}"),
        format!("--stats-port={ENVOY_STATS_PORT}"),
        format!("--health-port={CONTOUR_HEALTH_PORT}"),
        format!("--http-port={CONTOUR_METRICS_PORT}"),
    ])
    .collect()
}

fn envoy(layout: &Layout) -> Vec<String> {
    let config = layout.text("envoy.json");
    // A flag and its value are two arguments here.
    ["--config-path", &config, "--service-cluster", "gateway", "--service-node", NODE]
        .into_iter()
        .chain(["--log-level", "warn", "--concurrency", "1", "--disable-hot-restart"])
        .map(str::to_owned)
        .collect()
}
