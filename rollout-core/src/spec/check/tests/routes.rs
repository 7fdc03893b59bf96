//! Matches, mirrors and affinity.

use super::{refused, warned};

/// A canary whose one step has `rule` as its only match.
fn matched(rule: &str) -> String {
    format!("strategy: {{ canary: {{ steps: [{{ weight: 5, match: [{rule}] }}] }} }}")
}

#[test]
fn a_match_is_one_header_or_cookie_with_at_most_one_test() {
    for fine in [
        "{ header: x-beta }",
        "{ cookie: beta, exact: 'yes, always' }",
        "{ header: User-Agent, prefix: Mozilla }",
        "{ cookie: a.b_c, regex: '^(a|b)$' }",
    ] {
        refused(&matched(fine), "");
    }
    let field = "strategy.canary.steps[0].match[0]";
    refused(
        &matched("{}"),
        &format!("{field}: it has 0 of `header` and `cookie`; write exactly one of them"),
    );
    refused(
        &matched("{ header: a, cookie: b, exact: x, prefix: y, regex: z }"),
        &format!(
            "{field}: it has 2 of `header` and `cookie`; write exactly one of them\n\
             {field}: it has 3 of `exact`, `prefix` and `regex`; write at most one, and another match beside it for the other, as any match is enough"
        ),
    );
}

#[test]
fn names_and_values_are_those_of_requests() {
    let field = "strategy.canary.steps[0].match[0]";
    refused(
        &matched("{ header: 'a b: c' }"),
        &format!(
            "{field}.header: `a b: c` is no name that a request can have; write 1 to 128 letters, digits, `-`, `_` and `.`"
        ),
    );
    refused(
        &matched("{ cookie: '', exact: '', }"),
        &format!(
            "{field}.cookie: `` is no name that a request can have; write 1 to 128 letters, digits, `-`, `_` and `.`\n\
             {field}.exact: the value has 0 characters, allowed are 1 to 1024 printable ones; write such a value, or leave it out to ask only that the header or cookie is there"
        ),
    );
    refused(
        &matched("{ header: a, regex: \"secret\\r\\nx: y\" }"),
        &format!(
            "{field}.regex: the value has 12 characters, allowed are 1 to 1024 printable ones; write such a value, or leave it out to ask only that the header or cookie is there"
        ),
    );
    let many = vec!["{ header: a }"; 65].join(", ");
    refused(
        &matched(&many),
        "strategy.canary.steps[0].match: 65 matches are above the limit of 64; write fewer",
    );
}

#[test]
fn an_affinity_remembers_clients_by_a_cookie() {
    let kept = |affinity: &str| {
        format!(
            "strategy: {{ canary: {{ ramp: {{ linear: {{ by: 50 }} }}, affinity: {affinity} }} }}"
        )
    };
    refused(&kept("{ cookie: rollout }"), "");
    refused(
        &kept("{ cookie: 'a;b', max_age: 0s }"),
        "strategy.canary.affinity.cookie: `a;b` is no name that a request can have; write 1 to 128 letters, digits, `-`, `_` and `.`\n\
         strategy.canary.affinity.max_age: 0s remembers no client; write a span such as `1h`, or leave out the affinity",
    );
    refused(
        &kept("{ cookie: rollout, max_age: 9000h }"),
        "strategy.canary.affinity.max_age: 9000h is above the limit of 8760h; write less",
    );
}

#[test]
fn rules_beside_everything_are_warned_about() {
    assert_eq!(
        warned(
            "strategy: { canary: { steps: [{ weight: 5, mirror: 5 }, { weight: 100, mirror: 100 }] } }"
        ),
        [
            "strategy.canary.steps[1].mirror: at 100% the candidate gets every request anyway; write it in a stage with less, or leave it out"
        ]
    );
}
