//! How a cluster ends: nothing of it is left, whatever ended it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rollout-cluster");
const DIR: &str = "/var/lib/rollout-cluster";

fn said(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

/// The owner of a cluster, whose command lasts as long as the cluster does. It obeys an interrupt, whatever this
/// test's own parents ignore.
fn begun() -> Child {
    Command::new("env")
        .args(["--default-signal=INT", PROGRAM, "run", "sh", "-c"])
        .arg(format!("while [ -e {DIR}/ready ]; do sleep 1; done"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn until(what: &str, limit: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "{what}: not after {limit:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the reaper is through, and looks everywhere.
fn assert_nothing_is_left() {
    until("the folder is gone", Duration::from_secs(30), || !Path::new(DIR).exists());
    // What was killed is listed until init has taken note of it.
    let begun = Instant::now();
    for args in [["-af", &format!("{DIR}/")], ["-ax", "pause"]] {
        while let left = said("pgrep", &args)
            && !left.is_empty()
        {
            assert!(begun.elapsed() < Duration::from_secs(5), "left: {left}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    for filter in ["iptables-save", "ip6tables-save"] {
        let rules = said(filter, &[]);
        assert!(!rules.contains("KUBE-") && !rules.contains("rollout0"), "{rules}");
    }
    assert!(!said("ip", &["-o", "link"]).contains("rollout0"));
    assert!(!said("cat", &["/proc/mounts"]).contains(DIR));
}

fn apply_pod() {
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [
        {"name": "web", "image": "rollout.test/web:v1", "imagePullPolicy": "Never"}]}}"#;
    let script = format!(
        "echo '{pod}' | {DIR}/bin/kubectl --kubeconfig {DIR}/kubeconfig apply -f - &&
         {DIR}/bin/kubectl --kubeconfig {DIR}/kubeconfig wait --for=condition=Ready --timeout=60s pod/web"
    );
    let told = said("sh", &["-c", &script]);
    assert!(told.contains("condition met"), "{told}");
}

#[test]
fn a_killed_owner_leaves_nothing() {
    let mut owner = begun();
    until("a cluster", Duration::from_secs(900), || Path::new(DIR).join("ready").exists());
    apply_pod();
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_nothing_is_left();
}

#[test]
fn an_interrupted_start_leaves_nothing() {
    let mut owner = begun();
    let first = Path::new(DIR).join("pids/kube-apiserver");
    until("the first processes", Duration::from_secs(900), || first.exists());
    said("kill", &["-INT", &owner.id().to_string()]);
    assert!(!owner.wait().unwrap().success());
    assert_nothing_is_left();
}

#[test]
fn one_that_is_kept_stays_until_it_is_removed() {
    let told = said(PROGRAM, &["up"]);
    assert!(told.contains(&format!("export KUBECONFIG={DIR}/kubeconfig")), "{told}");
    let again = said(PROGRAM, &["up"]);
    assert!(again.contains("runs already"), "{again}");
    apply_pod();
    assert_eq!(said(PROGRAM, &["down"]), "");
    assert_nothing_is_left();
    let again = said(PROGRAM, &["down"]);
    assert!(again.contains("no cluster runs on this host"), "{again}");
}
