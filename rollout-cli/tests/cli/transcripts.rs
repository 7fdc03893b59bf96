//! What the commands print, beside what they were given.

use crate::{rollout, specs, transcript};

#[test]
fn check() {
    let commands = [
        "check rolling.yaml",
        "check blue_green.json",
        "check compose.yaml --service web",
        "check canary.yaml --json",
    ];
    transcript("check", &commands);
}

#[test]
fn plan() {
    let commands = [
        "plan rolling.yaml",
        "plan canary.yaml --start 1s --drain 500ms",
        "plan canary.yaml --backend sim",
        "plan canary.yaml --first",
        "plan blue_green.json --backend sim",
        "plan compose.yaml --service web",
        "plan rolling.yaml --json",
        "plan rolling.yaml --diff canary.yaml --backend sim",
        "plan rolling.yaml --diff rolling.yaml",
        "plan rolling.yaml --diff canary.yaml --json",
    ];
    transcript("plan", &commands);
}

#[test]
fn simulate() {
    let commands = [
        "simulate rolling.yaml",
        "simulate rolling.yaml --candidate never_ready",
        "simulate rolling.yaml --candidate crash_after --seed 7",
        "simulate canary.yaml",
        "simulate rolling.yaml --json",
    ];
    transcript("simulate", &commands);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || rollout("simulate canary.yaml --seed 3 --faults --transcript").out;
    let first = story();
    assert!(first.contains("seed 3, the faults of the seed"), "{first}");
    assert_eq!(first, story());
}

#[test]
fn import() {
    transcript("import", &["import compose.yaml --service web", "import compose.yaml"]);
}

#[test]
fn what_is_imported_is_a_spec_that_plans_alike() {
    let folder = tempfile::tempdir().unwrap();
    let imported = rollout("import compose.yaml --service web").out;
    std::fs::write(folder.path().join("web.yaml"), imported).unwrap();
    let plan = crate::rollout_in(folder.path(), "plan web.yaml");
    assert_eq!(plan.out, rollout("plan compose.yaml --service web").out);
    assert_eq!(plan.code, 0, "{}", plan.err);
}

#[test]
fn help_documents_the_exit_codes() {
    let ran = rollout("--help");
    assert_eq!(ran.code, 0);
    for line in ["Exit codes:", "  3    the rollout was rolled back", "  130  interrupted"] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
}

#[test]
fn the_schema_is_the_one_of_the_core() {
    let ran = rollout("schema");
    let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(schema, rollout_core::spec::schema());
}

#[test]
fn a_spec_is_read_from_standard_input_as_well() {
    let spec = std::fs::File::open(specs().join("rolling.yaml")).unwrap();
    let out = crate::command(&specs(), "check -").stdin(spec).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "-: good: web, 4 instances, rolling\n");
}
