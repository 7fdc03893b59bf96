//! Ramps, and what goes to the candidate beside its share.

use super::{build, capabilities, planned, spec_of, stages};
use crate::{
    port::{Ability, Capabilities},
    spec::CheckedSpec,
};

#[test]
fn ramps_are_steps() {
    let tail = "strategy: { canary: { ramp: { exponential: { from: 10, factor: 3, gates: [hold: 1s] } } } }";
    let plan = planned(tail, Some(100), false).unwrap();
    assert_eq!(
        stages(&plan),
        ["10% 1/4 10%", "30% 2/4 30%", "90% 4/4 90%", "promote 4/4 100%", "retire 4/0 100% *"]
    );
    let holds: Vec<usize> = plan.stages.iter().map(|stage| stage.gates.len()).collect();
    assert_eq!(holds, [1, 1, 1, 0, 0]);
    let linear = "strategy: { canary: { ramp: { linear: { by: 30 } } } }";
    let plan = planned(linear, None, false).unwrap();
    assert_eq!(
        stages(&plan),
        ["30% 2/2 replicas", "60% 3/1 replicas", "90% 3/1 replicas", "promote 4/0 replicas *"]
    );
}

const RULES: &str = "strategy: { canary: { affinity: { cookie: seen }, steps: [{ weight: 0, match: [header: x-beta], mirror: 30 }, { weight: 50, mirror: 20, modules: { degrade: [search] } }, { weight: 100, match: [header: x-beta] }] } }\nmodules: [{ name: search }]";

#[test]
fn rules_hold_for_their_step_and_no_longer() {
    let plan = planned(RULES, Some(100), false).unwrap();
    // Copies are answered too: 30 % of 4 is 2 instances, 50 % and 20 % of the rest are 3.
    assert_eq!(stages(&plan), ["0% 2/4 0%", "50% 3/4 50%", "100% 4/4 100%", "retire 4/0 100% *"]);
    let rules: Vec<_> = plan
        .stages
        .iter()
        .map(|it| {
            (it.rules.matches.len(), it.rules.mirror.to_string(), it.rules.affinity.is_some())
        })
        .collect();
    assert_eq!(
        rules,
        [
            (1, "30%".to_owned(), true),
            (0, "20%".to_owned(), true),
            (0, "0%".to_owned(), false),
            (0, "0%".to_owned(), false),
        ]
    );
    assert_eq!(plan.stages[1].modules.degrade, ["search"]);
    assert!(plan.stages[2].modules.is_empty());
}

#[test]
fn what_only_a_router_can_do_is_refused_without_one() {
    let only = |field: &str| {
        Err(format!(
            "{field}: it needs traffic that is divided by weight, and here it is shared by replicas; leave it out, or use `canary` or `blue_green` with a router named in `traffic`"
        ))
    };
    let step =
        |rule: &str| format!("strategy: {{ canary: {{ steps: [{{ weight: 5, {rule} }}] }} }}");
    for (tail, router, field) in [
        (step("match: [cookie: a]"), None, "strategy.canary.steps[0].match"),
        (step("mirror: 5"), None, "strategy.canary.steps[0].mirror"),
        (
            "strategy: { canary: { ramp: { linear: { by: 50 } }, affinity: { cookie: a } } }"
                .to_owned(),
            None,
            "strategy.canary.affinity",
        ),
        ("rollback: { keep_failed: 1h }".to_owned(), Some(100), "rollback.keep_failed"),
        (
            format!("{}\nrollback: {{ keep_failed: 1h }}", step("name: a")),
            None,
            "rollback.keep_failed",
        ),
    ] {
        for first in [false, true] {
            assert_eq!(planned(&tail, router, first), only(field), "{tail}");
        }
    }
    assert!(
        planned(&format!("{}\nrollback: {{ keep_failed: 1h }}", step("name: a")), Some(9), false)
            .is_ok()
    );
}

/// Modules have nothing to do with how traffic is shared.
#[test]
fn modules_are_needed_by_replicas_too() {
    let tail = "strategy: { canary: { steps: [{ weight: 50, modules: { require: [search], breaker: true } }] } }\nmodules: [{ name: search }]\nbreaker: {}";
    let plan = planned(tail, None, false).unwrap();
    assert_eq!((plan.stages[0].modules.require.len(), plan.stages[0].modules.breaker), (1, true));
}

/// A spec, what the ports can do, the field that is refused, what it needs, and the way out.
type Row = (&'static str, &'static [Ability], &'static str, &'static str, &'static str);

const ALL: [Ability; 4] = [Ability::Matches, Ability::Mirror, Ability::Affinity, Ability::Modules];
const ROUTER: &str = "name a router in `traffic` that can";

const UNABLE: &[Row] = &[
    (
        RULES,
        &[Ability::Mirror, Ability::Affinity, Ability::Modules],
        "strategy.canary.steps[0].match",
        "matches of headers and cookies",
        ROUTER,
    ),
    (RULES, &[Ability::Matches], "strategy.canary.steps[0].mirror", "copies of requests", ROUTER),
    (
        RULES,
        &[Ability::Matches, Ability::Mirror, Ability::Affinity],
        "strategy.canary.steps[1].modules",
        "modules",
        "give the engine a port that degrades modules",
    ),
    (
        "strategy: { stages: [{ name: a, candidate: 4, stable: 4, route: { weight: 50 }, affinity: { cookie: c } }, { name: b, candidate: 4, stable: 0, route: { weight: 100 }, proves: true }] }",
        &[],
        "strategy.stages[0].affinity",
        "affinity of clients",
        ROUTER,
    ),
    (
        "strategy: { blue_green: { bake_gates: [hold: 1s, hook: { name: a, run: 1 }] } }",
        &ALL,
        "strategy.blue_green.bake_gates[1].hook",
        "hooks",
        "give the engine a port that runs jobs",
    ),
    (
        "strategy: { canary: { ramp: { linear: { by: 50, gates: [metric: { name: errors, query: q, pass: { below: 1 } }] } } } }",
        &ALL,
        "strategy.canary.ramp.linear.gates[0].metric",
        "metrics",
        "give the engine a port that measures",
    ),
    (
        "watch: [{ name: errors, query: q, pass: { below: 1 } }]",
        &ALL,
        "watch[0]",
        "metrics",
        "give the engine a port that measures",
    ),
    (
        "hooks: { on_rollback: [{ name: a, run: 1 }] }",
        &ALL,
        "hooks.on_rollback[0]",
        "hooks",
        "give the engine a port that runs jobs",
    ),
];

#[test]
fn what_no_port_can_do_is_refused_with_the_way_out() {
    let can = |tail: &str, abilities: &[Ability]| {
        let spec = CheckedSpec::new(spec_of(tail)).unwrap();
        let abilities = abilities.iter().copied().collect();
        let ports = Capabilities { abilities, ..capabilities(Some(100)) };
        build(&spec, &ports, false).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(can(RULES, &ALL), Ok(()));
    for &(tail, able, field, missing, way_out) in UNABLE {
        let expected = format!(
            "{field}: it needs {missing}, which no port here can do; leave it out, or {way_out}"
        );
        assert_eq!(can(tail, able), Err(expected));
    }
}
