//! `rollout plan`: the whole rollout before it starts, and beside another one.

use rollout_core::plan::{self, Plan, Timing};
use serde_json::{Value, json};

use super::{backend_of, capabilities};
use crate::{
    args::{FileArgs, PlanArgs},
    error::CliError,
    exit::Exit,
    output::{Output, text::Text},
    source::{self, Source},
};

pub(super) fn run(args: &PlanArgs, output: Output) -> Result<Exit, CliError> {
    let (source, plan) = planned(args, &args.source)?;
    let Some(file) = &args.diff else { return whole(args, output, &source, &plan) };
    let other = FileArgs { file: file.clone(), compose: args.source.compose.clone() };
    let diff = plan::diff(&plan, &planned(args, &other)?.1);
    let document = || json!({ "workload": source.spec.workload, "diff": diff });
    let gap = if diff.is_empty() { ' ' } else { '\n' };
    output.result(document, || format!("{}:{gap}{diff}", source.spec.workload))?;
    Ok(Exit::Done)
}

/// The plan of a file.
fn planned(args: &PlanArgs, file: &FileArgs) -> Result<(Source, Plan), CliError> {
    let source = source::load(file)?;
    let backend = args.backend.unwrap_or_else(|| backend_of(&source.spec));
    let capabilities = capabilities(&source.spec, backend)?;
    let plan = plan::build(&source.spec, &capabilities, args.first)
        .map_err(|why| CliError::Plan { path: file.file.clone(), why })?;
    Ok((source, plan))
}

/// Prints a plan with its prediction.
fn whole(args: &PlanArgs, output: Output, source: &Source, plan: &Plan) -> Result<Exit, CliError> {
    let spec = &source.spec;
    let backend = args.backend.unwrap_or_else(|| backend_of(spec));
    let capabilities = capabilities(spec, backend)?;
    let timing = Timing::at_best(spec, args.start, args.drain);
    let findings: Vec<String> = plan::lint(plan).iter().map(ToString::to_string).collect();
    let remarks: Vec<String> = plan.remarks.iter().map(ToString::to_string).collect();
    let document = || {
        json!({
            "workload": spec.workload,
            "revision": spec.revision,
            "capabilities": capabilities,
            "plan": plan,
            "shares": shares(plan),
            "timing": timing,
            "prediction": plan::predict(plan, &timing),
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

/// The candidate's share in each stage, as asked for and as it is.
fn shares(plan: &Plan) -> Vec<Value> {
    let of = |stage: &plan::Stage| {
        let actual = stage.share();
        let asked = plan.asked(stage).unwrap_or(actual);
        json!({ "stage": stage.name, "asked": asked, "actual": actual })
    };
    plan.stages.iter().map(of).collect()
}
