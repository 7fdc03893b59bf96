//! `analysis`: shape, rhythm, metrics and webhooks together as a strategy.

use rollout_core::{time::Span, weight::Weight};
use serde_json::{Value, json};

use super::{
    About, FLAGGER,
    metrics::{self, Rhythm},
    shape::Shape,
    webhooks::{self, Webhooks},
};
use crate::{ImportError, document::Fields, draft::Draft, file::File};

/// Flagger's default of `interval`.
const INTERVAL: Span = Span::from_secs(60);
/// The least that Flagger takes for `interval`.
const LEAST_INTERVAL: Span = Span::from_secs(10);

/// Sets the strategy.
pub(super) fn map(
    file: &File,
    mut fields: Fields<'_>,
    about: &About,
    kubernetes_alone: bool,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let interval = interval(&mut fields)?;
    let threshold = fields.number("threshold")?.unwrap_or(1).max(1);
    fields.changed(
        "threshold",
        "strategy",
        format!("{threshold} failed checks roll back: of each metric by itself, while Flagger adds them all up over the whole rollout"),
    );
    let shape = Shape::read(&mut fields, kubernetes_alone)?;
    let rhythm = Rhythm { interval, threshold, iterations: shape.iterations() };
    let evidence = metrics::gates(file, &mut fields, about, rhythm)?;
    let webhooks = webhooks::read(&mut fields, about, threshold, draft)?;
    let mirror = mirror(&mut fields, kubernetes_alone)?;
    affinity(&mut fields, draft, &shape)?;
    rest(&mut fields);
    let held = json!({ "hold": Span::from_millis(interval.as_millis().saturating_mul(shape.iterations())) });
    let gates = |last: bool| -> Vec<Value> {
        let mut gates = vec![held.clone()];
        gates.extend(webhooks.each_step.iter().chain(&evidence).cloned());
        if last {
            gates.extend(webhooks.before_promotion.iter().cloned());
        } else {
            gates.extend(webhooks.before_increase.iter().cloned());
        }
        gates
    };
    match shape {
        Shape::BlueGreen { .. } if mirror.is_none() => {
            let gates: Vec<Value> =
                webhooks.before_traffic.iter().cloned().chain(gates(true)).collect();
            draft.set("strategy.blue_green", &json!({ "gates": gates, "standby": "0s" }));
        }
        Shape::BlueGreen { .. } => {
            let step = step("test", Weight::ZERO, gates(true), &webhooks.before_traffic);
            set_steps(&[with_mirror(step, mirror)], draft);
        }
        Shape::AbTest { matches, .. } => {
            let mut step = step("ab-test", Weight::ZERO, gates(true), &[]);
            step["match"] = json!(matches);
            step["replicas"] = json!("100%");
            let mut steps = preview(&webhooks, None, &held);
            // A preview and the test both have no weight of their own, so one step is both.
            if let Some(first) = steps.pop() {
                step["gates"] = json!(merged(&first["gates"], &step["gates"]));
            }
            set_steps(&[with_mirror(step, mirror)], draft);
        }
        Shape::Canary { weights } => {
            let mut steps = preview(&webhooks, mirror, &held);
            let count = weights.len();
            for (index, weight) in weights.into_iter().enumerate() {
                steps.push(json!({ "weight": weight, "gates": gates(index + 1 == count) }));
            }
            set_steps(&steps, draft);
        }
    }
    Ok(())
}

/// A step of no weight for what comes before traffic; none, if nothing does.
fn preview(webhooks: &Webhooks, mirror: Option<Weight>, held: &Value) -> Vec<Value> {
    let mut gates = webhooks.before_traffic.clone();
    if mirror.is_some() {
        gates.push(held.clone());
    }
    if gates.is_empty() {
        return Vec::new();
    }
    vec![with_mirror(json!({ "name": "preview", "weight": Weight::ZERO, "gates": gates }), mirror)]
}

fn step(name: &str, weight: Weight, gates: Vec<Value>, before: &[Value]) -> Value {
    let gates: Vec<Value> = before.iter().cloned().chain(gates).collect();
    json!({ "name": name, "weight": weight, "gates": gates })
}

fn merged(first: &Value, second: &Value) -> Vec<Value> {
    let list = |gates: &Value| gates.as_array().cloned().unwrap_or_default();
    list(first).into_iter().chain(list(second)).collect()
}

/// The step with copies of requests, and every instance that may have to answer them.
fn with_mirror(mut step: Value, mirror: Option<Weight>) -> Value {
    if let Some(mirror) = mirror {
        step["mirror"] = json!(mirror);
        step["replicas"] = json!("100%");
    }
    step
}

fn set_steps(steps: &[Value], draft: &mut Draft) {
    draft.set("strategy.canary.steps", &steps);
}

/// `interval`, 60 s by default, 10 s at least.
fn interval(fields: &mut Fields<'_>) -> Result<Span, ImportError> {
    const TO: &str = "strategy";
    match fields.duration("interval")? {
        Some(written) if written < LEAST_INTERVAL => {
            fields.changed(
                "interval",
                TO,
                format!("{LEAST_INTERVAL}: the least that Flagger takes"),
            );
            Ok(LEAST_INTERVAL)
        }
        Some(written) => {
            fields.changed("interval", TO, "a hold in every step");
            Ok(written)
        }
        None => {
            fields.changed("interval", TO, format!("not set: {INTERVAL}, {FLAGGER} default"));
            Ok(INTERVAL)
        }
    }
}

/// `mirror` and `mirrorWeight`, all requests by default.
fn mirror(fields: &mut Fields<'_>, kubernetes_alone: bool) -> Result<Option<Weight>, ImportError> {
    let (on, share) = (fields.flag("mirror")?.unwrap_or(false), fields.number("mirrorWeight")?);
    if !on || kubernetes_alone {
        fields.dropped("mirror", if on { "Kubernetes' Services copy nothing" } else { "no" });
        if share.is_some() {
            fields.dropped("mirrorWeight", "there is no mirror");
        }
        return Ok(None);
    }
    let points = share.unwrap_or(100).saturating_mul(100);
    let weight = Weight::from_basis_points(points)
        .map_err(|why| fields.wrong("mirrorWeight", why, "write 100 or less"))?;
    fields.mapped("mirror", "strategy.canary.steps[0].mirror");
    fields.mapped("mirrorWeight", "strategy.canary.steps[0].mirror");
    Ok(Some(weight))
}

/// `sessionAffinity`: the cookie and how long it is remembered.
fn affinity(fields: &mut Fields<'_>, draft: &mut Draft, shape: &Shape) -> Result<(), ImportError> {
    const TO: &str = "strategy.canary.affinity";
    let Some(mut affinity) = fields.open("sessionAffinity")? else { return Ok(()) };
    let cookie = affinity.text("cookieName")?;
    let cookie = cookie.ok_or_else(|| affinity.missing("cookieName", "name the cookie"))?;
    let max_age = affinity.seconds("maxAge")?.unwrap_or(Span::from_secs(86_400));
    for name in affinity.names() {
        affinity.leave_out(&name, "the router sets such things of the cookie itself");
    }
    if matches!(shape, Shape::Canary { .. }) {
        draft.set(TO, &json!({ "cookie": cookie, "max_age": max_age }));
        affinity.mapped("", TO);
    } else {
        affinity.dropped("", "without weights no client changes its revision by chance");
    }
    Ok(())
}

/// Fields that the engine does not need.
fn rest(fields: &mut Fields<'_>) {
    fields.leave_out("alerts", "they are sent by the notifier, for every rollout alike");
    fields.leave_out(
        "stepWeightPromotion",
        "the candidate itself becomes stable: nothing is copied to a primary, so no traffic has to go back slowly",
    );
    for name in ["primaryReadyThreshold", "canaryReadyThreshold"] {
        fields.leave_out(name, "it goes on with fewer pods than asked; the engine waits for all");
    }
}
