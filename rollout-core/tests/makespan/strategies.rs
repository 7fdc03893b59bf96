//! What the plan of every other strategy predicts, beside how long the engine takes.

use std::sync::Arc;

use rollout_core::spec::{CheckedSpec, Strategy};
use serde_json::{Value, json};

use crate::{
    counted::Counted,
    drive::{Driven, NEW, OLD, World},
    grid::{Expected, Tally},
    named::Named,
    point::{Draw, Times, predicted, spec},
};

fn strategy(written: &Value) -> Strategy {
    serde_json::from_value(written.clone()).expect("the strategy is well-formed")
}

/// Strategies that need no router.
fn by_replicas(draw: &mut Draw) -> Value {
    let pace = json!({
        "surge": draw.between(1, 5), "unavailable": draw.between(0, 2),
        "counting": draw.one_of(&["strict", "loose"]),
        "batch_delay": format!("{}ms", draw.one_of(&[0, 0, 7, 1_000])),
    });
    let taste = draw.between(1, 60);
    let steps = json!([
        { "weight": taste, "gates": [{ "hold": "10s" }] },
        { "weight": draw.between(taste + 1, 99) },
    ]);
    match draw.between(0, 3) {
        0 => json!({ "recreate": {} }),
        1 => {
            json!({ "rolling": { "order": "start_first", "parallelism": 2, "batch_delay": "3s" } })
        }
        2 => json!({ "rolling": { "order": "stop_first", "parallelism": 2, "batch_delay": "3s" } }),
        _ => json!({ "canary": { "steps": steps, "pace": pace } }),
    }
}

/// Strategies that need a router.
fn by_weight(draw: &mut Draw) -> Value {
    let steps = json!([
        { "weight": draw.between(1, 40), "gates": [{ "hold": "10s" }] },
        { "weight": draw.between(41, 99) },
    ]);
    let (shrinks, lanes) = (draw.between(0, 1) == 0, draw.between(1, 9));
    match draw.between(0, 3) {
        0 => json!({ "recreate": {} }),
        1 => json!({ "blue_green": { "preview_replicas": 1, "bake": "5s", "standby": "1m" } }),
        2 => json!({ "canary": { "steps": steps, "scale_stable": shrinks } }),
        _ => {
            json!({ "canary": { "steps": steps, "pace": { "surge": "100%", "parallelism": lanes } } })
        }
    }
}

fn times(draw: &mut Draw) -> Times {
    Times::equal(draw.between(1, 2_000), draw.between(0, 4_000))
}

/// Rolls `spec` out first and from a stable set, and compares both with what their plans predict.
fn compare<W: World>(tally: &mut Tally, world: &W, spec: &Arc<CheckedSpec>, times: &Times) {
    let mut driven = Driven::idle(world.clone());
    for revision in [OLD, NEW] {
        let made = driven.roll(revision, spec, times);
        tally.called(driven.calls);
        let plan = driven.engine.plan().expect("it was submitted");
        let expected = Expected { predicted: Some(predicted(plan, times)), ..Expected::default() };
        tally.compare(&(revision, &spec.strategy, spec.replicas, times), made, &expected);
    }
}

#[test]
fn every_strategy_takes_what_its_plan_predicts() {
    let (mut tally, mut draw) = (Tally::new("strategies"), Draw::seeded(5));
    for desired in (2..=12).chain([40, 100]) {
        for _ in 0..24 {
            let routed = spec(desired, strategy(&by_weight(&mut draw)));
            compare(&mut tally, &Counted::routed(100), &routed, &times(&mut draw));
            let plain = spec(desired, strategy(&by_replicas(&mut draw)));
            compare(&mut tally, &Counted::default(), &plain, &times(&mut draw));
            if desired <= 12 {
                compare(&mut tally, &Named::default(), &plain, &times(&mut draw));
            }
        }
    }
    tally.end(1_500);
}
