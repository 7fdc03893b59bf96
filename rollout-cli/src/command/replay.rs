//! `rollout replay`: the records of a journal, one a line. Absent: templates.

use std::path::Path;

use rollout_core::{engine::Record, id::WorkloadId, port::Journal as _};
use rollout_runtime::journal::RedbJournal;
use serde_json::{Value, json};

use crate::{
    args::ReplayArgs,
    error::CliError,
    exit::Exit,
    output::{Output, text::Text, when},
    place::find_journal,
};

pub(super) async fn run(args: &ReplayArgs, output: Output) -> Result<Exit, CliError> {
    let path = match (&args.journal, &args.workload) {
        (Some(path), _) => path.clone(),
        (None, Some(workload)) => find_journal(Path::new(""), workload)?,
        // Clap asks for one of the two.
        (None, None) => Path::new("").to_owned(),
    };
    let journal = open(&path).await?;
    let known = journal.workloads().await?;
    let chosen = choose(&path, args.workload.as_ref(), known)?;
    let mut read = Vec::new();
    for workload in chosen {
        let records = journal.load(&workload).await?;
        read.push((workload, records));
    }
    output.result(|| document(&path, &read), || text(&read))?;
    Ok(Exit::Done)
}

/// Opens a journal that must be there.
pub(super) async fn open(path: &Path) -> Result<RedbJournal, CliError> {
    if !path.is_file() {
        return Err(CliError::NoJournal { path: path.to_owned() });
    }
    Ok(RedbJournal::open(path).await?)
}

/// The workload that is wanted, or all that are known.
fn choose(
    path: &Path,
    wanted: Option<&WorkloadId>,
    known: Vec<WorkloadId>,
) -> Result<Vec<WorkloadId>, CliError> {
    match wanted {
        None => Ok(known),
        Some(wanted) if known.contains(wanted) => Ok(vec![wanted.clone()]),
        Some(wanted) => Err(not_in(path, wanted, &known)),
    }
}

/// The error for a workload that the journal does not know.
pub(super) fn not_in(path: &Path, wanted: &WorkloadId, known: &[WorkloadId]) -> CliError {
    let names: Vec<&str> = known.iter().map(WorkloadId::as_str).collect();
    CliError::NotInJournal {
        path: path.to_owned(),
        workload: wanted.to_string(),
        known: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
    }
}

fn text(read: &[(WorkloadId, Vec<Record>)]) -> String {
    let mut text = Text::default();
    for (workload, records) in read {
        text.line(format_args!("{workload}: {} records", records.len()));
        for (seq, record) in (Record::first_seq(records).0..).zip(records) {
            let at = when::point(record.at);
            text.line(format_args!("{seq:>6}  {at}  {}", record.change));
        }
    }
    text.into_string()
}

fn document(path: &Path, read: &[(WorkloadId, Vec<Record>)]) -> Value {
    let records = |records: &[Record]| -> Vec<Value> {
        let numbered = (Record::first_seq(records).0..).zip(records);
        let one = |(seq, record): (u64, &Record)| {
            json!({
                "seq": seq,
                "at": when::point(record.at),
                "at_ms": record.at,
                "kind": kind(record),
                "text": record.change.to_string(),
            })
        };
        numbered.map(one).collect()
    };
    let workloads: Vec<Value> = read
        .iter()
        .map(|(workload, all)| json!({ "workload": workload, "records": records(all) }))
        .collect();
    json!({ "journal": path, "workloads": workloads })
}

/// The name of a change, as the journal writes it.
fn kind(record: &Record) -> String {
    match serde_json::to_value(&record.change) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    }
}
