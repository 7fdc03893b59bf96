//! `metrics`: those with a template become gates, the built-in ones a person's word.

use rollout_core::time::Span;
use serde_json::{Value, json};

use super::About;
use crate::{
    ImportError,
    document::{Fields, Scope},
    file::File,
    gate,
};

const TO: &str = "strategy";
/// Flagger's default of a metric's `interval`, the window of its query.
const WINDOW: &str = "1m";

/// How often a metric is read, and how many readings may be bad.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    pub(super) interval: Span,
    /// Failed checks that roll back.
    pub(super) threshold: u64,
    /// Good readings asked for.
    pub(super) iterations: u64,
}

/// The gates of the metrics.
pub(super) fn gates(
    file: &File,
    analysis: &mut Fields<'_>,
    about: &About,
    rhythm: Rhythm,
) -> Result<Vec<Value>, ImportError> {
    let mut gates = Vec::new();
    for mut metric in analysis.items("metrics")? {
        let name = metric.text("name")?.ok_or_else(|| metric.missing("name", "name the metric"))?;
        match one(file, &mut metric, &name, about, rhythm)? {
            Ok(gate) => {
                metric.mapped("", TO);
                gates.push(gate);
            }
            Err(why) => {
                metric.rest().clear();
                metric.changed("", TO, format!("an approval in its place: {why}"));
                if !gates.contains(&gate::approval()) {
                    gates.push(gate::approval());
                }
            }
        }
    }
    Ok(gates)
}

/// One metric as a gate, or why it cannot be one.
fn one(
    file: &File,
    metric: &mut Fields<'_>,
    name: &str,
    about: &About,
    rhythm: Rhythm,
) -> Result<Result<Value, String>, ImportError> {
    let condition = match condition(metric)? {
        Ok(condition) => condition,
        Err(why) => return Ok(Err(why)),
    };
    let window = metric.text("interval")?.unwrap_or_else(|| WINDOW.to_owned());
    let variables = metric.raw("templateVariables").unwrap_or(Value::Null);
    let asked = match (metric.text("query")?, metric.open("templateRef")?) {
        (Some(query), _) => Ok((query, None)),
        (None, Some(reference)) => template(file, reference)?,
        (None, None) => Err(
            "it is one of Flagger's own, whose query follows the mesh; write it as a MetricTemplate"
                .to_owned(),
        ),
    };
    let (query, address) = match asked {
        Ok(asked) => asked,
        Err(why) => return Ok(Err(why)),
    };
    let Some(query) = filled(&query, about, &window, &variables) else {
        return Ok(Err("its query needs a variable whose value is not in the file".to_owned()));
    };
    let mut gate = json!({
        "name": name,
        "query": query.trim(),
        "pass": condition,
        "interval": rhythm.interval,
        "consecutive_success_limit": rhythm.iterations,
        "failure_limit": rhythm.threshold.saturating_sub(1),
    });
    if let Some(address) = address {
        gate["source"] = json!(address);
    }
    Ok(gate::metric(&gate))
}

/// `thresholdRange`, or the older `threshold`, which is a least value for the success rate only.
fn condition(metric: &mut Fields<'_>) -> Result<Result<Value, String>, ImportError> {
    if metric.raw("threshold").is_some() {
        return Ok(Err(
            "`threshold` means the least of one metric and the most of another".to_owned()
        ));
    }
    let Some(mut range) = metric.open("thresholdRange")? else {
        return Ok(Err("it has no `thresholdRange`".to_owned()));
    };
    let number = |value: Option<Value>| value.map(|value| value.to_string().replace('"', ""));
    Ok(match (number(range.raw("min")), number(range.raw("max"))) {
        (Some(min), Some(max)) => Ok(json!({ "between": { "from": min, "to": max } })),
        (Some(min), None) => Ok(json!({ "at_least": min })),
        (None, Some(max)) => Ok(json!({ "at_most": max })),
        (None, None) => Err("its `thresholdRange` is empty".to_owned()),
    })
}

/// Query and address of a `MetricTemplate` of Prometheus.
type Asked = Result<(String, Option<String>), String>;

fn template(file: &File, mut reference: Fields<'_>) -> Result<Asked, ImportError> {
    let name = reference.text("name")?;
    let name = name.ok_or_else(|| reference.missing("name", "name the template"))?;
    let namespace = reference.text("namespace")?;
    let object = match &namespace {
        Some(namespace) => file
            .anywhere("MetricTemplate", &name)
            .filter(|found| found.namespace == *namespace || found.namespace.is_empty()),
        None => file.named(reference.scope.object, "MetricTemplate", &name),
    };
    let Some(object) = object else {
        return Ok(Err(format!("MetricTemplate/{name} is not in the file")));
    };
    file.mark(object);
    let mut top = Fields::of(Scope { object, own: false, ..reference.scope });
    for name in ["apiVersion", "kind"] {
        top.leave_out(name, "it says which words the object is written in");
    }
    top.leave_out("metadata", "the canary names it");
    let mut spec = top.open("spec")?.ok_or_else(|| top.missing("spec", "add it"))?;
    let query = spec.text("query")?.ok_or_else(|| spec.missing("query", "write it"))?;
    spec.mapped("query", TO);
    let Some(mut provider) = spec.open("provider")? else {
        return Err(spec.missing("provider", "say who is asked"));
    };
    let (kind, address) = (provider.text("type")?.unwrap_or_default(), provider.text("address")?);
    provider.mapped("type", TO);
    let how = "the source of the metric is called by it: give the engine one of that name";
    provider.changed("address", TO, how);
    let extra = provider.names();
    if kind != "prometheus" {
        provider.rest().clear();
        provider.changed("", TO, "an approval in its place");
        return Ok(Err(format!("the engine does not ask `{kind}`")));
    }
    if !extra.is_empty() {
        return Ok(Err(format!("`{}` of its provider cannot be carried over", extra.join(", "))));
    }
    Ok(Ok((query, address)))
}

/// `text` with Flagger's variables replaced; `None` if one has no value.
fn filled(text: &str, about: &About, window: &str, variables: &Value) -> Option<String> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}")?;
        done.push_str(before);
        done.push_str(match name.trim() {
            "name" => &about.name,
            "namespace" if !about.namespace.is_empty() => &about.namespace,
            "target" => &about.target,
            "service" => &about.service,
            "ingress" if !about.ingress.is_empty() => &about.ingress,
            "interval" => window,
            other => variables.get(other.strip_prefix("variables.")?)?.as_str()?,
        });
        rest = behind;
    }
    done.push_str(rest);
    Some(done)
}
