//! `rollout plan`: the whole rollout before it starts.

use rollout_core::plan::{self, Timing};
use serde_json::json;

use super::{backend_of, capabilities};
use crate::{
    args::PlanArgs,
    error::CliError,
    exit::Exit,
    output::{Output, text::Text},
    source,
};

pub(super) fn run(args: &PlanArgs, output: Output) -> Result<Exit, CliError> {
    let source = source::load(&args.source)?;
    let spec = &source.spec;
    let capabilities = capabilities(spec, args.backend.unwrap_or_else(|| backend_of(spec)))?;
    let plan = plan::build(spec, &capabilities, args.first)
        .map_err(|why| CliError::Plan { path: args.source.file.clone(), why })?;
    let timing = Timing::at_best(spec, args.start, args.drain);
    let findings: Vec<String> = plan::lint(&plan).iter().map(ToString::to_string).collect();
    let remarks: Vec<String> = plan.remarks.iter().map(ToString::to_string).collect();
    let document = || {
        json!({
            "workload": spec.workload,
            "revision": spec.revision,
            "capabilities": capabilities,
            "plan": plan,
            "timing": timing,
            "prediction": plan::predict(&plan, &timing),
            "remarks": remarks,
            "findings": findings,
        })
    };
    let text = || {
        let mut text = Text::default();
        text.line(format_args!("{}: {}", spec.workload, plan.table(timing)));
        for finding in &findings {
            text.line(format_args!("finding: {finding}"));
        }
        text.into_string()
    };
    output.result(document, text)?;
    // A finding is a mistake of the planner; such a plan is not to be walked.
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}
