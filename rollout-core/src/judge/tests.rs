//! Metrics: conditions, limits, what is missing, when the next reading is due.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    spec::CheckError,
    time::{Span, Timestamp},
};

fn metric(rest: &serde_json::Value) -> Metric {
    let mut metric = json!({"name": "errors", "query": "rate", "pass": {"below": "0.05"}});
    for (key, value) in rest.as_object().unwrap() {
        metric[key] = value.clone();
    }
    serde_json::from_value(metric).unwrap()
}

/// The tally of values a minute apart, the first at 0.
fn tally(metric: &Metric, readings: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for (minute, text) in (0..).zip(readings) {
        let reading = Reading::of_text(text);
        tally.add(metric, Timestamp(minute * 60_000), &reading);
    }
    tally
}

fn told(metric: &Metric, readings: &[&str], is_over: bool) -> String {
    metric.assess(&tally(metric, readings), is_over).to_string()
}

#[test]
fn one_condition_or_two() {
    let finding = |rest: serde_json::Value, value: u32| match metric(&rest).hold(value.into()) {
        Finding::Passing(compared) => format!("passes: {compared}"),
        Finding::Failing(compared) => format!("fails: {compared}"),
        Finding::Undecided => "undecided".to_owned(),
    };
    let pass = json!({"pass": {"below": 3}});
    assert_eq!(finding(pass.clone(), 2), "passes: 2 is below 3");
    assert_eq!(finding(pass, 3), "fails: 3 is not below 3");
    let fail = json!({"pass": null, "fail": {"above": 5}});
    assert_eq!(finding(fail.clone(), 5), "passes: 5 is not above 5");
    assert_eq!(finding(fail, 6), "fails: 6 is above 5");
    let both = json!({"pass": {"below": 3}, "fail": {"above": 5}});
    assert_eq!(finding(both.clone(), 2), "passes: 2 is below 3");
    assert_eq!(finding(both.clone(), 4), "undecided");
    assert_eq!(finding(both, 6), "fails: 6 is above 5");
    let crossed = json!({"pass": {"above": 3}, "fail": {"above": 5}});
    assert_eq!(finding(crossed, 6), "fails: 6 is above 5");
}

#[test]
fn verdicts_tell_the_numbers_they_rest_on() {
    let plain = metric(&json!({}));
    let counted = metric(&json!({"count": 3, "failure_limit": 1, "min_duration": "2m"}));
    for (metric, readings, is_over, expected) in [
        (&plain, &["0.01"][..], false, "pass: 1 of 1 values over 0s passed"),
        (
            &plain,
            &["0.07"],
            false,
            "fail: 1 failing values, 0 are tolerated; the last one: 0.07 is not below 0.05",
        ),
        (&counted, &["0.01", "0.07"], false, "continue: 2 of 3 values over 1m of 2m, 1 passed"),
        (&counted, &["0.01", "0.07"], true, "no data: 2 of 3 values over 1m of 2m, 1 passed"),
        (
            &counted,
            &["0.01", "0.07", "0.05"],
            false,
            "fail: 2 failing values, 1 are tolerated; the last one: 0.05 is not below 0.05",
        ),
        (&counted, &["0.01", "0.07", "0.049"], false, "pass: 2 of 3 values over 2m passed"),
        (
            &plain,
            &["NaN"; 5],
            false,
            "fail: 5 errors and no value in between, 4 are tolerated; the last one: `NaN` is not finite; a query that divides by zero gives such a value",
        ),
        (
            &plain,
            &[""; 5],
            false,
            "no data: 5 empty readings and no value in between, 4 are tolerated",
        ),
        (
            &plain,
            &["NaN", "", "NaN", "", "NaN", "", "NaN", ""],
            false,
            "continue: 0 of 1 values over 0s of 0s, 0 passed",
        ),
        (
            &plain,
            &["NaN", "", "NaN", "", "NaN", "", "NaN", "", "NaN"],
            false,
            "fail: 5 errors and no value in between, 4 are tolerated; the last one: `NaN` is not finite; a query that divides by zero gives such a value",
        ),
        (&plain, &[], true, "no data: 0 of 1 values over 0s of 0s, 0 passed"),
        (&plain, &["", "NaN"], true, "no data: 0 of 1 values over 0s of 0s, 0 passed"),
    ] {
        assert_eq!(told(metric, readings, is_over), expected, "{readings:?}");
    }
}

#[test]
fn limits_in_a_row() {
    let failing = metric(&json!({"consecutive_failure_limit": 1, "count": 5}));
    let bad = ["1", "0", "1", "1", "0"];
    assert_eq!(told(&failing, &bad[..3], false), "continue: 3 of 5 values over 2m of 0s, 1 passed");
    let broken =
        "fail: 2 failing values in a row, 1 are tolerated; the last one: 1 is not below 0.05";
    assert_eq!(told(&failing, &bad[..4], false), broken);
    assert_eq!(told(&failing, &bad, false), broken, "a failure stays one");

    let passing = metric(&json!({"consecutive_success_limit": 2, "failure_limit": 2, "count": 6}));
    assert_eq!(
        told(&passing, &["0", "1", "0"], false),
        "continue: 1 of 2 passing values in a row, 3 read"
    );
    assert_eq!(told(&passing, &["0", "1", "0", "0"], false), "pass: 3 of 4 values over 3m passed");
    let between = metric(
        &json!({"pass": {"below": 1}, "fail": {"above": 2}, "consecutive_success_limit": 2, "inconclusive_limit": 1}),
    );
    assert_eq!(
        told(&between, &["0", "1.5", "0"], false),
        "continue: 1 of 2 passing values in a row, 3 read"
    );
    assert_eq!(
        told(&between, &["0", "1.5", "1.5"], false),
        "no data: 2 undecided values, 1 are tolerated"
    );
    assert_eq!(
        told(&between, &["0", "1.5", "1.5", "3"], false),
        "fail: 1 failing values, 0 are tolerated; the last one: 3 is above 2"
    );
}

#[test]
fn a_dry_run_decides_nothing_and_says_what_it_would_have() {
    let dry = metric(&json!({"dry_run": true}));
    let judgement = dry.assess(&tally(&dry, &["1"]), false);
    assert_eq!((judgement.verdict, judgement.dry), (Verdict::Pass, Some(Verdict::Fail)));
    assert!(judgement.to_string().starts_with("pass, a dry run of fail: 1 failing values"));
    let waiting = dry.assess(&Tally::default(), false);
    assert_eq!((waiting.verdict, waiting.dry), (Verdict::Continue, None));
    assert_eq!(dry.assess(&Tally::default(), true).dry, Some(Verdict::NoData));
}

#[test]
fn readings_are_due_after_the_delay_and_then_one_interval_apart() {
    let metric = metric(&json!({"initial_delay": "2m", "interval": "30s"}));
    let mut tally = Tally::default();
    assert_eq!(metric.next_due(Timestamp(1_000), &tally), Timestamp(121_000));
    tally.add(&metric, Timestamp(125_000), &Reading::NoData);
    assert_eq!(metric.next_due(Timestamp(1_000), &tally), Timestamp(155_000));
    assert_eq!(metric.next_due(Timestamp(u64::MAX), &tally), Timestamp(u64::MAX));
}

/// The metric is refused for one reason, at the field that the reason begins with.
fn refuses(rest: &serde_json::Value, expected: &str) {
    let mut errors = Vec::new();
    metric(rest).check("m", &mut errors);
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told, [expected]);
    assert!(expected.starts_with(errors[0].field()), "{errors:?}");
}

#[test]
fn what_says_nothing_is_refused() {
    let long = "x".repeat(64);
    for (rest, expected) in [
        (
            json!({"name": ""}),
            "m.name: the name has 0 characters, allowed are 1 to 63 printable ones; take another name",
        ),
        (
            json!({"name": long}),
            "m.name: the name has 64 characters, allowed are 1 to 63 printable ones; take another name",
        ),
        (
            json!({"query": " "}),
            "m.query: it is empty, so nothing would be asked; write the query in the words of its source",
        ),
        (
            json!({"pass": null}),
            "m: it has neither `pass` nor `fail`, so no value would ever be judged; write a condition such as `pass: {below: 0.01}`",
        ),
        (
            json!({"fail": {"outside": {"from": 2, "to": 1}}}),
            "m.fail: it goes from 2 down to 1; swap the two",
        ),
    ] {
        refuses(&rest, expected);
    }
}

#[test]
fn what_could_never_decide_is_refused() {
    for (rest, expected) in [
        (
            json!({"interval": "0s"}),
            "m.interval: 0s leaves no time between two readings; write a span such as `30s`",
        ),
        (
            json!({"min_duration": "9000h"}),
            "m.min_duration: 9000h is above the limit of 8760h; write less",
        ),
        (
            json!({"count": 0}),
            "m.count: 0 would decide before the first value; write 1 or more, or leave it out",
        ),
        (
            json!({"min_samples": 0}),
            "m.min_samples: 0 would decide before the first value; write 1 or more, or leave it out",
        ),
        (
            json!({"count": 4, "failure_limit": 2, "consecutive_success_limit": 3}),
            "m.count: 4 values are fewer than the 5 that `failure_limit` and `consecutive_success_limit` need; raise it to 5, or lower them",
        ),
        (
            json!({"failure_limit": "none", "count": 3}),
            "m.failure_limit: none, and neither `consecutive_failure_limit` nor `consecutive_success_limit` is set, so no value could ever fail it; set one of the three",
        ),
        (
            json!({"consecutive_failure_limit": 3}),
            "m.count: there is no limit for failing values and none for all, so it could read for ever; set `count`, or `failure_limit`",
        ),
    ] {
        refuses(&rest, expected);
    }
    for rest in
        [json!({}), json!({"failure_limit": "none", "consecutive_success_limit": 3, "count": 9})]
    {
        let mut errors: Vec<CheckError> = Vec::new();
        metric(&rest).check("m", &mut errors);
        assert_eq!(errors, []);
    }
}

#[test]
fn a_metric_reads_back_as_written_and_has_a_schema() {
    let yaml = "
name: error rate
query: sum(rate(errors[1m]))
pass: {below: 0.01}
fail: {outside: {from: 0, to: 5e-2}}
interval: 30s
failure_limit: none
consecutive_failure_limit: 2
count: 9
";
    let metric: Metric = serde_saphyr::from_str(yaml).unwrap();
    assert_eq!(metric.to_string(), "metric `error rate` passes below 0.01 fails outside 0 to 0.05");
    let json = serde_json::to_string(&metric).unwrap();
    assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
    let judgement = metric.assess(&tally(&metric, &["1", "1", "1"]), false);
    let json = serde_json::to_string(&judgement).unwrap();
    assert_eq!(serde_json::from_str::<Judgement>(&json).unwrap(), judgement);
    let schema = schemars::schema_for!(Metric).to_value();
    assert_eq!(schema["additionalProperties"], false);
}

fn any_metric() -> impl Strategy<Value = Metric> {
    let limit = || prop::option::of(0..4_u64);
    let counts = (prop::option::of(1..12_u64), 1..4_u64, 0..4_u64);
    (counts, limit(), limit(), prop::option::of(1..4_u64), 0..3_u64, 0..3_u64).prop_map(
        |((count, min_samples, minutes), failures, in_a_row, successes, undecided, errors)| {
            let mut rest = json!({
                "pass": {"below": 1}, "fail": {"above": 2}, "count": count, "min_samples": min_samples,
                "consecutive_failure_limit": in_a_row, "consecutive_success_limit": successes,
                "inconclusive_limit": undecided, "error_limit": errors, "no_data_limit": errors,
            });
            rest["failure_limit"] = failures.map_or_else(|| json!("none"), |limit| json!(limit));
            rest["min_duration"] = json!(Span::from_secs(minutes * 60));
            metric(&rest)
        },
    )
}

proptest! {
    /// A checked metric ends within a number of readings that its limits give; a failure stays one; what is
    /// not one good value never passes.
    #[test]
    fn a_checked_metric_ends_and_a_failure_stays(
        metric in any_metric(),
        readings in prop::collection::vec(prop::sample::select(vec!["0", "0", "0", "1.5", "3", "", "NaN"]), 80),
    ) {
        let mut errors = Vec::new();
        metric.check("m", &mut errors);
        if !errors.is_empty() {
            return Ok(());
        }
        let (mut tally, mut has_failed, mut has_ended) = (Tally::default(), false, false);
        for (minute, text) in (0..).zip(readings) {
            tally.add(&metric, Timestamp(minute * 60_000), &Reading::of_text(text));
            let judgement = metric.assess(&tally, false);
            let verdict = judgement.verdict;
            prop_assert!(!has_failed || verdict == Verdict::Fail, "{}", judgement);
            if verdict == Verdict::Pass {
                prop_assert!(0 < tally.passed && metric.min_samples <= tally.samples());
                prop_assert!(metric.min_duration <= tally.watched());
            }
            let over = metric.assess(&tally, true).verdict;
            prop_assert_ne!(over, Verdict::Continue);
            prop_assert!(verdict == Verdict::Continue || over == verdict);
            has_failed |= verdict == Verdict::Fail;
            has_ended |= verdict != Verdict::Continue;
            let text = serde_json::to_string(&tally).unwrap();
            prop_assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally.clone());
        }
        prop_assert!(has_ended, "{:?} after {:?}", metric, tally);
    }
}
