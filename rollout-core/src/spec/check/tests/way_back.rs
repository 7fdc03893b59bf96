//! The way back, who promotes, and how much is remembered.

use super::{refused, warned};

#[test]
fn a_way_back_has_time_to_end() {
    refused("rollback: { timeout: 10m, health_check_interval: 9m, keep_failed: 1h }", "");
    refused(
        "rollback: { timeout: 0s }",
        "rollback.timeout: 0s leaves no time to go back; write a span such as `10m`, or leave it out for no limit of its own",
    );
    refused(
        "rollback: { timeout: 1m, health_check_interval: 1m }",
        "rollback.timeout: 1m is not above the 1m of `health_check_interval`, so the way back could never end in time; raise the one, or lower the other",
    );
    refused(
        "rollback: { timeout: 9002h, health_check_interval: 9001h, keep_failed: 9000h }",
        "rollback.timeout: 9002h is above the limit of 8760h; write less\n\
         rollback.health_check_interval: 9001h is above the limit of 8760h; write less\n\
         rollback.keep_failed: 9000h is above the limit of 8760h; write less",
    );
}

#[test]
fn a_way_back_that_takes_all_down_first_has_no_pace_and_keeps_nothing() {
    let of_pace = |name: &str, value: &str| {
        format!(
            "rollback.pace.{name}: `{value}` says how many are replaced at a time, but with `strategy: recreate` the whole candidate goes first; leave out one of the two"
        )
    };
    refused("rollback: { strategy: recreate, pace: { parallelism: 2 } }", "");
    refused(
        "rollback: { strategy: recreate, keep_failed: 1h, pace: { surge: 25%, unavailable: 1 } }",
        &format!(
            "{}\n{}\nrollback.keep_failed: 1h keeps the failed candidate, but with `strategy: recreate` it goes before stable comes back; leave out one of the two",
            of_pace("surge", "25%"),
            of_pace("unavailable", "1")
        ),
    );
    refused(
        "rollback: { strategy: recreate, pace: { order: stop_first } }",
        &of_pace("order", "stop_first"),
    );
}

#[test]
fn what_a_way_back_rarely_means_is_warned_about() {
    assert_eq!(
        warned("rollback: { strategy: recreate, timeout: 5s }\nhealth: { min_ready: 5s }"),
        [
            "rollback.strategy: with `recreate` nobody is served from the end of the candidate until stable is up again; leave it out if the two may run side by side",
            "rollback.timeout: 5s is not above the 5s that an instance takes to be available at best; a way back that starts one ends as `needs operator`",
        ]
    );
    assert_eq!(
        warned("strategy: { recreate: {} }\nrollback: { strategy: recreate, timeout: 5s }"),
        [""; 0]
    );
}

#[test]
fn a_history_remembers_something_and_not_everything() {
    refused("history: 1000", "");
    for value in [0, 1001] {
        refused(
            &format!("history: {value}"),
            &format!("history: {value} is outside 1 to 1000 revisions; write a number within"),
        );
    }
}

#[test]
fn promotions_and_approvals_leave_time() {
    let promoted =
        |after: &str| format!("strategy: {{ blue_green: {{ promotion: {{ after: {after} }} }} }}");
    refused(&promoted("10m"), "");
    refused(
        &promoted("0s"),
        "strategy.blue_green.promotion.after: 0s leaves no time to promote; write a span such as `10m`, or `promotion: automatic`",
    );
    refused(
        &promoted("9000h"),
        "strategy.blue_green.promotion.after: 9000h is above the limit of 8760h; write less",
    );
    refused(
        "strategy: { blue_green: { gates: [approval: { on_expiry: pass }, approval: { on_expiry: pass, deadline: 1m }] } }",
        "strategy.blue_green.gates[0].approval.on_expiry: `pass` needs an end to wait for, and there is no `deadline`; write one such as `deadline: 1h`, or leave it out",
    );
}
