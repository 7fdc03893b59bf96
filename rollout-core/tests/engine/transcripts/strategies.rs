//! One story per strategy.

use rollout_core::engine::OrderKind;
use serde_json::{Value, json};

use super::Story;

fn strategy(value: &Value) -> Value {
    json!({ "strategy": value })
}

fn with(mut rest: Value, key: &str, value: Value) -> Value {
    rest[key] = value;
    rest
}

fn rolling() -> Value {
    strategy(&json!({"rolling": {"surge": 1, "unavailable": 0}}))
}

/// A hook that takes 300 ms.
fn hook(name: &str) -> Value {
    json!({"name": name, "run": {"takes_ms": 300}, "deadline": "30s"})
}

#[test]
fn rolling_start_first() {
    let rest = rolling();
    let shows = [
        "Rolling, start first: 2 instances, 1 extra, none missing.",
        "Each old instance is drained only after a new one serves; at no time do fewer than 2 serve.",
    ];
    let mut story = Story::new("rolling_start_first", shows, None, 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    assert_eq!(story.world.low, 2);
    story.told();
}

#[test]
fn rolling_stop_first() {
    let rest = strategy(&json!({"rolling":
        {"parallelism": 1, "batch_delay": "1s", "order": "stop_first"}}));
    let shows = [
        "Rolling, stop first, in batches: 2 instances, never a third; 1 s between batches.",
        "Each new instance is created only after an old one is gone; the pause begins when the batch serves.",
    ];
    let mut story = Story::new("rolling_stop_first", shows, None, 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    assert_eq!(story.world.high, 2);
    story.told();
}

#[test]
fn recreate() {
    let rest = strategy(&json!({"recreate": {}}));
    let shows = [
        "Recreate: downtime by design, declared in the plan.",
        "Traffic is turned off before anything drains; no v2 is created before both v1 are gone.",
    ];
    let mut story = Story::new("recreate", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn blue_green() {
    let rest = strategy(&json!({"blue_green":
        {"promotion": "manual", "bake": "1s", "standby": "5s"}}));
    let shows = [
        "Blue-green: a full second set at weight 0, a person's switch, a bake of 1 s, a standby of 5 s.",
        "One route changes everything; v2 is proven at the end of the bake, v1 goes at the end of the standby.",
    ];
    let mut story = Story::new("blue_green", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ticks(20);
    story.order(OrderKind::Promote { all: false, gate: None });
    story.ends("completed");
    story.told();
}

#[test]
fn canary_by_weight() {
    let rest = strategy(&json!({"canary": {"steps": [{"name": "testers", "weight": 10,
        "match": [{"header": "x-tester", "exact": "yes"}], "mirror": 5,
        "gates": [{"hold": "1s"}, {"approval": {"deadline": "1h"}}]}]}}));
    let shows = [
        "Canary by weight: 10 % and every tester by header, a copy of 5 %; a hold, then a person's approval.",
        "The route is set once v2 serves; header and copy go from the route before v1 goes.",
    ];
    let mut story = Story::new("canary_by_weight", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ticks(25);
    story.order(OrderKind::Promote { all: false, gate: None });
    story.ends("completed");
    story.told();
}

#[test]
fn canary_by_replicas() {
    let rest = strategy(&json!({"canary": {"steps": [{"weight": 40, "gates": [{"hold": "1s"}]}],
        "pace": {"surge": 1}}}));
    let shows = [
        "Canary without a router: the share is made of replicas, 40 % of 3 instances is 2 of 3.",
        "Each step is a rolling update in small: a new one serves before an old one drains.",
    ];
    let mut story = Story::new("canary_by_replicas", shows, None, 3, &rest);
    story.submit("v2", 3, &rest);
    story.ends("completed");
    assert_eq!(story.world.low, 3);
    story.told();
}

#[test]
fn ramp_linear() {
    let rest =
        strategy(&json!({"canary": {"ramp": {"linear": {"by": 30, "gates": [{"hold": "1s"}]}}}}));
    let shows = [
        "A linear ramp: 30 %, 60 %, 90 %, then everything; each step is held for 1 s.",
        "Capacity before traffic: each new weight waits for the v2 instances behind it.",
    ];
    let mut story = Story::new("ramp_linear", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn ramp_exponential() {
    let rest = strategy(&json!({"canary":
        {"ramp": {"exponential": {"from": 5, "factor": 4, "gates": [{"health": "500ms"}]}}}}));
    let shows = [
        "An exponential ramp: 5 %, 20 %, 80 %, then everything; each step asks for 500 ms of health.",
        "Capacity before traffic: the second v2 instance is there before 80 % go to v2.",
    ];
    let mut story = Story::new("ramp_exponential", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn stages_by_hand() {
    let rest = strategy(&json!({"stages": [
        {"name": "dark", "candidate": 1, "stable": 2, "route": {"weight": 0}, "pace": {"surge": 1}},
        {"name": "half", "candidate": 1, "stable": 1, "route": {"weight": 50}, "pace": {"surge": 1}},
        {"name": "all", "candidate": 2, "stable": 0, "route": {"weight": 100},
            "pace": {"surge": 1}, "proves": true},
    ]}));
    let shows = [
        "Stages by hand: one v2 in the dark, half and half, then everything.",
        "The engine walks them as written; at `half` a v1 goes only once the route is in force.",
    ];
    let mut story = Story::new("stages_by_hand", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn hooks_expand_contract() {
    let rest =
        with(rolling(), "hooks", json!({"before": [hook("expand")], "after": [hook("contract")]}));
    let shows = [
        "Hooks around a rolling update: expand a schema, roll, contract it.",
        "No instance is touched before `expand` has succeeded; `contract` begins after the last v1 is gone.",
    ];
    let mut story = Story::new("hooks_expand_contract", shows, None, 1, &rolling());
    story.submit("v2", 1, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn hooks_on_rollback() {
    let rest = with(
        strategy(
            &json!({"canary": {"steps": [{"weight": 50, "gates": [{"hook": hook("smoke")}]}]}}),
        ),
        "hooks",
        json!({"on_rollback": [hook("report")]}),
    );
    let shows = [
        "A hook gate that fails, and a hook beside the way back.",
        "All weight leaves v2 in the same decision; the way back waits for `report` only with its end.",
    ];
    let mut story = Story::new("hooks_on_rollback", shows, Some(10_000), 2, &rest);
    story.world.failing_runs = 1;
    story.submit("v2", 2, &rest);
    story.ends("rolled back");
    story.told();
}

#[test]
fn window_gate() {
    // The small world begins on 1970-01-01, a Thursday, 00:16:40 UTC.
    let gate = json!({"window": {"zone": "UTC", "open": [
        {"days": ["thu"], "from": "00:17", "to": "00:30"}]}});
    let rest = strategy(&json!({"canary": {"steps": [{"weight": 50, "gates": [gate]}]}}));
    let shows = [
        "A window gate: the step after 50 % is taken only while the window is open, from 00:17 UTC.",
        "The wait says when it opens; nothing else moves meanwhile.",
    ];
    let mut story = Story::new("window_gate", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

fn metric() -> Value {
    strategy(&json!({"canary": {"steps": [{"weight": 50, "gates": [{"metric": {
        "name": "errors", "query": "rate", "interval": "500ms", "count": 3,
        "fail": {"above": 0.05}}}]}]}}))
}

#[test]
fn metric_gate_passes() {
    let rest = metric();
    let shows = [
        "A metric gate that passes: three readings, none above the limit.",
        "The reading of no data counts for nothing good; the rollout goes on only after enough.",
    ];
    let mut story = Story::new("metric_gate_passes", shows, Some(10_000), 2, &rest);
    story.world.readings = ["0.01", "0.02", "0.01"].map(str::to_owned).into();
    story.submit("v2", 2, &rest);
    story.ends("completed");
    story.told();
}

#[test]
fn metric_gate_fails() {
    let rest = metric();
    let shows = [
        "A metric gate that fails: the second reading is above the limit.",
        "The cause names the metric and the numbers; all weight leaves v2 in the same decision.",
    ];
    let mut story = Story::new("metric_gate_fails", shows, Some(10_000), 2, &rest);
    story.world.readings = ["0.01", "0.09"].map(str::to_owned).into();
    story.submit("v2", 2, &rest);
    story.ends("rolled back");
    story.told();
}

#[test]
fn modules() {
    let step = json!({"weight": 50, "modules": {"degrade": ["reports"], "require": ["search"],
        "breaker": true}, "gates": [{"hold": "1s"}]});
    let rest = json!({"strategy": {"canary": {"steps": [step]}}, "breaker": {"timeout": "3s"},
        "modules": [{"name": "reports"}, {"name": "search"},
            {"name": "pay", "must_be_available": true}]});
    let shows = [
        "Modules: a step that degrades `reports`, arms the breaker, and needs somebody to degrade `search`.",
        "Nothing moves before both are so; everything is restored after the step.",
    ];
    let mut story = Story::new("modules", shows, Some(10_000), 2, &rest);
    story.submit("v2", 2, &rest);
    story.ticks(10);
    story.world.degraded.insert("search".to_owned());
    story.ends("completed");
    story.told();
}
