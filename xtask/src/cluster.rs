//! `cluster up`, `cluster down` and `live kubernetes`: a real Kubernetes on this host, and the suites that need one.
//!
//! In: a Linux host. Out: a cluster that stays, its removal, or the results of the suites. What is missing is
//! installed (Debian, as root) or built from Go modules; nothing comes from an image registry.
//!
//! Measured on two cores shared with other builds, in seconds, from nothing: packages 20, etcd to kubectl in one
//! binary 330, kwok 136, Contour 15, Envoy 3, the web server and the test bed in release mode 180. What was built
//! is kept under the target folder; with it a cluster is up in 10 to 13: certificates and files 0.3, images 1 to
//! 2, etcd and API server 3, controllers, scheduler, kubelet, kube-proxy and kwok 2, Contour and Envoy 5. It is
//! gone in 3.

use std::{env, process::Command};

use crate::{
    live,
    problem::Problem,
    step::{Steps, cargo, say},
    tools,
};

/// Test targets of `rollout-live` that run beside a cluster.
pub(crate) const TARGETS: [&str; 2] = ["cluster", "kubernetes"];
/// Test targets of `rollout-k8s` that run beside a cluster.
const ADAPTER_TARGETS: [&str; 5] = ["adopt", "backend", "journal", "operator", "routers"];
/// Test targets of `rollout-live` that start and end clusters of their own.
pub(crate) const OWN_TARGETS: [&str; 1] = ["cluster_end"];
/// What kills the operator, and how often `deep kubernetes` has it do so.
const DEEP_TEST: &str = "operator::killed";
const DEEP_KILLS: &str = "100";
/// After `live`: the suites that use the cluster they find.
pub(crate) const BESIDE: &str = "beside-cluster";
/// Programs and the Debian packages they come from.
pub(crate) const PROGRAMS: [(&str, &str); 14] = [
    ("go", "golang-go"),
    ("pip3", "python3-pip"),
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("pgrep", "procps"),
    ("modprobe", "kmod"),
    ("openssl", "openssl"),
    ("mount", "mount"),
    ("tar", "tar"),
    ("awk", "mawk"),
];

/// Starts a cluster and leaves it running.
pub(crate) fn up() -> Result<(), Problem> {
    let mut steps = prepared("cluster up")?;
    say("\nWhere nothing is built yet, the programs of the cluster take about 8 minutes.");
    steps.run("start the cluster", bed().arg("up"))
}

/// Removes it.
pub(crate) fn down() -> Result<(), Problem> {
    let mut steps = prepared("cluster down")?;
    steps.run("remove the cluster", bed().arg("down"))
}

/// Builds the programs of the cluster and starts nothing, so that a later start takes seconds.
pub(crate) fn build() -> Result<(), Problem> {
    let mut steps = prepared("cluster build")?;
    steps.run("build the programs of the cluster", bed().arg("build"))?;
    steps.end();
    Ok(())
}

/// Runs the live suites on Kubernetes.
pub(crate) fn live() -> Result<(), Problem> {
    let mut steps = prepared("live kubernetes")?;
    steps.run("build the programs of the cluster", bed().arg("build"))?;
    for name in OWN_TARGETS {
        let mut suite = live::suite(cargo(), name);
        // One test at a time: they measure, and there is one cluster.
        suite.args(["--", "--test-threads=1", "--nocapture"]);
        steps.run(&format!("live suite `{name}`"), &mut suite)?;
    }
    // One cluster for all the others.
    let own =
        env::current_exe().map_err(|why| Problem::Start { program: "xtask".to_owned(), why })?;
    steps.run("live suites on one cluster", bed().arg("run").arg(own).args(["live", BESIDE]))?;
    steps.end();
    Ok(())
}

/// Runs the suites that use the cluster they find in `KUBECONFIG`. One that fails is run once more, and both
/// are told: on a machine that others share, a data plane may learn later than its bound says that a pod has
/// left, and nobody can ask it.
pub(crate) fn beside() -> Result<(), Problem> {
    let mut steps = Steps::new("live suites on one cluster");
    for name in ADAPTER_TARGETS.into_iter().chain(TARGETS) {
        let suite = || {
            let mut suite = live::suite(cargo(), name);
            if let Some(kubeconfig) = env::var_os("KUBECONFIG") {
                suite.env("ROLLOUT_TEST_KUBECONFIG", kubeconfig);
            }
            suite.args(["--", "--test-threads=1", "--nocapture"]);
            suite
        };
        if let Err(problem) = steps.run(&format!("live suite `{name}`"), &mut suite()) {
            say(&format!("\n{problem}: live suite `{name}` FAILED ONCE and is run again"));
            steps.run(&format!("live suite `{name}`, again"), &mut suite())?;
        }
    }
    steps.end();
    Ok(())
}

/// Measures the engine on Kubernetes beside the Deployment controller; `parts` alone, if any are named.
pub(crate) fn bench(parts: &[&str]) -> Result<(), Problem> {
    let mut steps = prepared("bench kubernetes")?;
    // Built together, so that nothing is built a second time with other features.
    let packages = ["--package", "rollout-cli", "--package", "rollout-benches"];
    let targets = ["--bin", "rollout", "--bench", "kubernetes"];
    let build = ["build", "--release", "--locked"].into_iter().chain(packages).chain(targets);
    steps.cargo("build in release mode", build)?;
    let mut beside = bed();
    beside.args(["run", "cargo", "bench", "--locked"]).args(packages);
    beside.args(["--bench", "kubernetes", "--"]).args(parts);
    steps.run("engine and Deployments, side by side", &mut beside)?;
    steps.end();
    Ok(())
}

/// Kills the operator on a real Kubernetes, as often as is worth it before a release.
pub(crate) fn deep() -> Result<(), Problem> {
    let mut steps = prepared("deep kubernetes")?;
    let mut beside = bed();
    beside.args(["run", "cargo", "test", "--workspace", "--locked", "--test", TARGETS[1], "--"]);
    beside.args([DEEP_TEST, "--nocapture"]).env("ROLLOUT_KILLS", DEEP_KILLS);
    steps.run("the operator killed at the boundaries of its records", &mut beside)?;
    steps.end();
    Ok(())
}

/// Installs what is missing and builds the test bed.
fn prepared(name: &'static str) -> Result<Steps, Problem> {
    let mut steps = Steps::new(name);
    tools::debian(&mut steps, &PROGRAMS)?;
    live::bed(&mut steps)?;
    Ok(steps)
}

fn bed() -> Command {
    live::program("rollout-cluster")
}
