//! The definitions that are kept for `kubectl apply` are what the code says.

use std::{fs, path::PathBuf};

use rollout_k8s::{crd, journal};

fn kept(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "deploy", "crds", name].iter().collect()
}

/// Compares a kept file with `made`, or writes it where `UPDATE_GOLDEN` says so.
fn is_kept(name: &str, made: &serde_json::Value) {
    let mut text =
        "# Made from the spec type; `UPDATE_GOLDEN=1 cargo test -p rollout-k8s` makes it anew.\n"
            .to_owned();
    text += &serde_saphyr::to_string(made).expect("JSON can be written as YAML");
    let path = kept(name);
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        fs::write(&path, &text).expect("the kept file can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{} is not what the code says; run the tests again with UPDATE_GOLDEN=1 and look at the difference",
        path.display()
    );
}

#[test]
fn the_definition_of_rollout_is_kept() {
    is_kept("rollouts.yaml", &crd::definition());
}

#[test]
fn the_definition_of_its_journal_is_kept() {
    is_kept("rolloutjournals.yaml", &journal::journal_definition());
}

/// The lines of a file of `deploy/` that say what an account may do.
fn rules(path: &[&str]) -> Vec<String> {
    let mut file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "deploy"].iter().collect();
    file.extend(path);
    let text = fs::read_to_string(file).expect("the manifests are there");
    let is_rule = |line: &&str| {
        let line = line.trim_start();
        ["- apiGroups:", "resources:", "verbs:"].iter().any(|word| line.starts_with(word))
    };
    text.lines().filter(is_rule).map(str::to_owned).collect()
}

#[test]
fn the_chart_gives_the_rights_of_the_manifests() {
    let manifests = rules(&["operator", "roles.yaml"]);
    let chart = rules(&["helm", "rollout-operator", "templates", "roles.yaml"]);
    assert!(manifests.len().is_multiple_of(3) && 30 < manifests.len(), "{manifests:#?}");
    assert_eq!(manifests, chart);
}
