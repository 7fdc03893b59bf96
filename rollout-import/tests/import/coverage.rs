//! Nothing is lost silently: every field of every fixture is in a report, by itself or as a part.

use rollout_import::{Options, import, report::Mapping};
use serde_json::Value;

use crate::fixtures;

/// Paths of everything in `value` that has no further parts.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}[{index}]"), found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => found.push(path.to_owned()),
    }
}

/// Whether some line of a report speaks of `path` in the object `kind`/`name`.
fn is_told(lines: &[Mapping], object: &str, path: &str) -> bool {
    lines.iter().any(|line| {
        let field = match line.field.strip_prefix(object) {
            Some("") => return true,
            Some(field) => field.trim_start().to_owned(),
            None => line.field.clone(),
        };
        // A map without fields is told by what is told of the fields it might have.
        let whole = Mapping { field: path.to_owned(), fate: line.fate.clone() };
        whole.covers(&field) || Mapping { field, fate: line.fate.clone() }.covers(path)
    })
}

#[test]
fn every_field_is_in_a_report() {
    for (name, text) in fixtures() {
        let imported = import(&text, &Options::default()).unwrap();
        let mut own: Vec<(String, Vec<Mapping>)> = Vec::new();
        for workload in &imported.workloads {
            own.push((workload.spec.workload.to_string(), workload.report.clone()));
        }
        let all: Vec<Mapping> = imported
            .rest
            .iter()
            .cloned()
            .chain(own.iter().flat_map(|(_, report)| report.clone()))
            .collect();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let objects = documents.into_iter().flat_map(|document| match document.get("items") {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![document],
        });
        for object in objects.filter(|object| !object.is_null()) {
            let kind = object["kind"].as_str().unwrap_or_default();
            let named = object["metadata"]["name"].as_str().unwrap_or_default();
            let mut found = Vec::new();
            leaves(&object, "", &mut found);
            assert!(!found.is_empty(), "{name}");
            let object = format!("{kind}/{named}");
            // Other objects are told by their names, so that nobody else's fields count for theirs.
            let about: Vec<Mapping> =
                all.iter().filter(|line| line.field.starts_with(&object)).cloned().collect();
            let lines = own.iter().find(|(workload, _)| workload == named);
            let lines = match lines {
                _ if !about.is_empty() => &about,
                Some((_, report)) if is_workload(kind) => report,
                Some(_) | None => &all,
            };
            for path in found {
                assert!(is_told(lines, &object, &path), "{name}: {kind}/{named} {path} is lost");
            }
        }
    }
}

fn is_workload(kind: &str) -> bool {
    ["Deployment", "StatefulSet", "DaemonSet", "Rollout", "Canary"].contains(&kind)
}
