//! The judge against another tool's own test table, restated as facts: `cases/argo_analysis.json`.
//!
//! Each row gives a metric and what was read, and what both say: `upstream` there, `verdict`, `finding` or
//! `refused` here. A row with `why` differs on purpose. Every row of the table is here, and is counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use rollout_core::{
    judge::{Finding, Metric, Reading, Tally, Verdict},
    spec::CheckError,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Table {
    upstream_rows: usize,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "row")]
    name: String,
    metric: BTreeMap<String, Value>,
    /// What upstream says.
    upstream: String,
    /// Why ours is another, if it is.
    why: Option<String>,
    #[serde(flatten)]
    given: Given,
}

#[derive(Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
enum Given {
    /// What a tally says.
    Assess { tally: Box<Tally>, is_over: bool, verdict: Verdict },
    /// What one value is.
    Hold { reading: String, finding: String },
    /// Whether the metric can be used: the field that is refused, or `unreadable` if it cannot be written so.
    Check { refused: Option<String> },
}

fn table() -> Table {
    serde_json::from_str(include_str!("cases/argo_analysis.json")).unwrap()
}

/// The metric of a row, on top of a name, a query and a condition.
fn metric(row: &Row) -> Result<Metric, serde_json::Error> {
    let mut metric = json!({"name": "a", "query": "q"});
    if !matches!(row.given, Given::Hold { .. }) {
        metric["pass"] = json!({"below": 1});
    }
    for (key, value) in &row.metric {
        metric[key] = value.clone();
    }
    serde_json::from_value(metric)
}

/// What ours says, in the words of the row.
fn ours(row: &Row) -> String {
    let metric = metric(row);
    match &row.given {
        Given::Assess { tally, is_over, .. } => {
            metric.unwrap().assess(tally, *is_over).verdict.to_string()
        }
        Given::Hold { reading, .. } => match Reading::of_text(reading) {
            Reading::Value(value) => match metric.unwrap().hold(value) {
                Finding::Passing(_) => "passing".to_owned(),
                Finding::Failing(_) => "failing".to_owned(),
                Finding::Undecided => "undecided".to_owned(),
            },
            Reading::NoData => "no data".to_owned(),
            Reading::Error(_) => "error".to_owned(),
        },
        Given::Check { .. } => {
            let Ok(metric) = metric else { return "unreadable".to_owned() };
            let mut errors = Vec::new();
            metric.check("m", &mut errors);
            errors.first().map_or("valid", CheckError::field).to_owned()
        }
    }
}

/// What ours must say, and what it would say if upstream were followed to the letter.
fn expected(row: &Row) -> (String, String) {
    let upstream = match row.upstream.as_str() {
        "Successful" => "pass",
        "Failed" | "Error" => "fail",
        "Inconclusive" => "no data",
        "Running" => "continue",
        other => other,
    };
    match &row.given {
        Given::Assess { verdict, .. } => (verdict.to_string(), upstream.to_owned()),
        Given::Hold { finding, .. } => {
            let upstream = match row.upstream.as_str() {
                "Successful" => "passing",
                "Failed" => "failing",
                "Error" => "error",
                other => other,
            };
            (finding.clone(), upstream.to_owned())
        }
        Given::Check { refused } => {
            let ours = refused.clone().unwrap_or_else(|| "valid".to_owned());
            let upstream = if upstream == "valid" { "valid".to_owned() } else { ours.clone() };
            (ours, upstream)
        }
    }
}

#[test]
fn every_row_says_what_it_must() {
    for row in table().rows {
        assert_eq!(ours(&row), expected(&row).0, "{}", row.name);
    }
}

#[test]
fn rows_that_differ_have_a_reason_and_no_others() {
    for row in table().rows {
        let (ours, upstream) = expected(&row);
        assert_eq!(ours != upstream, row.why.is_some(), "{}: {ours}, {upstream}", row.name);
        assert!(row.why.is_none_or(|why| !why.is_empty()));
    }
}

#[test]
fn every_upstream_row_is_accounted_for() {
    let table = table();
    assert_eq!(table.rows.len(), table.upstream_rows);
    let count = |wanted: fn(&Row) -> bool| table.rows.iter().filter(|row| wanted(row)).count();
    assert_eq!(count(|row| matches!(row.given, Given::Assess { .. })), 34);
    assert_eq!(count(|row| matches!(row.given, Given::Hold { .. })), 5);
    assert_eq!(count(|row| matches!(row.given, Given::Check { .. })), 9);
    assert_eq!(count(|row| row.why.is_some()), 8);
}
