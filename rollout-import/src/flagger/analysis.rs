//! `analysis`: shape, rhythm, metrics and webhooks together as a strategy.

use std::collections::BTreeSet;

use rollout_core::{port::Ability, time::Span, weight::Weight};
use serde_json::{Value, json};

use super::{
    About, FLAGGER,
    metrics::{self, Rhythm},
    shape::Shape,
    webhooks::{self, Webhooks},
};
use crate::{ImportError, document::Fields, draft::Draft, file::File, words};

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
    let abilities = words::abilities(draft.get("traffic.kubernetes"));
    let affinity = affinity(&mut fields, &shape, &abilities)?;
    rest(&mut fields);
    // A metric of the engine's is read for every iteration itself; anything else is waited for.
    let is_read = evidence.iter().any(|gate| gate.get("metric").is_some());
    let iterations = if is_read { 1 } else { shape.iterations() };
    let looked = interval.as_millis().saturating_mul(iterations);
    let parts =
        Parts { held: json!({ "hold": Span::from_millis(looked) }), evidence, webhooks, mirror };
    draft.set("strategy", &strategy(shape, &parts));
    if let Some(affinity) = affinity {
        draft.set("strategy.canary.affinity", &affinity);
    }
    Ok(())
}

/// What the steps are made of.
struct Parts {
    /// The wait for as long as a step is looked at.
    held: Value,
    /// Gates of the metrics.
    evidence: Vec<Value>,
    webhooks: Webhooks,
    /// Share of requests to copy before there is weight.
    mirror: Option<Weight>,
}

impl Parts {
    /// The gates of a step, in the order that Flagger asks.
    fn gates(&self, last: bool) -> Vec<Value> {
        let hooks = &self.webhooks;
        let end = if last { &hooks.before_promotion } else { &hooks.before_increase };
        let mut gates = vec![self.held.clone()];
        gates.extend(hooks.each_step.iter().chain(&self.evidence).chain(end).cloned());
        gates
    }

    /// The gates of the one step of a strategy without weights.
    fn all_gates(&self) -> Vec<Value> {
        self.webhooks.before_traffic.iter().cloned().chain(self.gates(true)).collect()
    }
}

/// The strategy of a shape.
fn strategy(shape: Shape, parts: &Parts) -> Value {
    let mut steps = Vec::new();
    match shape {
        Shape::BlueGreen { .. } if parts.mirror.is_none() => {
            // Nothing stays on standby, as with Flagger.
            return json!({ "blue_green": { "gates": parts.all_gates(), "standby": "0s" } });
        }
        Shape::BlueGreen { .. } => steps.push(unweighted("test", &parts.all_gates(), parts.mirror)),
        Shape::AbTest { matches, .. } => {
            let mut step = unweighted("ab-test", &parts.all_gates(), parts.mirror);
            step["match"] = json!(matches);
            step["replicas"] = json!("100%");
            steps.push(step);
        }
        Shape::Canary { weights } => {
            let mut before = parts.webhooks.before_traffic.clone();
            before.extend(parts.mirror.map(|_| parts.held.clone()));
            if !before.is_empty() {
                steps.push(unweighted("preview", &before, parts.mirror));
            }
            let count = weights.len();
            for (index, weight) in weights.into_iter().enumerate() {
                steps.push(json!({ "weight": weight, "gates": parts.gates(index + 1 == count) }));
            }
        }
    }
    json!({ "canary": { "steps": steps } })
}

/// A step of no weight; with copies of requests every instance that may have to answer them.
fn unweighted(name: &str, gates: &[Value], mirror: Option<Weight>) -> Value {
    let mut step = json!({ "name": name, "weight": Weight::ZERO, "gates": gates });
    if let Some(mirror) = mirror {
        step["mirror"] = json!(mirror);
        step["replicas"] = json!("100%");
    }
    step
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
fn affinity(
    fields: &mut Fields<'_>,
    shape: &Shape,
    abilities: &BTreeSet<Ability>,
) -> Result<Option<Value>, ImportError> {
    const TO: &str = "strategy.canary.affinity";
    let Some(mut affinity) = fields.open("sessionAffinity")? else { return Ok(None) };
    let cookie = affinity.text("cookieName")?;
    let cookie = cookie.ok_or_else(|| affinity.missing("cookieName", "name the cookie"))?;
    let max_age = affinity.seconds("maxAge")?.unwrap_or(Span::from_secs(86_400));
    for name in affinity.names() {
        affinity.leave_out(&name, "the router sets such things of the cookie itself");
    }
    if !matches!(shape, Shape::Canary { .. }) {
        affinity.dropped("", "without weights no client changes its revision by chance");
        return Ok(None);
    }
    if !abilities.contains(&Ability::Affinity) {
        affinity.dropped("", "this router keeps no client on its revision; Traefik's can");
        return Ok(None);
    }
    affinity.mapped("", TO);
    Ok(Some(json!({ "cookie": cookie, "max_age": max_age })))
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
