//! Bad input: one clear error with the way out, its exit code, and nothing touched.

use std::fs;

use crate::{docker, rollout, rollout_in, specs, transcript};

#[test]
fn specs_that_are_refused() {
    let commands = [
        "check unknown_field.yaml",
        "check no_room.yaml",
        "check falling_weight.yaml",
        "check zero_period.yaml",
        "check short_monitor.yaml",
        "check nothing.yaml",
        "check .",
        "check rolling.yaml --service web",
        "check compose.yaml",
        "check compose.yaml --service api",
        "plan blue_green.json",
        "check unknown_field.yaml --json",
        "check no_room.yaml --json",
    ];
    transcript("refused", &commands);
}

#[test]
fn arguments_that_are_refused() {
    let commands = [
        "simulate rolling.yaml --candidate tired",
        "simulate rolling.yaml --candidate errors=5",
        "simulate rolling.yaml --candidate errors=x5",
        "simulate rolling.yaml --fleet big",
        "simulate rolling.yaml --faults=rain",
        "simulate rolling.yaml --chaos latency<1s",
        "simulate rolling.yaml --html /nowhere/page.html",
        "simulate rolling.yaml --replay {}",
        "simulate --replay {}",
        "simulate",
        "simulate rolling.yaml --rate 0",
        "plan rolling.yaml --start 2",
        "replay",
        "status WEB",
        "status services/web",
        "skip web 50%",
        "resize web many",
        "resolve web",
        "resolve web --adopt=v1 --go-on",
        "undo web --to V1",
        "run rolling.yaml --backend docker --metrics prometheus:http://localhost:9090",
        "run rolling.yaml --backend docker --metrics main=prometheus:https://localhost:9090",
    ];
    transcript("arguments", &commands);
}

/// Runs a copy of a spec in a folder of its own, and says whether anything was left there.
fn run(spec: &str, docker: &str) -> (crate::Ran, bool) {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(specs().join(spec), folder.path().join(spec)).unwrap();
    let ran = rollout_in(folder.path(), &format!("run {spec} --backend docker --docker {docker}"));
    let touched = fs::read_dir(folder.path()).unwrap().count() != 1;
    (ran, touched)
}

#[test]
fn without_a_docker_engine_nothing_is_touched() {
    let (ran, touched) = run("missing_image.yaml", "unix:///run/rollout-nobody/docker.sock");
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert_eq!(ran.out, "");
    assert!(
        ran.err.contains("docker engine unix:///run/rollout-nobody/docker.sock"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("start it, set DOCKER_HOST"), "{}", ran.err);
    assert!(!touched);
}

#[test]
fn a_spec_that_is_refused_is_so_before_docker_is_asked() {
    let (ran, touched) = run("no_room.yaml", "unix:///run/rollout-nobody/docker.sock");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("strategy.rolling: surge is 0"), "{}", ran.err);
    assert!(!touched);
}

#[test]
fn what_runs_beside_the_engine_is_refused_before_docker_is_asked() {
    let nobody = "--backend docker --docker unix:///run/rollout-nobody/docker.sock";
    for (arguments, words) in [
        (
            "run hooks.yaml".to_owned(),
            "hooks.yaml: hook `smoke`: `run` names neither a command nor a url",
        ),
        (
            "run metrics.yaml".to_owned(),
            "metric `errors`: source: `main` is not known, no source of metrics is; give one with `--metrics`",
        ),
        (
            "run metrics.yaml --metrics other=command:true".to_owned(),
            "metrics.yaml: metric `errors`: source: `main` is not known; known are: other with `--metrics`",
        ),
        (
            "run rolling.yaml --modules https://web/modules".to_owned(),
            "--modules: `https://web/modules` asks for `https`",
        ),
    ] {
        let ran = rollout(&format!("{arguments} {nobody}"));
        assert_eq!(ran.code, 1, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(words), "{arguments}: {}", ran.err);
        assert!(!specs().join(".rollout").exists(), "{arguments}: something was touched");
    }
}

#[test]
fn what_docker_or_haproxy_do_not_have_is_refused_before_anything_is_touched() {
    let Some(docker) = docker() else {
        return;
    };
    for (spec, code, words) in [
        ("missing_image.yaml", 1, "template.image"),
        ("busy_port.yaml", 1, "template.ports"),
        ("no_haproxy.yaml", 5, "traffic.haproxy.socket: HAProxy is not reachable"),
    ] {
        let (ran, touched) = run(spec, &docker);
        assert_eq!(ran.code, code, "{spec}: {}", ran.err);
        assert!(ran.err.contains(words), "{spec}: {}", ran.err);
        assert!(!touched, "{spec}");
    }
}

#[test]
fn without_an_engine_orders_say_how_to_start_one() {
    for order in [
        "pause web",
        "resume web",
        "promote web --all",
        "abort web",
        "undo web --to v1",
        "retry web",
        "resize web 6",
        "restart web",
        "skip web 50% --why seen",
        "halt web",
        "resolve web --adopt",
        "explain web",
    ] {
        let ran = rollout(order);
        assert_eq!(ran.code, 5, "{order}");
        let expected =
            "error: no engine is running at .rollout/web.redb.sock: start one with `rollout run`\n";
        assert_eq!(ran.err, expected, "{order}");
    }
    let ran = rollout("status web");
    assert_eq!(ran.code, 5);
    assert!(
        ran.err.contains("no engine runs and there is no journal at .rollout/web.redb"),
        "{}",
        ran.err
    );
}
