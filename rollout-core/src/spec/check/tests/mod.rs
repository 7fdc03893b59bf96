//! Every refusal and every warning, with the whole message a person gets.

mod jobs;
mod routes;
mod stages;
mod way_back;

use crate::spec::{CheckedSpec, Spec};

fn spec(tail: &str) -> Spec {
    Spec::from_yaml(&format!("version: 1\nworkload: web\nreplicas: 4\n{tail}")).expect(tail)
}

/// What is said about a spec with `tail`, one refusal a line.
fn said(tail: &str) -> String {
    match CheckedSpec::new(spec(tail)) {
        Ok(_) => String::new(),
        Err(errors) => {
            for error in errors.as_slice() {
                assert!(error.to_string().starts_with(error.field()), "{error}");
            }
            errors.to_string()
        }
    }
}

fn refused(tail: &str, expected: &str) {
    assert_eq!(said(tail), expected, "{tail}");
}

#[test]
fn another_version_and_too_many_instances_are_refused() {
    let other = Spec { version: 2, replicas: (1 << 31) + 1, ..spec("") };
    assert_eq!(
        CheckedSpec::new(other).unwrap_err().to_string(),
        "version: 2 is not known, this engine reads version 1; set `version: 1`\n\
         replicas: 2147483649 is above the limit of 2147483648 instances; write less"
    );
}

#[test]
fn a_pace_that_cannot_move_is_refused() {
    let no_room = |field: &str| {
        format!(
            "{field}: surge is 0 and unavailable is 0 (0 is its default), so no instance could ever be replaced; set one of them to 1 or more"
        )
    };
    refused("strategy: { rolling: { surge: 0, unavailable: 0% } }", &no_room("strategy.rolling"));
    refused("strategy: { rolling: { surge: 0 } }", &no_room("strategy.rolling"));
    refused("rollback: { pace: { surge: 0%, unavailable: 0 } }", &no_room("rollback.pace"));
    refused("strategy: { rolling: { unavailable: 0 } }", "");
    refused(
        "strategy: { rolling: { parallelism: 0 } }",
        "strategy.rolling.parallelism: 0 instances in flight could never move anything; write 1 or more, or leave it out for no limit of its own",
    );
}

#[test]
fn an_order_beside_its_own_numbers_is_refused() {
    refused(
        "strategy: { rolling: { order: start_first, surge: 50% } }",
        "strategy.rolling.order: it already sets surge and unavailable, so `surge: 50%` beside it is ambiguous; leave out `order`, or leave out `surge`",
    );
    refused("strategy: { rolling: { order: stop_first, parallelism: 2 } }", "");
}

#[test]
fn numbers_and_waits_that_nobody_can_mean_are_refused() {
    let many = "is above the limit of 2147483648 instances; write less";
    refused(
        "strategy: { rolling: { surge: 2147483649, parallelism: 2147483649 } }",
        &format!(
            "strategy.rolling.surge: 2147483649 {many}\nstrategy.rolling.parallelism: 2147483649 {many}"
        ),
    );
    refused("strategy: { rolling: { surge: 2147483648, parallelism: 2147483648 } }", "");
    let long = "8761h is above the limit of 8760h; write less";
    refused(
        "strategy: { blue_green: { bake: 8761h, standby: 8761h } }\nhealth: { monitor: 8761h }",
        &format!(
            "strategy.blue_green.bake: {long}\nstrategy.blue_green.standby: {long}\nhealth.monitor: {long}"
        ),
    );
    refused(
        "health: { min_ready: 8761h }\ndeadlines: { progress: 8762h, total: 8762h }",
        "health.min_ready: 8761h is above the limit of 8760h; write less\n\
         deadlines.progress: 8762h is above the limit of 8760h; write less\n\
         deadlines.total: 8762h is above the limit of 8760h; write less",
    );
    refused("deadlines: { progress: 1h, total: 1h }", "");
}

#[test]
fn both_ways_count_alike() {
    refused(
        "rollback: { pace: { counting: loose } }",
        "rollback.pace.counting: both ways count alike, `loose` cannot be set for one; leave it out, and set `counting` in the pace of the strategy",
    );
    refused("strategy: { rolling: { counting: loose } }", "");
}

#[test]
fn weights_that_do_not_rise_are_refused_with_the_step_named() {
    let does_not_rise = |weight: &str, step: &str, before: &str| {
        format!(
            "strategy.canary.steps[1].weight: {weight} of step `{step}` is not above the {before} of step `{before}`; weights must rise from step to step: remove one of the two steps, or raise this weight"
        )
    };
    refused(
        "strategy: { canary: { steps: [{ weight: 50 }, { weight: 25, name: less }] } }",
        &does_not_rise("25%", "less", "50%"),
    );
    refused(
        "strategy: { canary: { steps: [{ weight: 50 }, { weight: 50, name: same }] } }",
        &does_not_rise("50%", "same", "50%"),
    );
    refused("strategy: { canary: { steps: [{ weight: 0 }, { weight: 100 }] } }", "");
    refused(
        "strategy: { canary: {} }",
        "strategy.canary.steps: there is none; write at least one such as `- weight: 25`, write a `ramp`, or use `rolling`",
    );
}

#[test]
fn step_names_are_unique_and_their_own() {
    refused(
        "strategy: { canary: { steps: [{ weight: 1, name: a }, { weight: 2, name: a }] } }",
        "strategy.canary.steps[1].name: `a` is the name of an earlier step too; names must differ",
    );
    refused(
        "strategy: { canary: { steps: [{ weight: 1, name: '2%' }, { weight: 2 }] } }",
        "strategy.canary.steps[1].name: `2%` is the name of an earlier step too; names must differ",
    );
    refused(
        "strategy: { canary: { steps: [{ weight: 1, name: promote }] } }",
        "strategy.canary.steps[0].name: `promote` is the name of a stage that the planner makes itself; take another name",
    );
    refused(
        "strategy: { canary: { steps: [{ weight: 1, name: '' }] } }",
        "strategy.canary.steps[0].name: the name has 0 characters, allowed are 1 to 63 printable ones; take another name",
    );
}

#[test]
fn parts_larger_than_the_whole_or_empty_are_refused() {
    let more = "is more than the 4 desired instances; write at most 4, or raise `replicas`";
    refused(
        "strategy: { blue_green: { preview_replicas: 5 } }",
        &format!("strategy.blue_green.preview_replicas: 5 {more}"),
    );
    refused(
        "strategy: { canary: { min_replicas: 9, steps: [{ weight: 5, replicas: 6 }] } }",
        &format!(
            "strategy.canary.steps[0].replicas: 6 {more}\nstrategy.canary.min_replicas: 9 {more}"
        ),
    );
    refused(
        "strategy: { blue_green: { preview_replicas: 0% } }",
        "strategy.blue_green.preview_replicas: 0% means no instance at all; write 1 or more, or leave it out",
    );
}

#[test]
fn gates_that_cannot_pass_are_refused_and_zero_holds_are_not() {
    refused(
        "strategy: { blue_green: { gates: [{ hold: 0s }, { approval: { deadline: 0s } }] } }",
        "strategy.blue_green.gates[1].approval.deadline: 0s leaves no time to approve; write a span such as `1h`, or leave it out for no limit",
    );
    refused(
        "strategy: { canary: { steps: [{ weight: 5, gates: [{ hold: 9600h }] }] } }",
        "strategy.canary.steps[0].gates[0].hold: 9600h is above the limit of 8760h; write less",
    );
}

#[test]
fn probes_are_exactly_one_thing_that_can_be_asked() {
    let kinds = |given: usize| {
        format!(
            "health.readiness: it has {given} of the kinds `http`, `tcp` and `exec`; write exactly one of them"
        )
    };
    refused("health: { readiness: {} }", &kinds(0));
    refused("health: { readiness: { tcp: { port: 1 }, exec: { command: [a] } } }", &kinds(2));
    refused(
        "health: { liveness: { http: { path: health, port: 0 }, period: 0s, timeout: 0s, failure_threshold: 0, success_threshold: 0 } }",
        "health.liveness.http.path: `health` does not begin with `/`; write `/health`\n\
         health.liveness.http.port: 0 is no port; write 1 to 65535\n\
         health.liveness.period: 0s is not possible, the least is 1ms; write a span such as `1s`\n\
         health.liveness.timeout: 0s is not possible, the least is 1ms; write a span such as `1s`\n\
         health.liveness.failure_threshold: 0 would decide before the first answer; write 1 or more\n\
         health.liveness.success_threshold: 0 would decide before the first answer; write 1 or more",
    );
    refused(
        "health: { startup: { exec: { command: [] } } }",
        "health.startup.exec.command: there is no program; write a list such as `[/bin/check, \"{address}\"]`",
    );
    refused(
        "health: { startup: { tcp: { port: 0 }, initial_delay: 25h } }\ndeadlines: { progress: 48h }",
        "health.startup.tcp.port: 0 is no port; write 1 to 65535\n\
         health.startup.initial_delay: 25h is above the limit of 24h; write less",
    );
}

#[test]
fn requests_of_a_probe_are_one_request() {
    refused(
        "health: { readiness: { http: { port: 80, path: '/a b' } } }",
        "health.readiness.http.path: it has a blank or a control character at character 3; write it as `%20` and the like",
    );
    refused(
        "health: { readiness: { http: { port: 80, headers: { 'a:': x, b: \"secret\\r\\nc: d\", x-good: 'any value' } } } }",
        "health.readiness.http.headers: `a:` is no header that can be sent; its name has letters, digits and `-`, its value no control character\n\
         health.readiness.http.headers: `b` is no header that can be sent; its name has letters, digits and `-`, its value no control character",
    );
}

#[test]
fn a_monitor_that_proves_nothing_is_refused_with_the_sum() {
    let probe = "readiness: { http: { port: 80 }, period: 5s, timeout: 3s, initial_delay: 2s, failure_threshold: 3 }";
    refused(
        &format!("health: {{ {probe}, monitor: 19s }}"),
        "health.monitor: 19s is shorter than the 20s that the readiness probe needs to find a failure (initial_delay 2s + failure_threshold 3 x period 5s + timeout 3s); raise it to 20s, probe faster, or set it to 0s to monitor nothing",
    );
    refused(&format!("health: {{ {probe}, monitor: 20s }}"), "");
    refused(&format!("health: {{ {probe} }}"), "");
    refused(
        "health: { max_failure_ratio: 100 }",
        "health.max_failure_ratio: 100% can never be exceeded, so no failure would ever count; write less than 100%",
    );
}

#[test]
fn deadlines_that_cannot_be_met_are_refused() {
    refused(
        "health: { min_ready: 10s, readiness: { tcp: { port: 1 }, initial_delay: 5s, period: 2s, success_threshold: 3 } }\ndeadlines: { progress: 19s, total: 18s }",
        "deadlines.progress: 19s is not above the 19s that an instance takes to be available at best (probe delays and successes, then min_ready 10s); raise it\n\
         deadlines.total: 18s is below deadlines.progress, 19s, so it could only be hit first; raise it, or lower the other",
    );
    refused(
        "deadlines: { progress: 0s }\ndrain: { deadline: 25h, stop_grace: 1500m }",
        "drain.deadline: 25h is above the limit of 24h; write less\n\
         drain.stop_grace: 25h is above the limit of 24h; write less\n\
         deadlines.progress: 0s is not above the 0s that an instance takes to be available at best (probe delays and successes, then min_ready 0s); raise it",
    );
}

#[test]
fn a_pause_is_no_standing_still() {
    let pause = |progress: &str| {
        format!(
            "strategy: {{ rolling: {{ batch_delay: 10s }} }}\nhealth: {{ min_ready: 2s }}\ndeadlines: {{ progress: {progress} }}"
        )
    };
    refused(
        &pause("12s"),
        "deadlines.progress: 12s is not above the 12s from one batch to the next at best (strategy.rolling.batch_delay 10s, then a start); raise it, or shorten the pause",
    );
    refused(&pause("13s"), "");
}

#[test]
fn every_refusal_begins_with_its_field() {
    let many = "strategy: { canary: { steps: [], pace: { surge: 0, parallelism: 0 } } }\nhealth: { readiness: {}, max_failure_ratio: 100 }\ndrain: { deadline: 99h }\ndeadlines: { progress: 0s }";
    let errors = CheckedSpec::check(&spec(many));
    assert_eq!(errors.len(), 7);
    for error in errors {
        assert!(error.to_string().starts_with(error.field()), "{error}");
    }
}

#[test]
fn a_checked_spec_is_checked_again_when_read() {
    let checked = CheckedSpec::new(spec("")).unwrap();
    let mut json = serde_json::to_value(&checked).unwrap();
    assert_eq!(serde_json::from_value(json.clone()).ok(), Some(checked));
    json["version"] = 7.into();
    let error = serde_json::from_value::<CheckedSpec>(json).unwrap_err();
    assert!(error.to_string().starts_with("version: 7"), "{error}");
}

/// What is warned about in a spec with `tail`, without what the defaults alone are warned about.
fn warned(tail: &str) -> Vec<String> {
    let all = CheckedSpec::new(spec(tail)).expect(tail).warnings();
    let usual = CheckedSpec::new(spec("")).unwrap().warnings();
    all.iter().filter(|it| !usual.contains(it)).map(ToString::to_string).collect()
}

#[test]
fn what_is_rarely_meant_is_warned_about() {
    let tail = "health:
  startup: { tcp: { port: 1 }, period: 11s, failure_threshold: 60, timeout: 12s }
  liveness: { http: { path: /health/db, port: 1 } }";
    let checked = CheckedSpec::new(spec(tail)).unwrap();
    let warnings: Vec<String> = checked.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "health.startup.timeout: 12s is longer than the period of 11s; an attempt waits for the one before, so the period is stretched",
            "health.startup.period: 11s between TCP attempts is above 10s; with 60 failures in a row a dead instance keeps its traffic for 11m",
            "health.liveness.http.path: `/health/db` sounds like a check of what the instance depends on; when that fails, every instance fails at once",
            "health.readiness: there is none, so an instance that runs counts as ready; add a probe, or rely on the backend's own health check",
            "deadlines.progress: 10m is shorter than the 11m that the startup probe lets an instance take; the deadline decides first",
        ]
    );
    let slow = CheckedSpec::new(spec("deadlines: { progress: 40s }")).unwrap();
    assert_eq!(
        slow.warnings().last().unwrap().to_string(),
        "deadlines.progress: 40s is not above the 40s that one instance may take to go (drain.deadline and drain.stop_grace); where the next one waits for it, a slow drain fails the rollout"
    );
    let fine = spec("health: { readiness: { http: { path: /healthz, port: 80 } } }");
    assert_eq!(CheckedSpec::new(fine).unwrap().warnings(), []);
}
