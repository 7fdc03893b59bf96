//! Other tools' files: what is imported is checked and planned as it is, and can be played.

use std::fs;

use serde_json::Value;

use crate::{rollout_in, transcript};

/// The fixtures of the import, each with its name.
fn fixtures() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rollout-import/tests/fixtures");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<String> =
        entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn every_imported_spec_is_checked_planned_and_played_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for path in fixtures() {
        let imported = rollout_in(folder.path(), &format!("import {path}"));
        assert_eq!(imported.code, 0, "{path}: {}", imported.err);
        assert!(!imported.err.is_empty(), "{path} has no report");
        for (place, spec) in imported.out.split("---\n").enumerate() {
            let name = format!("spec{place}.yaml");
            fs::write(folder.path().join(&name), spec).unwrap();
            for command in ["check", "plan", "simulate"] {
                let ran = rollout_in(folder.path(), &format!("{command} {name}"));
                // The simulated world answers every query with its own rate of errors, which a metric that
                // asks for a rate of successes rightly takes for a failure.
                let goes_back = command == "simulate" && spec.contains("at_least:");
                let code = if goes_back { 3 } else { 0 };
                assert_eq!(ran.code, code, "{path}: {command}\n{}\n{}\n{spec}", ran.out, ran.err);
                assert!(!ran.out.contains("broken"), "{path}: {}", ran.out);
            }
        }
    }
}

#[test]
fn as_json_it_is_a_list_of_specs_and_reports() {
    for path in fixtures() {
        let ran = rollout_in(std::path::Path::new("."), &format!("import {path} --json"));
        let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        assert!(!list.is_empty(), "{path}");
        for one in list {
            assert!(one["spec"]["workload"].is_string(), "{path}");
            assert!(1 < one["report"].as_array().unwrap().len(), "{path}");
        }
    }
}

#[test]
fn import_of_other_tools() {
    let commands = [
        "import deployment.yaml",
        "import deployment.yaml --service api",
        "import deployment.yaml --service nobody",
        "import rolling.yaml --replicas 3",
        "check deployment.yaml",
        "check deployment.yaml --service web",
        "plan deployment.yaml --service web",
        "import bad_deployment.yaml",
        "import bad_deployment.yaml --json",
    ];
    transcript("import_of_other_tools", &commands);
}
