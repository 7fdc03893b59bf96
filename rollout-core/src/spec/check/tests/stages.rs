//! Ramps and stages written by hand.

use super::{refused, said, warned};

const WAY_OUT: &str = "write a share above 0% and below 100%, or use `rolling`";

#[test]
fn steps_are_written_or_made_by_a_ramp_not_both() {
    refused("strategy: { canary: { ramp: { linear: { by: 25 } } } }", "");
    refused("strategy: { canary: { ramp: { exponential: { from: 1 } } } }", "");
    refused(
        "strategy: { canary: { ramp: { linear: { by: 25 } }, steps: [{ weight: 5 }, { weight: 9 }] } }",
        "strategy.canary.ramp: it makes the steps, so the 2 in `steps` beside it are ambiguous; leave out one of the two",
    );
}

#[test]
fn ramps_rise() {
    refused(
        "strategy: { canary: { ramp: { linear: { by: 0 } } } }",
        &format!("strategy.canary.ramp.linear.by: 0% makes no step; {WAY_OUT}"),
    );
    refused(
        "strategy: { canary: { ramp: { exponential: { from: 100, factor: 1 } } } }",
        &format!(
            "strategy.canary.ramp.exponential.from: 100% makes no step; {WAY_OUT}\n\
             strategy.canary.ramp.exponential.factor: 1 never rises; write 2 or more"
        ),
    );
    refused("strategy: { canary: { ramp: { linear: { by: 0.1% } } } }", "");
    refused(
        "strategy: { canary: { ramp: { linear: { by: 0.09%, gates: [hold: 9999h] } } } }",
        "strategy.canary.ramp.linear.by: 1111 steps are above the limit of 1000; write more\n\
         strategy.canary.ramp.linear.gates[0].hold: 9999h is above the limit of 8760h; write less",
    );
}

/// Stages with `more` in the second of two.
fn hand(more: &str) -> String {
    format!(
        "strategy: {{ stages: [{{ name: half, candidate: 2, stable: 2 }}, {{ name: all, candidate: 4, stable: 0, proves: true{more} }}] }}"
    )
}

#[test]
fn stages_by_hand_are_some_with_names_of_their_own_and_one_proof() {
    refused(&hand(""), "");
    refused(
        "strategy: { stages: [] }",
        "strategy.stages: there is none; write at least one such as `- { name: roll, candidate: 100%, stable: 0, proves: true }`, or use `rolling`",
    );
    refused(
        "strategy: { stages: [{ name: a, candidate: 2, stable: 2 }, { name: a, candidate: 4, stable: 0 }] }",
        "strategy.stages: 0 of them have `proves: true`, exactly one must; it is the one at whose end the candidate is to become stable\n\
         strategy.stages[1].name: `a` is the name of an earlier step too; names must differ",
    );
    refused(
        "strategy: { stages: [{ name: before, candidate: 2, stable: 2, proves: true }, { name: '', candidate: 4, stable: 0, proves: true }] }",
        "strategy.stages: 2 of them have `proves: true`, exactly one must; it is the one at whose end the candidate is to become stable\n\
         strategy.stages[0].name: `before` is the name of a stage that the planner makes itself; take another name\n\
         strategy.stages[1].name: the name has 0 characters, allowed are 1 to 63 printable ones; take another name",
    );
}

#[test]
fn numbers_of_stages_by_hand_are_within_the_desired_ones() {
    refused(
        "strategy: { stages: [{ name: a, candidate: 5, stable: 9, proves: true, pace: { surge: 0 }, gates: [approval: { deadline: 0s }] }] }",
        "strategy.stages[0].candidate: 5 is more than the 4 desired instances; write at most 4, or raise `replicas`\n\
         strategy.stages[0].stable: 9 is more than the 4 desired instances; write at most 4, or raise `replicas`\n\
         strategy.stages[0].pace: surge is 0 and unavailable is 0 (0 is its default), so no instance could ever be replaced; set one of them to 1 or more\n\
         strategy.stages[0].gates[0].approval.deadline: 0s leaves no time to approve; write a span such as `1h`, or leave it out for no limit",
    );
}

#[test]
fn stages_by_hand_count_alike_and_pause_within_the_deadline() {
    let two = |first: &str, second: &str| {
        format!(
            "strategy: {{ stages: [{{ name: a, candidate: 2, stable: 2, pace: {first} }}, {{ name: b, candidate: 4, stable: 0, proves: true, pace: {second} }}] }}"
        )
    };
    refused(&two("{ counting: loose }", "{ counting: loose }"), "");
    refused(
        &two("{ counting: loose }", "{ counting: strict }"),
        "strategy.stages[1].pace.counting: `strict`, but an earlier stage says `loose`; all stages count alike: write it once, or the same everywhere",
    );
    refused(
        &two("{}", "{ batch_delay: 10m }"),
        "deadlines.progress: 10m is not above the 10m from one batch to the next at best (strategy.stages[1].pace.batch_delay 10m, then a start); raise it, or shorten the pause",
    );
}

#[test]
fn rules_need_a_route_by_weight() {
    let without = |name: &str| {
        format!(
            "strategy.stages[1].{name}: it needs a route by weight, and that of stage `all` is not; write `route: {{ weight: 0% }}` or more there, or leave it out"
        )
    };
    let rules = ", match: [header: x-beta], mirror: 5%, affinity: { cookie: seen }";
    refused(&hand(rules), &[without("match"), without("mirror"), without("affinity")].join("\n"));
    let weighted = format!("{rules}, route: {{ weight: 100 }}");
    refused(&hand(&weighted), "");
    let at_full = |name: &str| {
        format!(
            "strategy.stages[1].{name}: at 100% the candidate gets every request anyway; write it in a stage with less, or leave it out"
        )
    };
    assert_eq!(warned(&hand(&weighted)), [at_full("match"), at_full("mirror")]);
}

#[test]
fn more_stages_than_anyone_could_follow_are_refused() {
    let stages: Vec<String> = (0..1001)
        .map(|place| {
            format!("{{ name: s{place}, candidate: 1, stable: 3, proves: {} }}", place == 9)
        })
        .collect();
    assert_eq!(
        said(&format!("strategy: {{ stages: [{}] }}", stages.join(", "))),
        "strategy.stages: 1001 stages are above the limit of 1000; write fewer"
    );
}
