//! Stages written by hand: resolved as they are, and refused with the linter's words.

use super::{planned, stages};
use crate::plan::Remark;

#[test]
fn stages_by_hand_are_walked_as_they_are_written() {
    let plan = planned(
        "health: { monitor: 9s }
strategy:
  stages:
    - { name: one, candidate: 1, stable: 100%, route: { weight: 0 }, match: [header: x-beta], gates: [hold: 5s] }
    - { name: half, candidate: 50%, stable: 100%, route: { weight: 33.33% }, mirror: 1%, affinity: { cookie: seen } }
    - { name: all, candidate: 100%, stable: 100%, route: { weight: 100 }, proves: true, modules: { breaker: true } }
    - { name: gone, candidate: 100%, stable: 0, route: { weight: 100 } }
breaker: {}",
        Some(100),
        false,
    )
    .unwrap();
    assert_eq!(plan.strategy, "stages");
    assert_eq!(stages(&plan), ["one 1/4 0%", "half 2/4 33%", "all 4/4 100% *", "gone 4/0 100%"]);
    assert!(matches!(&plan.remarks[..], [Remark::ShareDiffers { stage, .. }] if stage == "half"));
    let said: Vec<_> = plan.stages.iter().map(|it| (it.budget.surge, it.gates.len())).collect();
    assert_eq!(said, [(4, 1), (4, 0), (4, 1), (4, 0)]);
    assert_eq!(plan.stages[0].rules.matches.len(), 1);
    assert_eq!(plan.stages[1].rules.mirror.to_string(), "1%");
    assert!(plan.stages[1].rules.affinity.is_some() && plan.stages[2].modules.breaker);
    assert_eq!(plan.rollback.surge, 4);
}

#[test]
fn downtime_by_hand_is_declared_and_said() {
    let stages_of = "strategy: { stages: [{ name: off, candidate: 0, stable: 0, route: nobody }, { name: on, candidate: 4, stable: 0, proves: true, pace: { counting: loose } }] }";
    for (router, expected) in [
        (Some(100), ["off 0/0 empty", "on 4/0 replicas *"]),
        (None, ["off 0/0 replicas", "on 4/0 replicas *"]),
    ] {
        let plan = planned(stages_of, router, false).unwrap();
        assert_eq!(stages(&plan), expected);
        assert_eq!(plan.remarks, [Remark::Downtime { stage: "off".to_owned() }]);
        assert_eq!(plan.stages[0].budget.unavailable, 4);
        assert_eq!((plan.rollback.surge, plan.counting), (1, crate::spec::Counting::Loose));
    }
}

#[test]
fn stages_that_would_break_a_guarantee_are_refused_with_the_finding() {
    let refused = |stages: &str, router, expected: &str| {
        let tail = format!("strategy: {{ stages: [{stages}] }}");
        for first in [false, true] {
            assert_eq!(planned(&tail, router, first).unwrap_err(), expected, "{stages}");
        }
    };
    refused(
        "{ name: a, candidate: 1, stable: 1 }, { name: b, candidate: 3, stable: 0, proves: true }",
        None,
        "strategy.stages: they cannot be walked safely: \
         stage `b` proves the candidate with 3 of 4 instances and 100% of the traffic; \
         the last stage `b` ends with 3 candidate and 0 stable instances and 100% of the traffic on the candidate, wanted are 4, 0 and 100%; \
         stage `a` ends with 2 instances, its floor is 4; \
         stage `b` ends with 3 instances, its floor is 4; change these stages",
    );
    refused(
        "{ name: a, candidate: 0, stable: 4, route: { weight: 0 }, mirror: 5 }, { name: b, candidate: 4, stable: 4, route: { weight: 100 }, affinity: { cookie: c }, proves: true }, { name: c, candidate: 4, stable: 0, route: { weight: 100 } }",
        Some(100),
        "strategy.stages: they cannot be walked safely: \
         stage `a` sends matched or copied requests to the candidate, which has 0 instances there; it needs 1; \
         stage `b` keeps clients on stable, which gets 0% of the traffic there; change these stages",
    );
    refused(
        "{ name: a, candidate: 1, stable: 4, route: { weight: 50 } }, { name: b, candidate: 4, stable: 0, route: { weight: 100 }, proves: true }",
        None,
        "strategy.stages[0].route: it needs traffic that is divided by weight, and here it is shared by replicas; leave it out, or use `canary` or `blue_green` with a router named in `traffic`",
    );
    refused(
        "{ name: a, candidate: 1, stable: 4, route: nobody }, { name: b, candidate: 4, stable: 0, proves: true }",
        None,
        "strategy.stages[0].route: stage `a` has instances that nobody may reach, which needs a router, and there is none; name one in `traffic`, or write 0 instances",
    );
}

#[test]
fn stages_by_hand_have_a_first_deploy_and_an_end_of_nothing_too() {
    let tail = "strategy: { stages: [{ name: all, candidate: 100%, stable: 100%, route: { weight: 100 }, proves: true }, { name: gone, candidate: 100%, stable: 0, route: { weight: 100 } }] }";
    assert_eq!(stages(&planned(tail, Some(100), true).unwrap()), ["deploy 4/0 100% *"]);
    let empty = planned(&format!("{tail}\nhistory: 1"), Some(100), false).unwrap();
    assert_eq!(stages(&empty), ["all 4/4 100% *", "gone 4/0 100%"]);
    let none = crate::spec::Spec { replicas: 0, ..super::spec_of(tail) };
    assert_eq!(stages(&super::plan(none, Some(100), false).unwrap()), ["empty 0/0 replicas *"]);
}
