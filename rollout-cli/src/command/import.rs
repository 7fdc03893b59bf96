//! `rollout import`: the workloads of a file as specs, and what became of each field.

use rollout_import::report::{Fate, Mapping};
use serde_json::{Value, json};

use crate::{
    args::ImportArgs,
    error::CliError,
    exit::Exit,
    output::Output,
    source::{self, Source},
};

pub(super) fn run(args: &ImportArgs, output: Output) -> Result<Exit, CliError> {
    let (sources, rest) = source::load_all(args)?;
    if output.is_json() {
        let document = || {
            let mut list: Vec<Value> = sources.iter().map(document).collect();
            // What belongs to none is told once, with the last one.
            if let Some(Value::Array(report)) = list.last_mut().map(|last| &mut last["report"]) {
                report.extend(rest.iter().map(mapping));
            }
            list
        };
        output.result(document, String::new)?;
        return Ok(Exit::Done);
    }
    let several = 1 < sources.len();
    for (place, source) in sources.iter().enumerate() {
        let yaml = serde_saphyr::to_string(source.spec.spec()).map_err(|why| CliError::System {
            what: "the spec cannot be written as YAML",
            why: why.to_string(),
        })?;
        if 0 < place {
            Output::raw("---\n");
        }
        Output::raw(&yaml);
        for line in source.mapped.iter().flatten() {
            if several {
                Output::aside(&format!("{}: {line}", source.spec.workload));
            } else {
                Output::aside(&line.to_string());
            }
        }
    }
    for line in &rest {
        Output::aside(&line.to_string());
    }
    Ok(Exit::Done)
}

fn document(source: &Source) -> Value {
    let report: Vec<Value> = source.mapped.iter().flatten().map(mapping).collect();
    json!({ "spec": source.spec.spec(), "report": report })
}

/// What became of one field, for tools.
pub(super) fn mapping(mapping: &Mapping) -> Value {
    let field = &mapping.field;
    match &mapping.fate {
        Fate::Mapped { to } => json!({ "field": field, "fate": "mapped", "to": to }),
        Fate::Changed { to, how } => {
            json!({ "field": field, "fate": "changed", "to": to, "how": how })
        }
        Fate::LeftOut { why } => json!({ "field": field, "fate": "left_out", "why": why }),
    }
}
