//! The page of words and defaults, `docs/DEFAULTS.md`: written from the schema of a spec and from the code's
//! own defaults. `UPDATE_GOLDEN=1` rewrites it.

use std::{collections::BTreeSet, fmt::Write};

use rollout_core::{
    engine::{PoolStatus, Role, Tuning},
    spec::schema,
    time::Span,
};
use serde_json::{Map, Value};

use super::tell::golden;

/// What counts of a pool are called, in the order of a life.
const WORDS: [(&str, &str); 7] = [
    ("target", "instances that the pool is to have, as decided last"),
    (
        "created",
        "instances that exist, or are being made, and were not told to go; an action counts from the moment it is intended",
    ),
    ("ready", "of the created ones, those that answer their probe now"),
    (
        "available",
        "of the ready ones, those that have been so for `health.min_ready` without a break and, where there is a load balancer, are enrolled; the floor counts these",
    ),
    (
        "enrolled",
        "the load balancer knows the instance and sends it its share; on standby it knows it and sends nothing until the route is set again",
    ),
    (
        "terminating",
        "instances that were told to go and still exist: drained, detached, stopped, removed, in this order",
    ),
    (
        "failed",
        "instances that failed in this attempt; those lost to the environment are not among them",
    ),
];

#[test]
fn the_page_of_words_and_defaults_is_true() {
    let mut page = HEAD.to_owned();
    for (word, what) in WORDS {
        writeln!(page, "| {word} | {what} |").unwrap();
    }
    page.push_str(SPEC);
    let schema = schema();
    section(&mut page, "the spec", &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        section(&mut page, &format!("`{name}`"), definition);
    }
    let Tuning { stale_after, retry_first, retry_most } = Tuning::default();
    page.push_str(TUNING);
    for (name, value, what) in [
        ("stale_after", stale_after, "oldest observation that a step rests on"),
        (
            "retry_first",
            retry_first,
            "wait before the second attempt at an action, doubled each time",
        ),
        ("retry_most", retry_most, "longest wait between two attempts"),
    ] {
        writeln!(page, "| {name} | {value} | {what} |").unwrap();
    }
    golden("docs/DEFAULTS.md", &page);
}

#[test]
fn the_words_are_those_of_the_status() {
    let pool = PoolStatus {
        revision: "v1".parse().unwrap(),
        role: Role::Stable,
        target: 0,
        created: 0,
        ready: 0,
        available: 0,
        terminating: 0,
        failed: 0,
    };
    let pool = serde_json::to_value(pool).unwrap();
    let counts = pool.as_object().unwrap().iter().filter(|(_, value)| value.is_u64());
    let counts: BTreeSet<&str> = counts.map(|(name, _)| name.as_str()).collect();
    let words = WORDS.iter().map(|(word, _)| *word).filter(|word| *word != "enrolled");
    assert_eq!(counts, words.collect());
}

/// One table with every field of a definition that has fields.
fn section(page: &mut String, title: &str, definition: &Value) {
    let mut rows = Vec::new();
    fields(&mut rows, "", definition, None);
    for variant in definition["oneOf"].as_array().into_iter().flatten() {
        let what = variant["description"].as_str().unwrap_or_default().replace('\n', " ");
        if let Some(word) = variant["const"].as_str() {
            rows.push(format!("| `{word}` | this word | one of these | {what} |\n"));
        }
        fields(&mut rows, "", variant, Some(&what));
    }
    if rows.is_empty() {
        return;
    }
    writeln!(page, "\n### {title}\n\n| field | written as | default | what |\n|---|---|---|---|")
        .unwrap();
    page.extend(rows);
}

fn fields(rows: &mut Vec<String>, before: &str, definition: &Value, variant: Option<&str>) {
    let none = Map::new();
    let required = definition["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in definition["properties"].as_object().unwrap_or(&none) {
        let path = format!("{before}{name}");
        if field["properties"].is_object() {
            fields(rows, &format!("{path}."), field, None);
            continue;
        }
        let own = field["description"].as_str().or(variant);
        let text = own.unwrap_or_default().replace('\n', " ");
        let (what, told) = match text.split_once("Default: ") {
            Some((what, told)) => (what.trim().to_owned(), Some(told.trim_end_matches('.'))),
            None => (text.clone(), None),
        };
        let is_variant = variant.is_some();
        let default = match (&field["default"], told) {
            (Value::Null, None) if is_variant => "one of these".to_owned(),
            (Value::Null, None) if required.contains(&name.as_str().into()) => {
                "must be given".to_owned()
            }
            (Value::Null, None) => "none".to_owned(),
            (Value::Null, Some(told)) => told.to_owned(),
            (value, told) => {
                let text = plain(value);
                if let Some(told) = told {
                    agrees(&path, told, value);
                }
                told.map_or(text, ToOwned::to_owned)
            }
        };
        rows.push(format!(
            "| {path} | {} | {default} | {} |\n",
            kind(field),
            what.replace('|', "\\|")
        ));
    }
}

/// A default as it would be written.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(_) | Value::Object(_) => "see its own table".to_owned(),
        Value::Number(_) | Value::Null => value.to_string(),
    }
}

/// What the text says of a default is what the code has.
#[track_caller]
fn agrees(path: &str, told: &str, value: &Value) {
    let first = told.split([';', ',', '.']).next().unwrap_or(told).trim();
    let is_so = match value {
        Value::Number(number) => first == number.to_string(),
        Value::Bool(is) => (first == "yes") == *is,
        Value::String(text) => {
            let bare = |text: &str| text.replace(['`', ' '], "").to_lowercase();
            let spans = (first.parse::<Span>().ok(), text.parse::<Span>().ok());
            match spans {
                (Some(told), Some(is)) => told == is,
                (None, Some(Span::ZERO)) => bare(first) == "none",
                (Some(_) | None, _) => bare(first).contains(&bare(text)),
            }
        }
        // A whole structure, or a choice with fields: told in words only.
        Value::Null | Value::Array(_) | Value::Object(_) => true,
    };
    assert!(is_so, "{path}: the text says `{told}`, the code has {value}");
}

/// How a value of this field is written.
fn kind(field: &Value) -> String {
    let reference = |field: &Value| {
        let whole = field["$ref"].as_str()?;
        Some(whole.rsplit('/').next().unwrap_or(whole).to_owned())
    };
    let some = field["anyOf"].as_array().into_iter().chain(field["oneOf"].as_array()).flatten();
    let named = reference(field).or_else(|| some.clone().find_map(reference));
    if let Some(name) = named {
        return match name.as_str() {
            "Span" => "time with its unit".to_owned(),
            "Amount" => "count or percent".to_owned(),
            "Weight" => "percent".to_owned(),
            "Number" => "number".to_owned(),
            "WorkloadId" | "RevisionId" => "name".to_owned(),
            _ => format!("`{name}`"),
        };
    }
    // What may be left out has two types, `null` being the second.
    let types = field["type"].get(0).unwrap_or(&field["type"]);
    match types.as_str() {
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "yes or no: `true`, `false`".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => {
            reference(&field["items"]).map_or("list".to_owned(), |name| format!("list of `{name}`"))
        }
        Some("object") => "map".to_owned(),
        Some(_) | None => "anything".to_owned(),
    }
}

const HEAD: &str = "# Words and defaults

Written by [a test](../rollout-core/tests/engine/defaults.rs) from the schema of a spec and the code; do not edit.

## Words

One word per idea, the same in the spec, in `status`, in `explain` and in the code:

| word | what it counts |
|---|---|
";

const SPEC: &str = "
Ready, available and enrolled are three things: an instance may be ready and not yet available, and available and not
enrolled. The ceiling is the desired number and surge; in strict counting terminating instances count against it. The floor
is the desired number less unavailable.

## Defaults of the spec

A time is a number with its unit, such as `250ms`, `10s` or `1m 30s`. A percent of instances is one of the desired number:
surge rounds up, unavailable rounds down. Shares of traffic are percent with at most two digits after the point.
";

const TUNING: &str = "
## The engine's own limits

The same for every workload; [the driver's](../rollout-runtime/src/options.rs) stand beside it.

| limit | default | what |
|---|---|---|
";
