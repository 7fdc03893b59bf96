//! What the commands print, beside what they were given.

use rollout_sim::{RunConfig, counterexample::Counterexample, run_with, setting::Setting};

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
        "simulate canary.yaml --candidate errors=x5 --errors 0.1%",
        "simulate canary.yaml --candidate slow=x3 --fleet tight",
        "simulate rolling.yaml --seeds 20 --faults=lost_answer,engine_crash",
        "simulate canary.yaml --compare",
        "simulate rolling.yaml --chaos capacity>=4 --faults=instance_lost,stale_view",
        "simulate rolling.yaml --chaos p99<200ms --faults=lost_answer",
        "simulate rolling.yaml --json",
        "simulate rolling.yaml --json --seeds 3 --compare --chaos capacity>=1 --faults=lost_answer",
    ];
    transcript("simulate", &commands);
}

/// One file with everything in it.
#[test]
fn a_simulation_is_written_as_a_page_that_opens_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canary.html");
    let arguments = "simulate canary.yaml --seeds 3 --compare --chaos p99<1s --faults=lost_answer";
    let ran = rollout(&format!("{arguments} --html {}", path.display()));
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let page = std::fs::read_to_string(&path).unwrap();
    for words in
        ["<h2>Instances</h2>", "<h2>Strategies</h2>", "<h2>Experiment: p99 &lt; 1s</h2>", "</html>"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(!page.contains("<script") && !page.contains("src="));
}

/// The table of docs/SIMULATE.md is what is printed.
#[test]
fn the_table_of_strategies_in_the_docs_is_what_is_printed() {
    let path = specs().join("../../../docs/SIMULATE.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("```text\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let printed = rollout("simulate canary.yaml --compare").out;
    let (_, table) = printed.split_once("\n\n").unwrap();
    let wanted = format!("{before}```text\n{table}```\n{after}");
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert_eq!(page, wanted, "run again with UPDATE_GOLDEN=1");
    }
}

/// A line that a search has printed, pasted.
#[test]
fn a_counterexample_is_played_again() {
    let planted = || rollout_sim::saboteur::all().swap_remove(0);
    let found = (0..50).find_map(|seed| {
        let config = RunConfig { seed, incidents: true, ..RunConfig::default() };
        let report = run_with(&config, Some(planted().as_mut()));
        let one = Counterexample {
            breaks: planted().caught_by().to_owned(),
            bug: Some(planted().name().to_owned()),
            seed,
            incidents: report.incidents,
            setting: Setting::draw(seed),
        };
        one.is_one().then_some(one)
    });
    let text = found.expect("one of the first seeds finds it").to_string();
    let out = crate::command(&specs(), "simulate --replay").arg(text).output().unwrap();
    let told = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(4), "{told}");
    assert!(told.contains("P5 drain order IS BROKEN HERE"), "{told}");
    assert!(told.contains("stops instead of draining (planted)"), "{told}");
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
