//! The shape of an analysis: which strategy Flagger makes of it, and its weights.

use rollout_core::weight::Weight;
use serde_json::{Value, json};

use crate::{ImportError, document::Fields};

/// Iterations that Flagger takes where Kubernetes' Services are all there is.
const FORCED_ITERATIONS: u64 = 10;

/// What Flagger makes of an analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Requests that match go to the candidate, for so many iterations.
    AbTest { matches: Vec<Value>, iterations: u64 },
    /// A whole second set, for so many iterations.
    BlueGreen { iterations: u64 },
    /// Growing weights.
    Canary { weights: Vec<Weight> },
}

impl Shape {
    /// Reads it, in Flagger's order: `match`, then `iterations`, then weights.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        kubernetes_alone: bool,
    ) -> Result<Self, ImportError> {
        let matches = matches(fields)?;
        let iterations = fields.number("iterations")?.unwrap_or(0);
        if 0 < iterations {
            fields.mapped("iterations", "strategy");
        } else if !kubernetes_alone {
            fields.dropped("iterations", "0: weights rule");
        }
        if kubernetes_alone {
            weights_left_out(fields, "Kubernetes' Services divide nothing");
            let iterations = if iterations == 0 {
                fields.changed("iterations", "strategy", "10: what Flagger takes without a router");
                FORCED_ITERATIONS
            } else {
                iterations
            };
            if matches.is_empty() {
                return Ok(Self::BlueGreen { iterations });
            }
            return Err(fields.wrong(
                "match",
                "Kubernetes' Services cannot tell requests apart",
                "use a provider that can, or take it out",
            ));
        }
        if !matches.is_empty() {
            weights_left_out(fields, "with `match` there are no weights");
            return Ok(Self::AbTest { matches, iterations: iterations.max(1) });
        }
        if 0 < iterations {
            weights_left_out(fields, "with `iterations` there are no weights");
            return Ok(Self::BlueGreen { iterations });
        }
        Ok(Self::Canary { weights: weights(fields)? })
    }

    /// How many intervals each of its steps is looked at.
    pub(super) fn iterations(&self) -> u64 {
        match self {
            Self::AbTest { iterations, .. } | Self::BlueGreen { iterations } => *iterations,
            Self::Canary { .. } => 1,
        }
    }
}

fn weights_left_out(fields: &mut Fields<'_>, why: &str) {
    for name in ["maxWeight", "stepWeight", "stepWeights"] {
        fields.leave_out(name, why);
    }
}

/// `stepWeights`, or `stepWeight` up to and once past `maxWeight`.
fn weights(fields: &mut Fields<'_>) -> Result<Vec<Weight>, ImportError> {
    const TO: &str = "strategy.canary.steps";
    let list = fields.raw("stepWeights");
    let (step, max) = (fields.number("stepWeight")?, fields.number("maxWeight")?);
    if let Some(list) = list {
        for (name, given) in [("stepWeight", step), ("maxWeight", max)] {
            if given.is_some() {
                fields.dropped(name, "`stepWeights` rules");
            }
        }
        fields.mapped("stepWeights", TO);
        return listed(fields, &list);
    }
    let (step, max) = (step.unwrap_or(0), max.unwrap_or(100));
    if step == 0 || 100 < step || 100 < max || max == 0 {
        return Err(fields.wrong(
            "stepWeight",
            format!("{step} up to {max} gives no weights from 1 to 100"),
            "write `stepWeight` and `maxWeight` from 1 to 100, or `stepWeights`",
        ));
    }
    fields.mapped("stepWeight", TO);
    let highest = max.div_ceil(step).saturating_mul(step).min(100);
    if highest == max {
        fields.mapped("maxWeight", TO);
    } else {
        let how = format!(
            "{highest} in the end: Flagger promotes at the first step that is not below it"
        );
        fields.changed("maxWeight", TO, how);
    }
    let steps = (1..=max.div_ceil(step)).map(|index| (index * step).min(100) * 100);
    Ok(steps.filter_map(|points| Weight::from_basis_points(points).ok()).collect())
}

/// A list of weights, which must rise.
fn listed(fields: &Fields<'_>, list: &Value) -> Result<Vec<Weight>, ImportError> {
    let mut weights: Vec<Weight> = Vec::new();
    for (index, value) in list.as_array().into_iter().flatten().enumerate() {
        let weight = value.as_u64().and_then(|value| {
            Weight::from_basis_points(value.saturating_mul(100)).ok().filter(|w| !w.is_zero())
        });
        let name = format!("stepWeights[{index}]");
        let Some(weight) = weight else {
            let why = format!("`{value}` is no weight from 1 to 100");
            return Err(fields.wrong(&name, why, "correct it"));
        };
        if weights.last().is_some_and(|before| weight <= *before) {
            return Err(fields.wrong(
                &name,
                format!("{weight} is not above the weight before; Flagger would stand still there"),
                "let weights rise, or remove this one",
            ));
        }
        weights.push(weight);
    }
    if weights.is_empty() {
        return Err(fields.wrong("stepWeights", "there is none", "write at least one"));
    }
    Ok(weights)
}

/// `match`: any of its items is enough, and each is one header here.
fn matches(fields: &mut Fields<'_>) -> Result<Vec<Value>, ImportError> {
    const TO: &str = "strategy.canary.steps[].match";
    let mut found = Vec::new();
    for mut item in fields.items("match")? {
        let headers = item.open("headers")?;
        let others = item.names();
        let Some(mut headers) = headers.filter(|_| others.is_empty()) else {
            return Err(item.wrong(
                "",
                "it matches by something else than headers",
                "match by `headers`, or take it out",
            ));
        };
        let names = headers.names();
        let [name] = names.as_slice() else {
            return Err(headers.wrong(
                "",
                format!("all of its {} headers must match, and a spec matches by one", names.len()),
                "leave one; a header more would let more requests in",
            ));
        };
        let mut value = headers.open_or_empty(name)?;
        let mut one = json!({ "header": name });
        for kind in ["exact", "prefix", "regex"] {
            if let Some(text) = value.text(kind)? {
                value.mapped(kind, TO);
                one[kind] = json!(text);
            }
        }
        let left = value.names();
        if !left.is_empty() {
            let why = format!("`{}` is no way that a spec matches", left.join(", "));
            return Err(value.wrong("", why, "use `exact`, `prefix` or `regex`"));
        }
        headers.mapped(name, TO);
        found.push(one);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Log, Scope, read};

    fn shape(analysis: &str) -> Result<Shape, ImportError> {
        let objects = read(&format!("kind: Canary\nanalysis: {{ {analysis} }}\n")).unwrap();
        let log = Log::default();
        let scope = Scope { object: &objects[0], log: &log, own: true };
        let mut fields = Fields::of(scope).open("analysis").unwrap().unwrap();
        Shape::read(&mut fields, false)
    }

    #[test]
    fn weights_go_once_past_the_greatest() {
        for (analysis, expected) in [
            ("stepWeight: 20, maxWeight: 50", vec![20, 40, 60]),
            ("stepWeight: 10, maxWeight: 30", vec![10, 20, 30]),
            ("stepWeight: 30", vec![30, 60, 90, 100]),
            ("stepWeights: [1, 10, 80], maxWeight: 50", vec![1, 10, 80]),
        ] {
            let weights = expected.iter().map(|w| Weight::from_basis_points(w * 100).unwrap());
            let canary = Shape::Canary { weights: weights.collect() };
            assert_eq!(shape(analysis).unwrap(), canary, "{analysis}");
        }
    }

    #[test]
    fn requests_rule_before_iterations_and_iterations_before_weights() {
        let requests = "match: [{ headers: { x: { prefix: a } } }]";
        let ab = shape(&format!("{requests}, iterations: 3, stepWeight: 5")).unwrap();
        let matches = vec![json!({ "header": "x", "prefix": "a" })];
        assert_eq!(ab, Shape::AbTest { matches, iterations: 3 });
        let blue_green = shape("iterations: 3, stepWeight: 5").unwrap();
        assert_eq!(blue_green, Shape::BlueGreen { iterations: 3 });
        assert!(shape("maxWeight: 50").is_err());
    }
}
