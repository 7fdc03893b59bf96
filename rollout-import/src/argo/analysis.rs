//! `AnalysisTemplate`s: metrics become gates; what cannot be measured here becomes a person's word.

use std::collections::BTreeMap;

use rollout_core::time::Span;
use serde_json::{Map, Value, json};

use crate::{
    ImportError,
    condition::{Simple, simple},
    document::{Fields, Object, Scope},
    file::File,
    gate::{self, approval},
};

/// Values of an analysis' arguments by name.
type Arguments = BTreeMap<String, String>;

/// The gates of an analysis that stand at `to` of the spec.
///
/// Evidence that was asked for is never dropped: where a metric cannot be one of the engine's, or its template
/// is not in the file, the gate is an approval.
pub(super) fn gates(
    file: &File,
    block: &mut Fields<'_>,
    to: &str,
) -> Result<Vec<Value>, ImportError> {
    let given = arguments(block)?;
    let dry = dry_runs(block)?;
    for name in ["measurementRetention", "analysisRunMetadata"] {
        block.leave_out(name, "it is about the objects that Argo keeps");
    }
    let mut gates = Gates { to, list: Vec::new() };
    let templates = block.items("templates")?;
    if templates.is_empty() {
        return Err(block.missing("templates", "name at least one"));
    }
    for mut reference in templates {
        let cluster = reference.flag("clusterScope")?.unwrap_or(false);
        let name = reference.text("templateName")?;
        let name = name.ok_or_else(|| reference.missing("templateName", "name the template"))?;
        let kind = if cluster { "ClusterAnalysisTemplate" } else { "AnalysisTemplate" };
        let Some(template) = find(file, reference.scope.object, kind, &name) else {
            gates.ask(&reference, "", &format!("{kind}/{name} is not in the file"));
            continue;
        };
        reference.mapped("", to);
        file.mark(template);
        let scope = Scope { object: template, own: false, ..block.scope };
        template_gates(scope, &given, &dry, &mut gates)?;
    }
    Ok(gates.list)
}

/// Gates in the making.
struct Gates<'a> {
    to: &'a str,
    list: Vec<Value>,
}

impl Gates<'_> {
    /// Adds a person's word in the place of evidence.
    fn ask(&mut self, fields: &Fields<'_>, name: &str, why: &str) {
        let how = format!("an approval in its place: {why}");
        fields.changed(name, self.to, how);
        if !self.list.contains(&approval()) {
            self.list.push(approval());
        }
    }
}

/// The arguments that have a value.
fn arguments(fields: &mut Fields<'_>) -> Result<Arguments, ImportError> {
    let mut given = Arguments::new();
    for mut argument in fields.items("args")? {
        let name = argument.text("name")?;
        let name = name.ok_or_else(|| argument.missing("name", "name the argument"))?;
        match argument.raw("value") {
            Some(Value::String(text)) => drop(given.insert(name, text)),
            Some(other) => drop(given.insert(name, other.to_string())),
            None => (),
        }
        argument.leave_out("valueFrom", "its value is known to the cluster only");
        argument.mapped("", "the queries that name it");
    }
    Ok(given)
}

/// Names of metrics that decide nothing.
fn dry_runs(fields: &mut Fields<'_>) -> Result<Vec<String>, ImportError> {
    let mut names = Vec::new();
    for mut item in fields.items("dryRun")? {
        if let Some(name) = item.text("metricName")? {
            item.mapped("metricName", "the metrics it names: they decide nothing");
            names.push(name);
        }
    }
    Ok(names)
}

/// Adds the gates of one template.
fn template_gates(
    scope: Scope<'_>,
    given: &Arguments,
    dry: &[String],
    gates: &mut Gates<'_>,
) -> Result<(), ImportError> {
    let mut top = Fields::of(scope);
    for name in ["apiVersion", "kind"] {
        top.leave_out(name, "it says which words the object is written in");
    }
    top.leave_out("metadata", "the workload names it");
    let mut spec = top.open("spec")?.ok_or_else(|| top.missing("spec", "add it"))?;
    let mut values = arguments(&mut spec)?;
    values.extend(given.clone());
    let mut dry = dry.to_vec();
    dry.extend(dry_runs(&mut spec)?);
    spec.leave_out("measurementRetention", "it is about the objects that Argo keeps");
    for nested in spec.items("templates")? {
        let mut nested = nested;
        nested.rest().clear();
        gates.ask(&nested, "", "templates within templates are not followed");
    }
    for metric in spec.items("metrics")? {
        one(metric, &values, &dry, gates)?;
    }
    Ok(())
}

/// Adds the gate of one metric.
fn one(
    mut metric: Fields<'_>,
    values: &Arguments,
    dry: &[String],
    gates: &mut Gates<'_>,
) -> Result<(), ImportError> {
    let name = metric.text("name")?.ok_or_else(|| metric.missing("name", "name the metric"))?;
    let silent = dry.iter().any(|dry| *dry == name || dry == ".*" || dry == "*");
    match as_gate(&mut metric, &name, silent, values)? {
        Ok(gate) => {
            let how = "its source is called by its address: give the engine one of that name";
            metric.changed("", gates.to, how);
            gates.list.push(gate);
        }
        Err(why) => {
            metric.rest().clear();
            if silent {
                metric.dropped("", format!("{why}; and it was a dry run that decides nothing"));
            } else {
                gates.ask(&metric, "", &why);
            }
        }
    }
    Ok(())
}

/// A metric in the words of a metric gate, or why it cannot be one.
fn as_gate(
    metric: &mut Fields<'_>,
    name: &str,
    silent: bool,
    values: &Arguments,
) -> Result<Result<Value, String>, ImportError> {
    let query = match provider(metric, values)? {
        Ok(query) => query,
        Err(why) => return Ok(Err(why)),
    };
    let mut gate = json!({ "name": name, "query": query.text });
    if let Some(address) = query.address {
        gate["source"] = json!(address);
    }
    for (field, to) in [("successCondition", "pass"), ("failureCondition", "fail")] {
        let Some(text) = metric.text(field)? else { continue };
        let Some(text) = filled(&text, values) else {
            return Ok(Err(format!("`{field}` needs an argument whose value is not in the file")));
        };
        let Some(Simple { condition, stricter }) = simple(&text) else {
            return Ok(Err(format!("`{text}` is more than one value against fixed limits")));
        };
        if stricter {
            metric.changed(
                field,
                to,
                "an answer without a value is no evidence here: it never passes",
            );
        }
        gate[to] = condition;
    }
    if gate.get("pass").is_none() && gate.get("fail").is_none() {
        return Ok(Err("it has no condition".to_owned()));
    }
    if let Err(why) = limits(metric, &mut gate, values) {
        return Ok(Err(why));
    }
    if silent {
        gate["dry_run"] = json!(true);
    }
    Ok(gate::metric(&gate))
}

/// Times and limits of a metric.
fn limits(metric: &mut Fields<'_>, gate: &mut Value, values: &Arguments) -> Result<(), String> {
    for (field, to) in [("interval", "interval"), ("initialDelay", "initial_delay")] {
        let Some(value) = metric.raw(field) else { continue };
        let text = value.as_str().and_then(|text| filled(text, values));
        let Some(span) = text.and_then(|text| text.parse::<Span>().ok()) else {
            return Err(format!("`{field}: {value}` is no length of time"));
        };
        gate[to] = json!(span);
    }
    for (field, to) in [
        ("count", "count"),
        ("inconclusiveLimit", "inconclusive_limit"),
        ("consecutiveErrorLimit", "error_limit"),
        ("consecutiveSuccessLimit", "consecutive_success_limit"),
        ("failureLimit", "failure_limit"),
    ] {
        let Some(value) = metric.raw(field) else { continue };
        let text = match value.as_str() {
            Some(text) => filled(text, values),
            None => Some(value.to_string()),
        };
        let number: Option<i64> = text.and_then(|text| text.trim().parse().ok());
        match (field, number) {
            ("failureLimit", Some(-1)) => {
                return Err("with `failureLimit: -1` no value could fail it".to_owned());
            }
            // Zero where it means that there is none.
            ("consecutiveSuccessLimit" | "count", Some(0)) => (),
            (_, Some(number)) if 0 <= number => gate[to] = json!(number),
            (_, _) => return Err(format!("`{field}: {value}` is no whole number")),
        }
    }
    Ok(())
}

/// What is asked, and of whom.
struct Query {
    text: String,
    address: Option<String>,
}

/// The query of a metric, if it is one of Prometheus.
fn provider(
    metric: &mut Fields<'_>,
    values: &Arguments,
) -> Result<Result<Query, String>, ImportError> {
    let mut provider =
        metric.open("provider")?.ok_or_else(|| metric.missing("provider", "say who is asked"))?;
    let kinds = provider.names().join(", ");
    let Some(mut prometheus) = provider.open("prometheus")? else {
        provider.rest().clear();
        return Ok(Err(format!("the engine does not ask `{kinds}`")));
    };
    let (address, query) = (prometheus.text("address")?, prometheus.text("query")?);
    let extra = prometheus.names();
    let secret: Map<String, Value> = std::mem::take(prometheus.rest());
    if !secret.is_empty() {
        return Ok(Err(format!("`{}` of Prometheus cannot be carried over", extra.join(", "))));
    }
    let Some(query) = query else {
        return Err(prometheus.missing("query", "write the query"));
    };
    let fill = |text: Option<String>| match text {
        None => Some(None),
        Some(text) => filled(&text, values).map(Some),
    };
    Ok(match (filled(&query, values), fill(address)) {
        (Some(text), Some(address)) => Ok(Query { text: text.trim().to_owned(), address }),
        _ => Err("its query needs an argument whose value is not in the file".to_owned()),
    })
}

/// `text` with every `{{args.name}}` replaced; `None` if one has no value.
fn filled(text: &str, values: &Arguments) -> Option<String> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}")?;
        done.push_str(before);
        done.push_str(values.get(name.trim().strip_prefix("args.")?)?);
        rest = behind;
    }
    done.push_str(rest);
    Some(done)
}

/// The template called `name`; those of the whole cluster have no namespace.
fn find<'a>(file: &'a File, beside: &Object, kind: &str, name: &str) -> Option<&'a Object> {
    match kind {
        "ClusterAnalysisTemplate" => file.anywhere(kind, name),
        _ => file.named(beside, kind, name),
    }
}
