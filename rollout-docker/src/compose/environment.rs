//! Environment variables: fixed values are carried over, those that come from variables by reference.

use serde_json::{Map, Value, json};

use super::{
    ComposeError,
    fields::{Fields, interpolate, scalar},
};
use crate::interpolate::has_references;

pub(super) fn map(
    fields: &mut Fields<'_>,
    template: &mut Map<String, Value>,
) -> Result<(), ComposeError> {
    const NAME: &str = "environment";
    fields.refuse(
        "env_file",
        "values of a file would have to be stored in the spec",
        "put the variables into `environment`, as `NAME: ${NAME}`, and into the engine's own environment",
    )?;
    let pairs: Vec<(String, Value)> = match fields.raw(NAME) {
        None => return Ok(()),
        Some(Value::Object(map)) => map.into_iter().collect(),
        Some(Value::Array(items)) => items.iter().map(pair).collect(),
        Some(other) => {
            return Err(fields.wrong(
                NAME,
                format!("`{other}` is neither a map nor a list"),
                "write `NAME: value`",
            ));
        }
    };
    let (mut fixed, mut referred) = (Map::new(), Map::new());
    for (name, value) in pairs {
        let Some(text) = scalar(&value) else {
            if value.is_null() {
                // A name alone hands the variable on.
                referred.insert(name.clone(), json!(format!("${{{name}}}")));
                continue;
            }
            return Err(fields.wrong(NAME, format!("`{name}` is no text"), "write one value"));
        };
        if has_references(&text) {
            referred.insert(name, Value::String(text));
        } else {
            let text = interpolate(&fields.place(NAME), &text, fields.environment)?;
            fixed.insert(name, Value::String(text));
        }
    }
    report(fields, NAME, &fixed, &referred);
    put(template, "env", fixed);
    put(template, "env_from", referred);
    Ok(())
}

/// Says where the values went.
fn report(
    fields: &mut Fields<'_>,
    field: &str,
    fixed: &Map<String, Value>,
    referred: &Map<String, Value>,
) {
    let to = match (fixed.is_empty(), referred.is_empty()) {
        (_, true) => "template.env",
        (true, false) => "template.env_from",
        (false, false) => "template.env and template.env_from",
    };
    if referred.is_empty() {
        fields.mapped(field, to);
    } else {
        let names: Vec<String> = referred.keys().cloned().collect();
        fields.changed(
            field,
            to,
            format!(
                "{} taken from the engine's environment when a container is created, never stored; a change of such a value alone makes no new revision, and a variable without value and default is refused",
                names.join(", ")
            ),
        );
    }
}

/// `NAME=value`, or a name alone.
fn pair(item: &Value) -> (String, Value) {
    let text = item.as_str().unwrap_or_default();
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), json!(value)),
        None => (text.to_owned(), Value::Null),
    }
}

fn put(template: &mut Map<String, Value>, name: &str, map: Map<String, Value>) {
    if !map.is_empty() {
        template.insert(name.to_owned(), Value::Object(map));
    }
}
