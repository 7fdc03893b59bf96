//! Layout: where everything of a cluster lies and listens.
//!
//! In: nothing. Out: paths, addresses, ports. They are fixed, because a host has room for one cluster: a
//! second kube-proxy would write the same packet filter chains. Ports lie below those that the kernel gives
//! to clients and those of Services.

use std::path::{Path, PathBuf};

/// Name of the pod network, by which CNI keeps notes outside the cluster's folder.
pub(super) const TAG: &str = "rollout-cluster";
/// The bridge that all pods are on. Names of devices have 15 letters at most.
pub(super) const BRIDGE: &str = "rollout0";
/// Address of the host on the bridge: API server and kubelet listen here, so that pods reach them too.
pub(super) const HOST: &str = "10.222.0.1";
/// Addresses of pods.
pub(super) const PODS: &str = "10.222.0.0/16";
/// Addresses of Services.
pub(super) const SERVICES: &str = "10.223.0.0/16";
/// The Service of the API server itself.
pub(super) const API_SERVICE: &str = "10.223.0.1";
/// Name of the node that runs real containers.
pub(super) const NODE: &str = "node-0";

pub(super) const API_PORT: u16 = 16443;
pub(super) const ETCD_PORT: u16 = 12379;
pub(super) const ETCD_PEER_PORT: u16 = 12380;
pub(super) const KUBELET_PORT: u16 = 16250;
pub(super) const XDS_PORT: u16 = 18001;
pub(super) const CONTOUR_HEALTH_PORT: u16 = 18002;
pub(super) const CONTOUR_METRICS_PORT: u16 = 18003;
pub(super) const ENVOY_STATS_PORT: u16 = 18004;
/// What Contour's Gateway listener is told, and where Envoy then listens: Contour adds 8000.
pub(super) const GATEWAY_LISTENER_PORT: u16 = 10080;
pub(super) const GATEWAY_PORT: u16 = GATEWAY_LISTENER_PORT + 8000;

const DIR: &str = "/var/lib/rollout-cluster";

/// Paths of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// All that the cluster keeps.
    pub(super) dir: PathBuf,
    /// The programs, which outlive it.
    pub(super) programs: PathBuf,
}

impl Layout {
    /// The only one of this host.
    pub(super) fn new() -> Self {
        Self { dir: PathBuf::from(DIR), programs: super::parts::folder() }
    }

    /// A path in the folder.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// A path in the folder as text.
    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A program built from Go modules, or Envoy.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Where the kubeconfig of `user` lies.
    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.dir.join("users").join(user)
    }

    /// The kubeconfig for people, with all rights.
    pub(super) fn admin(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// Where the API server listens.
    pub(super) fn api() -> String {
        format!("https://{HOST}:{API_PORT}")
    }
}
