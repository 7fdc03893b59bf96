//! What is asked of a cluster, where there is none: one clear error with the way out.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

const ROLLOUT: &str = env!("CARGO_BIN_EXE_rollout");

/// A kubeconfig of a cluster that nobody answers for.
const NOBODY: &str = "
apiVersion: v1
kind: Config
current-context: here
clusters: [{ name: here, cluster: { server: 'http://127.0.0.1:9' } }]
contexts: [{ name: here, context: { cluster: here, user: me, namespace: shop } }]
users: [{ name: me, user: {} }]
";

/// Exit code and standard error of `program`, with `kubeconfig`.
fn run(program: &Path, kubeconfig: &Path, line: &str) -> (i32, String) {
    let mut command = Command::new(program);
    command.args(line.split(' ')).env("KUBECONFIG", kubeconfig).env("HOME", "/nowhere");
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn without_a_cluster_the_error_says_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("kubeconfig");
    fs::write(&here, NOBODY).unwrap();
    let missing = folder.path().join("missing");
    for (line, kubeconfig, code, words) in [
        ("adopt deployment/web", &missing, 5, "give `--kubeconfig FILE` and `--context NAME`"),
        ("adopt deployment/web --context there", &here, 5, "there"),
        ("adopt deployment/web", &here, 5, "no answer from the cluster at list Deployments"),
        ("hand-back web --dry-run", &here, 5, "no answer from the cluster at list Deployments"),
        ("pause web -n shop", &here, 5, "no answer from the cluster"),
        ("status rollout/web -n shop", &here, 5, "no answer from the cluster"),
        ("status WEB -n shop", &here, 1, "`WEB` is no file and no name of a workload"),
        ("status web -n shop --journal x", &here, 1, "leave out `--journal`"),
        ("adopt statefulset/web", &here, 5, "no answer from the cluster at list StatefulSets"),
        ("adopt job/web", &here, 2, "`job` cannot be adopted"),
        ("adopt deployment/", &here, 2, "is no `deployment/NAME`"),
    ] {
        let (found, error) = run(Path::new(ROLLOUT), kubeconfig, line);
        assert_eq!(found, code, "{line}: {error}");
        assert!(error.contains(words), "{line}: {error}");
    }
}

#[test]
fn called_by_kubectl_a_name_means_an_object_of_the_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("kubeconfig");
    fs::write(&here, NOBODY).unwrap();
    let plugin = folder.path().join("kubectl-rollout_engine");
    symlink(ROLLOUT, &plugin).unwrap();
    let (code, error) = run(&plugin, &here, "status web");
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("no answer from the cluster"), "{error}");
    // By its own name it asks an engine of this machine.
    let (_, error) = run(Path::new(ROLLOUT), &here, "status web");
    assert!(error.contains("no engine runs and there is no journal"), "{error}");
}
