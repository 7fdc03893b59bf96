//! Hooks and modules.

use super::{refused, warned};

#[test]
fn a_hook_runs_something_in_some_time() {
    refused("hooks: { before: [{ name: expand, run: [migrate, up] }] }", "");
    refused(
        "hooks: { before: [{ name: '', run: null, deadline: 0s, retries: 101 }], on_rollback: [{ name: x, run: 1, deadline: 9000h }] }",
        "hooks.before[0].name: the name has 0 characters, allowed are 1 to 63 printable ones; take another name\n\
         hooks.before[0].run: there is nothing to run; write what the hook port is to run, or leave out the hook\n\
         hooks.before[0].deadline: 0s leaves no time to run; write a span such as `5m`\n\
         hooks.before[0].retries: 101 is above the limit of 100; write less\n\
         hooks.on_rollback[0].deadline: 9000h is above the limit of 8760h; write less",
    );
    refused(
        "strategy: { blue_green: { bake_gates: [hook: { name: smoke, run: null }] } }",
        "strategy.blue_green.bake_gates[0].hook.run: there is nothing to run; write what the hook port is to run, or leave out the hook",
    );
}

#[test]
fn points_that_a_strategy_does_not_have_are_refused_with_the_way_out() {
    let both =
        "hooks: { after_canary: [{ name: a, run: 1 }], before_promotion: [{ name: b, run: 1 }] }";
    let said = |strategy: &str, why: &str, way_out: &str| {
        ["after_canary", "before_promotion"]
            .map(|point| format!("hooks.{point}: `{strategy}` has no such point{why}; {way_out}"))
            .join("\n")
    };
    let move_it = "move it to `before` or `after`, or use `canary` or `blue_green`";
    refused(both, &said("rolling", "", move_it));
    refused(&format!("strategy: {{ recreate: {{}} }}\n{both}"), &said("recreate", "", move_it));
    refused(
        &format!(
            "strategy: {{ stages: [{{ name: a, candidate: 4, stable: 0, proves: true }}] }}\n{both}"
        ),
        &said(
            "stages",
            " but its own stages",
            "write it as a `hook` gate of the stage that it belongs to",
        ),
    );
    refused(
        &format!("strategy: {{ canary: {{ steps: [weight: 100] }} }}\n{both}"),
        &said(
            "canary",
            " where the first step has 100%",
            "move it to `before` or `after`, or add a step below 100%",
        ),
    );
    refused(&format!("strategy: {{ canary: {{ steps: [weight: 5] }} }}\n{both}"), "");
    refused(&format!("strategy: {{ blue_green: {{}} }}\n{both}"), "");
}

#[test]
fn needs_name_declared_modules_that_may_go() {
    let canary = |needs: &str| {
        format!("strategy: {{ canary: {{ steps: [{{ weight: 5, modules: {needs} }}] }} }}\n")
    };
    let modules = "modules: [{ name: search }, { name: cart, must_be_available: true }]";
    refused(&format!("{}{modules}", canary("{ degrade: [search] }")), "");
    let field = "strategy.canary.steps[0].modules";
    refused(
        &format!(
            "{}{modules}",
            canary("{ degrade: [search, cart, ads], require: [search], breaker: true }")
        ),
        &format!(
            "{field}.degrade[1]: `cart` must be available at all times, so it cannot be degraded; leave it out, or take `must_be_available` off the module\n\
             {field}.degrade[2]: `ads` is no declared module; declare it in `modules`, or leave it out\n\
             {field}.require[0]: `search` is already named in this stage; name it once, in `degrade` or in `require`\n\
             {field}.breaker: the spec declares no circuit breaker; add `breaker: {{ timeout: 3s }}` at its top, or leave it out"
        ),
    );
    refused(
        "modules: [{ name: a }, { name: a }, { name: '' }]\nbreaker: { timeout: 0s }",
        "modules[1].name: `a` is the name of an earlier module too; names must differ\n\
         modules[2].name: the name has 0 characters, allowed are 1 to 63 printable ones; take another name\n\
         breaker.timeout: 0s cuts off every call; write a span such as `3s`",
    );
    refused(
        "breaker: { timeout: 25h }",
        "breaker.timeout: 25h is above the limit of 24h; write less",
    );
}

#[test]
fn what_no_stage_asks_for_is_warned_about() {
    assert_eq!(
        warned("modules: [{ name: search }]\nbreaker: {}"),
        [
            "modules: no stage degrades or requires one; say so in `modules` of a step or stage",
            "breaker: no stage arms it; write `modules: { breaker: true }` in a step or stage",
        ]
    );
    let used = "strategy: { canary: { steps: [{ weight: 5, modules: { require: [search], breaker: true } }] } }\n";
    assert_eq!(warned(&format!("{used}modules: [{{ name: search }}]\nbreaker: {{}}")), [""; 0]);
    assert_eq!(warned("modules: [{ name: cart, must_be_available: true }]"), [""; 0]);
}
