//! Start: everything in its order, each part waited for no earlier than it is needed.
//!
//! In: a plan. Out: a cluster that is ready, and what each step took. Absent: removal; the reaper waits from
//! the first moment on.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Cluster, ClusterError, ClusterPlan, Component, config, gateway, host, images, keys,
    layout::{Layout, NODE, TAG},
    nodes, parts, process,
};
use crate::bed::Reaper;

const READY_DEADLINE: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Removes all that is started here.
pub(super) const REAPER: &str = include_str!("reaper.sh");

/// Starts what `plan` says.
pub(super) fn start(plan: ClusterPlan) -> Result<Cluster, ClusterError> {
    let layout = Layout::new();
    super::clear(&layout)?;
    host::check()?;
    let mut clock = Clock::new();
    parts::build()?;
    clock.told("programs");
    claim(&layout)?;
    let reaper = Reaper::watch(REAPER, &layout.dir, TAG)?;
    let mut cluster = Cluster::of(layout, plan);
    cluster.reaper = Some(reaper);
    furnish(&cluster)?;
    clock.told("certificates, files, bridge");
    cluster.run(Component::Etcd)?;
    cluster.run(Component::Api)?;
    cluster.run(Component::Containerd)?;
    let archive = images::archive(&cluster.layout)?;
    import(&cluster, &archive)?;
    clock.told("images");
    api_ready(&cluster)?;
    clock.told("etcd, API server");
    for part in [
        Component::Controllers,
        Component::Scheduler,
        Component::Kubelet,
        Component::Proxy,
        Component::Kwok,
    ] {
        cluster.run(part)?;
    }
    cluster.apply(&nodes::objects(plan.played_nodes).to_string())?;
    nodes_ready(&cluster)?;
    clock.told("controllers, scheduler, kubelet, kube-proxy, kwok");
    if plan.gateway {
        gateway::start(&mut cluster)?;
        clock.told("Contour, Envoy");
    }
    let mark = cluster.layout.path("ready");
    fs::write(&mark, "").map_err(ClusterError::file(&mark))?;
    cluster.took = clock.steps;
    Ok(cluster)
}

/// What each step took.
#[derive(Debug)]
struct Clock {
    last: Instant,
    steps: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn new() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    fn told(&mut self, step: &'static str) {
        self.steps.push((step, self.last.elapsed()));
        self.last = Instant::now();
    }
}

/// Takes the place of the host's only cluster.
fn claim(layout: &Layout) -> Result<(), ClusterError> {
    match fs::DirBuilder::new().mode(0o700).create(&layout.dir) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            Err(ClusterError::RunsAlready { kubeconfig: layout.admin() })
        }
        Err(why) => Err(ClusterError::file(&layout.dir)(why)),
    }
}

fn furnish(cluster: &Cluster) -> Result<(), ClusterError> {
    let layout = &cluster.layout;
    host::prepare(layout)?;
    cluster.plan.throttle.note(layout).map_err(ClusterError::file(&layout.dir))?;
    keys::make(layout)?;
    config::write(layout)?;
    let bin = layout.path("bin");
    fs::create_dir_all(&bin).map_err(ClusterError::file(&bin))?;
    // The binary takes its component from its first argument only, so kubectl is a script.
    let kubectl = bin.join("kubectl");
    let script =
        format!("#!/bin/sh\nexec \"{}\" kubectl \"$@\"\n", layout.program("cluster").display());
    fs::write(&kubectl, script)
        .and_then(|()| fs::set_permissions(&kubectl, executable()))
        .map_err(ClusterError::file(&kubectl))
}

fn executable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

fn import(cluster: &Cluster, archive: &Path) -> Result<(), ClusterError> {
    cluster
        .until("containerd", &[Component::Containerd], || cluster.ctr(["version"]).map(|_| true))?;
    images::import(&cluster.layout, archive)
}

/// Waits until the API server takes requests and everyone may have a service account.
pub(super) fn api_ready(cluster: &Cluster) -> Result<(), ClusterError> {
    cluster.until("the API server", &[Component::Etcd, Component::Api], || {
        cluster.kubectl(["get", "--raw", "/readyz"]).map(|said| said == "ok")
    })
}

fn nodes_ready(cluster: &Cluster) -> Result<(), ClusterError> {
    let parts = [
        Component::Controllers,
        Component::Scheduler,
        Component::Kubelet,
        Component::Proxy,
        Component::Kwok,
    ];
    let wanted = usize::try_from(cluster.plan.played_nodes).expect("a u32 fits") + 1;
    cluster.until(&format!("{NODE} and the played nodes"), &parts, || {
        let format =
            r#"jsonpath={range .items[*].status.conditions[?(@.type=="Ready")]}{.status} {end}"#;
        let said = cluster.kubectl(["get", "nodes", "-o", format])?;
        Ok(said.split_whitespace().filter(|status| *status == "True").count() == wanted)
    })?;
    // Without its service account no pod of a namespace is admitted.
    cluster.until("the service account of the default namespace", &parts, || {
        cluster.kubectl(["get", "serviceaccount", "default"]).map(|_| true)
    })
}

impl Cluster {
    /// Waits until `ask` says so. Fails at once if one of `parts` ends, and with what `ask` said last if it
    /// takes too long.
    pub(super) fn until(
        &self,
        what: &str,
        parts: &[Component],
        mut ask: impl FnMut() -> Result<bool, ClusterError>,
    ) -> Result<(), ClusterError> {
        let begun = Instant::now();
        loop {
            let seen = match ask() {
                Ok(true) => return Ok(()),
                Ok(false) => "it says that it is not".to_owned(),
                Err(why) => why.to_string(),
            };
            for part in parts {
                process::check(*part, &self.layout)?;
            }
            if READY_DEADLINE < begun.elapsed() {
                let deadline = READY_DEADLINE;
                return Err(ClusterError::Late { what: what.to_owned(), deadline, seen });
            }
            thread::sleep(ASK_EVERY);
        }
    }
}
