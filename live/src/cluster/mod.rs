//! Cluster: a whole Kubernetes on this host, without any image registry.
//!
//! In: a Linux host, as root, with the programs that `cargo xtask cluster up` installs; the first time also Go's
//! module proxy and Python's package index. Out: etcd, API server, controllers, scheduler, a node with real
//! containers, kube-proxy, nodes that are only played (kwok), and a Gateway (Contour with Envoy). Whatever happens
//! to this process, a reaper removes it all; unless it is [kept](Cluster::keep) for a person. A host has room for
//! one. Absent: DNS in pods, storage classes, metrics; rollouts.

mod component;
mod config;
mod error;
mod gateway;
mod host;
mod images;
mod keys;
mod kinds;
mod layout;
mod nodes;
mod parts;
mod process;
mod start;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

pub use self::{
    component::{Component, Throttle},
    error::ClusterError,
    nodes::POD as PLAYED_POD,
};
use self::{
    layout::{GATEWAY_PORT, Layout, TAG},
    start::REAPER,
};
use crate::bed::{BedError, Image, Reaper, output};

/// What a cluster is to have.
#[derive(Clone, Copy, Debug)]
pub struct ClusterPlan {
    /// Requests a second of controllers and scheduler.
    pub throttle: Throttle,
    /// Nodes that exist in the API only, each with room for 4,000 pods.
    pub played_nodes: u32,
    /// Whether Contour and Envoy are started.
    pub gateway: bool,
}

impl Default for ClusterPlan {
    fn default() -> Self {
        Self { throttle: Throttle::default(), played_nodes: 4, gateway: true }
    }
}

/// A running cluster. Dropping the one that started it removes everything.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    plan: ClusterPlan,
    children: BTreeMap<Component, Child>,
    took: Vec<(&'static str, Duration)>,
    /// `None`: somebody else started it.
    reaper: Option<Reaper>,
}

impl Cluster {
    /// Starts a cluster of one's own.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] with the way out, [`ClusterError::RunsAlready`] among them. What was started until then
    /// is removed.
    pub fn start(plan: ClusterPlan) -> Result<Self, ClusterError> {
        start::start(plan)
    }

    /// Builds the programs of a cluster, unless they are built already, and starts nothing.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] with what Go or pip complained of.
    pub fn build() -> Result<(), ClusterError> {
        parts::build()
    }

    /// The cluster that runs already.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoneRuns`].
    pub fn attach() -> Result<Self, ClusterError> {
        let layout = Layout::new();
        if process::pid(Component::Api, &layout).is_none() || !layout.path("ready").exists() {
            return Err(ClusterError::NoneRuns);
        }
        let throttle = Throttle::noted(&layout);
        Ok(Self::of(layout, ClusterPlan { throttle, ..ClusterPlan::default() }))
    }

    /// The cluster that runs already, else one of one's own.
    ///
    /// # Errors
    ///
    /// As [`Cluster::start`].
    pub fn get() -> Result<Self, ClusterError> {
        match Self::attach() {
            Err(ClusterError::NoneRuns) => Self::start(ClusterPlan::default()),
            attached => attached,
        }
    }

    /// Removes the cluster of this host, whoever started it, and what a dead one left behind.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoneRuns`] if there is nothing to remove.
    pub fn remove() -> Result<(), ClusterError> {
        let layout = Layout::new();
        if !layout.dir.exists() {
            return Err(ClusterError::NoneRuns);
        }
        reap(&layout)
    }

    /// Leaves it running when this process ends. [`Cluster::remove`] is then what removes it.
    pub fn keep(&mut self) {
        if let Some(reaper) = self.reaper.take() {
            reaper.dismiss();
        }
    }

    fn of(layout: Layout, plan: ClusterPlan) -> Self {
        Self { layout, plan, children: BTreeMap::new(), took: Vec::new(), reaper: None }
    }

    /// Path of the kubeconfig, with all rights.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.admin()
    }

    /// A folder with `kubectl`, for `PATH`.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.layout.path("bin")
    }

    /// Where Envoy takes requests once a route has joined the Gateway `gateway` in the namespace `gateway`.
    #[must_use]
    pub fn gateway_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, GATEWAY_PORT).into()
    }

    /// Whether Envoy takes requests.
    #[must_use]
    pub fn gateway_listens(&self) -> bool {
        gateway::listens()
    }

    /// Name of an image of the server under test. It is there already and cannot be pulled:
    /// `imagePullPolicy: Never`.
    #[must_use]
    pub fn image(&self, image: Image) -> String {
        images::name(image)
    }

    /// What each step of the start took; nothing for one that ran already.
    #[must_use]
    pub fn took(&self) -> &[(&'static str, Duration)] {
        &self.took
    }

    /// Runs `kubectl` with all rights and returns what it printed, trimmed.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Command`] with what it complained of.
    pub fn kubectl<'a>(
        &self,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Result<String, ClusterError> {
        Ok(output(self.kubectl_command().args(args))?)
    }

    /// Applies objects, in YAML or JSON.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Command`] with what the API server refused.
    pub fn apply(&self, objects: &str) -> Result<(), ClusterError> {
        let command = "kubectl apply -f -".to_owned();
        let run = |why| BedError::Run { command: command.clone(), why };
        let mut process = self
            .kubectl_command()
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(run)?;
        if let Some(mut pipe) = process.stdin.take() {
            pipe.write_all(objects.as_bytes()).map_err(run)?;
        }
        let done = process.wait_with_output().map_err(run)?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(BedError::Failed { command, code: done.status.code(), said }.into())
    }

    /// Asks containerd, in the kubelet's namespace.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Command`] with what it complained of.
    pub fn ctr<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, ClusterError> {
        Ok(output(images::ctr(&self.layout).args(args))?)
    }

    /// Kills one component as `kill -9` does, and returns when it is gone.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Command`] if it may not be killed.
    pub fn kill(&mut self, component: Component) -> Result<(), ClusterError> {
        process::kill(component, &self.layout)?;
        if let Some(mut child) = self.children.remove(&component) {
            // It is gone; this takes its entry out of the process table.
            child.wait().ok();
        }
        Ok(())
    }

    /// Starts a component that was killed. The API server is waited for.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Ended`] or [`ClusterError::Late`] if it does not come up.
    pub fn restart(&mut self, component: Component) -> Result<(), ClusterError> {
        self.run(component)?;
        if component == Component::Api { start::api_ready(self) } else { Ok(()) }
    }

    /// The pid of a component, if it runs.
    #[must_use]
    pub fn pid(&self, component: Component) -> Option<u32> {
        process::pid(component, &self.layout)
    }

    /// Path of the log of a component.
    #[must_use]
    pub fn log(&self, component: Component) -> PathBuf {
        self.layout.path("logs").join(component.name())
    }

    fn run(&mut self, component: Component) -> Result<(), ClusterError> {
        let child = process::start(component, &self.layout, self.plan.throttle)?;
        self.children.insert(component, child);
        Ok(())
    }

    fn kubectl_command(&self) -> Command {
        let mut command = Command::new(self.layout.program("cluster"));
        command.args(["kubectl", "--kubeconfig"]).arg(self.kubeconfig());
        command
    }
}

/// Removes what a dead cluster left behind; fails if one lives.
fn clear(layout: &Layout) -> Result<(), ClusterError> {
    if !layout.dir.exists() {
        return Ok(());
    }
    let reaper =
        fs::read_to_string(layout.path("reaper.pid")).ok().and_then(|pid| pid.trim().parse().ok());
    let is_watched = reaper.is_some_and(|pid| process::is_ours(pid, layout));
    let runs = |part: &Component| process::pid(*part, layout).is_some();
    if is_watched || Component::ALL.iter().any(runs) {
        return Err(ClusterError::RunsAlready { kubeconfig: layout.admin() });
    }
    reap(layout)
}

/// Runs the reaper to its end.
fn reap(layout: &Layout) -> Result<(), ClusterError> {
    let dir: &Path = &layout.dir;
    let status = Command::new("sh")
        .args(["-c", REAPER, "reaper"])
        .arg(dir)
        .arg(TAG)
        .current_dir("/")
        .stdin(Stdio::null())
        .status()
        .map_err(|why| BedError::Run { command: "sh reaper.sh".to_owned(), why })?;
    if status.success() && !dir.exists() {
        return Ok(());
    }
    Err(ClusterError::Left { log: dir.join("reaper.log") })
}
