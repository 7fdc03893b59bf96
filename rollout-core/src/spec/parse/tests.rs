//! Every way to write a spec wrong, with the whole message a person gets.

use proptest::prelude::*;

use super::{Format, TEXT_LIMIT, parse};
use crate::spec::{Gate, Spec, Strategy};

/// A whole spec, each part other than its default.
const FULL: &str = "
version: 1
workload: web
revision: v2
replicas: 4
strategy:
  canary:
    steps:
      - name: taste
        weight: 5
        gates:
          - hold: 10s
          - approval: { deadline: 1h }
      - weight: 12.5%
        gates: [health: 30s]
    min_replicas: 1
    scale_stable: true
    pace: { surge: 100%, unavailable: 0, parallelism: 2, batch_delay: 1s, counting: loose }
health:
  startup: { tcp: { port: 8080 }, period: 500ms }
  readiness:
    http: { path: /healthz, port: 8080, headers: { x-probe: rollout } }
    period: 5s
    timeout: 3s
    initial_delay: 1s
    failure_threshold: 3
    success_threshold: 2
  liveness: { exec: { command: [/bin/true, \"{address}\"] } }
  min_ready: 2s
  monitor: 20s
  max_failure_ratio: 10
drain: { deadline: 20s, stop_grace: 5s }
deadlines: { progress: 5m, total: 1h }
rollback: { on_failure: pause, pace: { order: start_first, parallelism: 2 } }
on_submit: queue
template: { image: \"web:2\" }
traffic: { haproxy: /run/haproxy.sock }
";

#[test]
fn a_whole_spec_reads_back_as_written_in_both_formats() {
    let spec = Spec::from_yaml(FULL).unwrap();
    let Strategy::Canary(canary) = &spec.strategy else {
        panic!("{:?}", spec.strategy);
    };
    assert_eq!(canary.steps[1].weight.to_string(), "12.5%");
    assert!(matches!(canary.steps[1].gates[..], [Gate::Health(_)]));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(Spec::from_json(&json).as_ref(), Ok(&spec));
    let yaml = serde_saphyr::to_string(&spec).unwrap();
    assert_eq!(Spec::from_yaml(&yaml).as_ref(), Ok(&spec));
    assert_eq!(crate::spec::CheckedSpec::check(&spec), []);
}

/// `expected` is the message for `tail` below two lines that are right.
fn yaml_says(tail: &str, expected: &str) {
    let text = format!("version: 1\nworkload: web\n{tail}");
    let error = Spec::from_yaml(&text).expect_err(tail);
    assert_eq!(error.to_string(), expected, "{tail}");
}

#[test]
fn unknown_names_are_named_with_the_nearest_known_one() {
    yaml_says(
        "strategy:\n  rolling:\n    surg: 1\n",
        "line 5, column 5: strategy.rolling.surg: unknown field `surg`; did you mean `surge`?",
    );
    yaml_says(
        "strategy:\n  blue-green: {}\n",
        "line 4, column 3: strategy: unknown name `blue-green`; did you mean `blue_green`?",
    );
    yaml_says(
        "on_submit: never\n",
        "line 3, column 12: on_submit: unknown name `never`; known here: supersede, queue, refuse",
    );
}

#[test]
fn wrong_values_are_named_with_what_would_be_right() {
    yaml_says(
        "replicas: four\n",
        "line 3, column 11: replicas: `four` is no whole number, 0 or more",
    );
    yaml_says(
        "health:\n  readiness:\n    http: {port: 99999}\n",
        "line 5, column 18: health.readiness.http.port: `99999` is no whole number from 0 to 65535",
    );
    yaml_says(
        "strategy:\n  rolling:\n    surge: 1.5\n",
        "line 5, column 12: strategy.rolling.surge: expected a whole number such as `2` or a percentage such as `25%`",
    );
    yaml_says(
        "strategy:\n  rolling:\n    unavailable: 120%\n",
        "line 5, column 18: strategy.rolling.unavailable: the share is 120%, the limit is 100%",
    );
    yaml_says(
        "drain:\n  deadline: 10\n",
        "line 4, column 13: drain.deadline: `10` is no length of time; write a number with its unit, such as `250ms`, `10s` or `1m 30s`",
    );
    yaml_says(
        "strategy:\n  canary:\n    scale_stable: yes\n",
        "line 5, column 19: strategy.canary.scale_stable: `yes` is neither `true` nor `false`; write one of them",
    );
}

#[test]
fn values_left_out_are_named() {
    let missing = "the value is missing; write a";
    yaml_says(
        "replicas:\n",
        &format!("line 3, column 9: replicas: {missing} whole number, 0 or more"),
    );
    assert_eq!(Spec::from_yaml("version: 1\nworkload: web\nrevision: ~\n").unwrap().revision, None);
    yaml_says(
        "health:\n  readiness:\n    exec:\n      command: [~]\n",
        "line 6, column 17: health.readiness.exec.command[0]: the value is missing; write a text",
    );
    let error = Spec::from_yaml("workload: web\n").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: the field `version` is missing; add it");
    let error = Spec::from_json(r#"{"workload": "web"}"#).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 19: the field `version` is missing; add it");
}

#[test]
fn missing_and_misplaced_parts_are_named() {
    yaml_says(
        "strategy:\n  canary:\n    steps:\n      - name: x\n",
        "line 6, column 9: strategy.canary.steps[0]: the field `weight` is missing; add it",
    );
    let needs = "it needs its fields, one a line below it; write `{}` for the defaults of all";
    yaml_says("strategy: rolling\n", &format!("line 3, column 11: strategy.rolling: {needs}"));
    yaml_says(
        "strategy: rolling\nreplicas: 4\n",
        &format!("line 3, column 11: strategy.rolling: {needs}"),
    );
    yaml_says("drain: 5\n", &format!("line 3, column 8: drain: {needs}"));
    yaml_says(
        "strategy:\n  rolling: {}\n  recreate: {}\n",
        "line 5, column 3: strategy.rolling: exactly one may be written here; remove this one or the other",
    );
    yaml_says(
        "strategy: {}\n",
        "line 3, column 12: strategy: exactly one name is expected here, with its fields below it",
    );
}

#[test]
fn keys_twice_and_second_documents_are_refused() {
    yaml_says(
        "workload: api\n",
        "line 3, column 1: `workload` is written twice; remove one of them",
    );
    yaml_says(
        "template:\n  image: a\n  image: b\n",
        "line 5, column 3: template: `image` is written twice; remove one of them",
    );
    yaml_says(
        "---\nversion: 1\n",
        "line 4, column 1: a second document begins here; a file holds one spec: split it at `---`",
    );
}

#[test]
fn an_empty_text_and_an_endless_one_are_refused() {
    for text in ["", "# nothing\n"] {
        let error = Spec::from_yaml(text).unwrap_err();
        assert_eq!(
            error.message,
            "there is nothing to read; a spec begins with `version: 1` and `workload: <name>`",
            "{text:?}"
        );
    }
    let long = " ".repeat(TEXT_LIMIT + 1);
    for format in [Format::Yaml, Format::Json] {
        let error = parse(&long, format).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 1: the text has 1048577 bytes, the limit is 1048576; a spec is one small document"
        );
    }
}

#[test]
fn anchors_that_multiply_are_refused() {
    let mut text = "version: 1\nworkload: web\ntemplate:\n  a0: &a0 [x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text = format!("{text}  a{level}: &a{level} [{aliases}]\n");
    }
    let error = Spec::from_yaml(&text).unwrap_err();
    assert!(error.message.starts_with("the text is too large or too deep"), "{error}");
}

#[test]
fn json_is_as_strict() {
    for (tail, expected) in [
        (
            r#""strategy": {"rolling": {"surg": 1}}"#,
            "line 2, column 31: strategy.rolling.surg: unknown field `surg`; did you mean `surge`?",
        ),
        (
            r#""replicas": "4""#,
            "line 2, column 15: replicas: invalid type: string \"4\", expected a whole number, 0 or more",
        ),
        (
            r#""replicas": 1, "replicas": 2"#,
            "line 2, column 25: `replicas` is written twice; remove one of them",
        ),
        (
            r#""strategy": "rolling""#,
            "line 2, column 22: strategy.rolling: it needs its fields; write `{}` for the defaults of all",
        ),
        (
            r#""drain": {"deadline": "soon"}"#,
            "line 2, column 29: drain.deadline: `soon` is no length of time; write a number with its unit, such as `250ms`, `10s` or `1m 30s`",
        ),
        ("x", "line 2, column 1: this is no JSON: key must be a string"),
        (
            "\"replicas\": 1}\n{",
            "line 3, column 1: there is more text after the spec; a file holds one spec: split it",
        ),
        (
            "\"replicas\": 1",
            "line 2, column 13: the text ends too early: EOF while parsing an object",
        ),
    ] {
        let end = if expected.contains("too early") { "" } else { "}" };
        let text = format!("{{\"version\": 1, \"workload\": \"web\",\n{tail}{end}");
        let error = Spec::from_json(&text).expect_err(tail);
        assert_eq!(error.to_string(), expected, "{tail}");
    }
}

proptest! {
    /// Whatever is cut out of a right spec: a spec or one error at a place inside the text, never a panic.
    #[test]
    fn damaged_texts_are_read_or_refused_at_a_place(start in 0..FULL.len(), length in 0..80_usize) {
        let end = (start + length).min(FULL.len());
        let damaged = format!("{}{}", &FULL[..start], &FULL[end..]);
        if let Err(error) = Spec::from_yaml(&damaged) {
            let lines = u64::try_from(damaged.lines().count()).unwrap();
            prop_assert!((1..=lines + 1).contains(&error.line), "{}", error);
            prop_assert!(!error.message.is_empty());
        }
        prop_assert!(Spec::from_json(&damaged).is_err());
    }
}
