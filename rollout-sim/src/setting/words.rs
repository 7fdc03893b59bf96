//! Words: what a spec may say beyond its strategy, drawn one by one, each from a stream of its own.
//!
//! In: a spec and ports that pass the check. Out: the same with more words, which pass it too: a word that
//! does not fit the rest is left out. A new one is a function here and a line in [`WORDS`]; it shifts the
//! draws of no other.

use rollout_core::{
    calendar::Calendar,
    judge::Metric,
    plan,
    port::{Ability, Capabilities, Confirmation, InPlaceOrder, Making},
    spec::{
        Breaker, Canary, CheckedSpec, Counting, Gate, HandStage, Hook, HookFailure, Module,
        ModuleNeeds, Promotion, Ramp, Spec, Strategy, Unanswered, WayBack,
    },
    time::Span,
    weight::Weight,
};
use serde_json::{Value, json};

use super::gates;
use crate::random::Stream;

/// Draws a word into a spec, and what the ports must be able to do for it.
type Word = fn(&mut Stream, &mut Spec, &mut Capabilities);

/// Backends by count, in a million, whose instances can be drained by name.
const DRAINED_BY_NAME: u64 = 500_000;

/// Every word, with its name and the chance, in a million, that a spec says it.
const WORDS: &[(&str, u64, Word)] = &[
    ("by count", 120_000, by_count),
    ("in place", 100_000, in_place),
    ("ramp", 80_000, ramp),
    ("stages by hand", 80_000, by_hand),
    ("hooks at points", 250_000, hooks),
    ("hook gates", 200_000, hook_gates),
    ("modules", 150_000, modules),
    ("rules of a route", 250_000, rules),
    ("way back", 250_000, way_back),
    ("keep failed", 200_000, keep_failed),
    ("history", 200_000, history),
    ("promotion after", 100_000, promotion),
    ("bake gates", 150_000, bake_gates),
    ("unanswered", 150_000, unanswered),
    ("calendar", 120_000, calendar),
    ("window gates", 100_000, window_gates),
    ("metric gates", 150_000, metric_gates),
    ("watched metrics", 120_000, watch),
];

/// Names of all words.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, ..)| *name)
}

/// Adds the words that the seed draws, and those that are `said` whatever it draws.
pub(super) fn add(seed: u64, said: &[String], spec: &mut Spec, capabilities: &mut Capabilities) {
    for (name, chance, word) in WORDS {
        let mut stream = Stream::new(seed, name);
        if !stream.hits(*chance) && !said.iter().any(|said| said == name) {
            continue;
        }
        let (mut wider, mut ports) = (spec.clone(), capabilities.clone());
        word(&mut stream, &mut wider, &mut ports);
        if fits(&wider, &ports) {
            (*spec, *capabilities) = (wider, ports);
        }
    }
}

fn fits(spec: &Spec, capabilities: &Capabilities) -> bool {
    CheckedSpec::new(spec.clone()).is_ok_and(|spec| {
        [false, true].into_iter().all(|first| plan::build(&spec, capabilities, first).is_ok())
    })
}

/// By count, in half of the specs with instances that can be drained by name.
fn by_count(stream: &mut Stream, _: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.making = Making::ByCount;
    capabilities.enrolment = None;
    if stream.hits(DRAINED_BY_NAME) {
        capabilities.counting = Counting::Loose;
        let bound = Span::from_millis(stream.magnitude(100, 3000));
        capabilities.enrolment = Some(Confirmation::Elapsed(bound));
    }
}

/// Replaced in place, in an order or in none, with instances that can be drained by name.
fn in_place(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    let order = stream.pick(&[InPlaceOrder::Ranked, InPlaceOrder::Ranked, InPlaceOrder::Any]);
    capabilities.making = Making::InPlace { order };
    capabilities.counting = Counting::Strict;
    let bound = Span::from_millis(stream.magnitude(100, 3000));
    capabilities.enrolment = Some(Confirmation::Elapsed(bound));
    capabilities.router = None;
    if matches!(spec.strategy, Strategy::BlueGreen(_) | Strategy::Recreate(_)) {
        spec.strategy = Strategy::Rolling(rollout_core::spec::Pace::default());
    }
}

fn ramp(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    let ramp = match stream.below(2) {
        0 => Ramp::Linear { by: percent(stream.between(20, 50)), gates: gates(stream) },
        _ => Ramp::Exponential {
            from: percent(stream.between(4, 25)),
            factor: stream.between(2, 4),
            gates: gates(stream),
        },
    };
    spec.strategy = Strategy::Canary(Canary { ramp: Some(ramp), pace: None, ..Canary::default() });
}

/// Two or three stages: a part of the candidate, all of it, and stable gone.
fn by_hand(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    let is_weighted = capabilities.router.is_some() && stream.hits(600_000);
    let route = |points: u64| {
        if is_weighted { json!({"weight": percent(points)}) } else { json!("replicas") }
    };
    let part = stream.between(1, spec.replicas);
    let (surge, share) = (spec.replicas, stream.between(1, 60));
    let first = json!({
        "name": "some", "candidate": part, "stable": "100%", "route": route(share),
        "pace": {"surge": surge},
    });
    let all = json!({
        "name": "all", "candidate": "100%", "stable": if is_weighted { "100%" } else { "0%" },
        "route": route(100), "pace": {"surge": surge},
    });
    let last = json!({
        "name": "last", "candidate": "100%", "stable": "0%", "route": route(100), "proves": true,
        "pace": {"surge": surge},
    });
    let written = [Some(first), stream.hits(500_000).then_some(all), Some(last)];
    let stages: Option<Vec<HandStage>> =
        written.into_iter().flatten().map(|stage| serde_json::from_value(stage).ok()).collect();
    let Some(mut stages) = stages else {
        return;
    };
    for stage in &mut stages {
        stage.gates = gates(stream);
    }
    spec.strategy = Strategy::Stages(stages);
}

fn hook(stream: &mut Stream, name: String) -> Hook {
    Hook {
        name,
        run: json!({"command": ["true"]}),
        deadline: Span::from_millis(stream.magnitude(8000, 60_000)),
        retries: u32::try_from(stream.below(3)).unwrap_or_default(),
        on_failure: stream.pick(&[HookFailure::Fail, HookFailure::Fail, HookFailure::Ignore]),
    }
}

fn hooks(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.abilities.insert(Ability::Hooks);
    let mut at = |point: &str| -> Vec<Hook> {
        let count = stream.below(5).saturating_sub(2);
        (0..count).map(|number| hook(stream, format!("{point}-{number}"))).collect()
    };
    spec.hooks.before = at("before");
    spec.hooks.after_canary = at("after-canary");
    spec.hooks.before_promotion = at("before-promotion");
    spec.hooks.after = at("after");
    spec.hooks.on_rollback = at("on-rollback");
}

fn hook_gates(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.abilities.insert(Ability::Hooks);
    let mut number = 0;
    each_list(&mut spec.strategy, |gates| {
        if stream.hits(500_000) {
            number += 1;
            let gate = Gate::Hook(hook(stream, format!("gate-{number}")));
            insert(stream, gates, gate);
        }
    });
}

fn modules(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.abilities.insert(Ability::Modules);
    let module =
        |name: &str, must_be_available| Module { name: name.to_owned(), must_be_available };
    spec.modules = vec![module("search", false), module("ads", false), module("checkout", true)];
    spec.breaker = stream.hits(500_000).then(Breaker::default);
    let has_breaker = spec.breaker.is_some();
    let mut need = || ModuleNeeds {
        degrade: if stream.hits(500_000) { vec!["search".to_owned()] } else { Vec::new() },
        require: if stream.hits(300_000) { vec!["ads".to_owned()] } else { Vec::new() },
        breaker: has_breaker && stream.hits(500_000),
    };
    match &mut spec.strategy {
        Strategy::Canary(canary) => {
            canary.steps.iter_mut().for_each(|step| step.modules = need());
        }
        Strategy::Stages(stages) => stages.iter_mut().for_each(|stage| stage.modules = need()),
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn rules(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    let able = [Ability::Matches, Ability::Mirror, Ability::Affinity];
    capabilities.abilities.extend(able);
    let header = || serde_json::from_value(json!({"header": "x-beta", "exact": "1"})).ok();
    let cookie = || serde_json::from_value(json!({"cookie": "ROLLOUT", "max_age": "1m"})).ok();
    match &mut spec.strategy {
        Strategy::Canary(canary) => {
            for step in &mut canary.steps {
                if stream.hits(400_000) {
                    step.matches.extend(header());
                }
                if stream.hits(400_000) {
                    step.mirror = percent(stream.between(1, 20));
                }
            }
            canary.affinity = if stream.hits(300_000) { cookie() } else { None };
        }
        Strategy::Stages(stages) => {
            for stage in stages.iter_mut().take(1) {
                stage.matches.extend(header());
                stage.mirror = percent(stream.between(0, 20));
                stage.affinity = if stream.hits(300_000) { cookie() } else { None };
            }
        }
        Strategy::Rolling(_) | Strategy::Recreate(_) | Strategy::BlueGreen(_) => {}
    }
}

fn way_back(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    let rollback = &mut spec.rollback;
    rollback.strategy = stream.pick(&[
        None,
        Some(WayBack::Rolling),
        Some(WayBack::Rolling),
        Some(WayBack::Recreate),
    ]);
    rollback.timeout =
        stream.hits(300_000).then(|| Span::from_millis(stream.magnitude(60_000, 400_000)));
    rollback.health_check_interval = Span::from_millis(stream.below(2) * stream.below(10_000));
}

fn keep_failed(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    spec.rollback.keep_failed = Span::from_millis(stream.magnitude(500, 60_000));
}

fn history(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    spec.history = stream.between(1, 3);
}

fn promotion(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    if let Strategy::BlueGreen(blue_green) = &mut spec.strategy {
        blue_green.promotion = Promotion::After(Span::from_millis(stream.magnitude(500, 20_000)));
    }
}

fn bake_gates(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    if let Strategy::BlueGreen(blue_green) = &mut spec.strategy {
        blue_green.bake_gates = gates(stream);
    }
}

fn unanswered(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    each_list(&mut spec.strategy, |gates| {
        for gate in gates {
            if let Gate::Approval { deadline: Some(_), on_expiry } = gate {
                *on_expiry = stream.pick(&[Unanswered::Pass, Unanswered::Fail]);
            }
        }
    });
}

/// A calendar that is closed for some minutes of the first half hour of a Thursday, in which every world
/// begins.
fn closed(stream: &mut Stream) -> Option<Calendar> {
    let from = 17 + stream.below(4);
    let to = from + stream.between(1, 3);
    let closure = json!({"days": ["thu"], "from": format!("00:{from}"), "to": format!("00:{to}")});
    serde_json::from_value(json!({"closed": [closure]})).ok()
}

fn calendar(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    spec.calendar = closed(stream);
}

fn window_gates(stream: &mut Stream, spec: &mut Spec, _: &mut Capabilities) {
    each_list(&mut spec.strategy, |gates| {
        if let Some(calendar) = closed(stream).filter(|_| stream.hits(400_000)) {
            insert(stream, gates, Gate::Window(calendar));
        }
    });
}

/// A limit of 5 % errors, in one of the forms it can be written.
fn metric(stream: &mut Stream, name: &str) -> Option<Metric> {
    let condition = match stream.below(3) {
        0 => json!({"pass": {"at_most": 5}}),
        1 => json!({"fail": {"above": 5}}),
        _ => json!({"pass": {"below": 3}, "fail": {"at_least": 5}}),
    };
    let mut written = json!({
        "name": name, "query": "errors",
        "interval": Span::from_millis(stream.magnitude(500, 4000)),
        "initial_delay": Span::from_millis(stream.below(2) * stream.below(3000)),
        "min_samples": stream.between(1, 4),
        "failure_limit": stream.below(3),
    });
    if let (Value::Object(written), Value::Object(condition)) = (&mut written, condition) {
        written.extend(condition);
    }
    serde_json::from_value(written).ok()
}

fn metric_gates(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.abilities.insert(Ability::Metrics);
    let mut number = 0;
    each_list(&mut spec.strategy, |gates| {
        if stream.hits(500_000) {
            number += 1;
            if let Some(metric) = metric(stream, &format!("errors-{number}")) {
                insert(stream, gates, Gate::Metric(Box::new(metric)));
            }
        }
    });
}

fn watch(stream: &mut Stream, spec: &mut Spec, capabilities: &mut Capabilities) {
    capabilities.abilities.insert(Ability::Metrics);
    spec.watch = (0..stream.between(1, 2))
        .filter_map(|number| metric(stream, &format!("watched-{number}")))
        .collect();
}

/// Calls `change` with every list of gates.
fn each_list(strategy: &mut Strategy, mut change: impl FnMut(&mut Vec<Gate>)) {
    match strategy {
        Strategy::Rolling(_) | Strategy::Recreate(_) => {}
        Strategy::BlueGreen(blue_green) => {
            change(&mut blue_green.gates);
            change(&mut blue_green.bake_gates);
        }
        Strategy::Canary(canary) => {
            canary.steps.iter_mut().for_each(|step| change(&mut step.gates));
            if let Some(Ramp::Linear { gates, .. } | Ramp::Exponential { gates, .. }) =
                &mut canary.ramp
            {
                change(gates);
            }
        }
        Strategy::Stages(stages) => stages.iter_mut().for_each(|stage| change(&mut stage.gates)),
    }
}

fn insert(stream: &mut Stream, gates: &mut Vec<Gate>, gate: Gate) {
    let place = usize::try_from(stream.below(gates.len() as u64 + 1)).unwrap_or_default();
    gates.insert(place, gate);
}

fn percent(points: u64) -> Weight {
    Weight::share(points.min(100), 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Setting;

    /// A word that no spec can say would be drawn in vain.
    #[test]
    fn every_word_fits_some_spec() {
        for (name, _, word) in WORDS {
            let fitting = (0..400).filter(|seed| {
                let base = Setting::draw(*seed);
                let (mut spec, mut ports) =
                    (base.spec.spec().clone(), base.world.capabilities.clone());
                let mut stream = Stream::new(*seed, name);
                let before = (spec.clone(), ports.clone());
                word(&mut stream, &mut spec, &mut ports);
                (spec.clone(), ports.clone()) != before && fits(&spec, &ports)
            });
            assert!(0 < fitting.count(), "`{name}` fits nothing");
        }
    }
}
