//! `rollout import`: a service of a Compose file as a spec, and what became of each field.

use rollout_docker::compose::{Fate, Mapping};
use serde_json::{Value, json};

use crate::{args::FileArgs, error::CliError, exit::Exit, output::Output, source};

pub(super) fn run(args: &FileArgs, output: Output) -> Result<Exit, CliError> {
    let source = source::load(args)?;
    let spec = source.spec.spec();
    let report = source.mapped.unwrap_or_default();
    if output.is_json() {
        let report: Vec<Value> = report.iter().map(mapping).collect();
        output.result(|| json!({ "spec": spec, "report": report }), String::new)?;
        return Ok(Exit::Done);
    }
    let yaml = serde_saphyr::to_string(spec).map_err(|why| CliError::System {
        what: "the spec cannot be written as YAML",
        why: why.to_string(),
    })?;
    Output::raw(&yaml);
    for mapping in &report {
        Output::aside(&mapping.to_string());
    }
    Ok(Exit::Done)
}

fn mapping(mapping: &Mapping) -> Value {
    let field = &mapping.field;
    match &mapping.fate {
        Fate::Mapped { to } => json!({ "field": field, "fate": "mapped", "to": to }),
        Fate::Changed { to, how } => {
            json!({ "field": field, "fate": "changed", "to": to, "how": how })
        }
        Fate::LeftOut { why } => json!({ "field": field, "fate": "left_out", "why": why }),
    }
}
