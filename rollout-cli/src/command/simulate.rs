//! `rollout simulate`: the rollout played on a fleet with ground truth.

use rollout_core::{
    plan::{self, Plan, Prediction, Timing},
    port::{Capabilities, Making},
    time::Span,
};
use rollout_sim::{Report, Scenario, runner::Finish, simulate};
use serde_json::json;

use super::{capabilities, simulated_as};
use crate::{
    args::SimulateArgs,
    error::CliError,
    exit::Exit,
    output::{Output, text::Text},
    source,
};

pub(super) fn run(args: &SimulateArgs, output: Output) -> Result<Exit, CliError> {
    let source = source::load(&args.source)?;
    let spec = &source.spec;
    let backend = args.backend.unwrap_or_else(|| simulated_as(spec));
    let scenario = Scenario {
        candidate: args.candidate,
        seed: args.seed,
        faults: args.faults,
        first: args.first,
        capabilities: Capabilities {
            // The simulated world has its instances by name, whoever it stands in for.
            making: Making::ByName,
            ..capabilities(spec, backend)?
        },
        rate: args.rate,
        start: (args.start, args.start),
    };
    let refused = |why| CliError::Plan { path: args.source.file.clone(), why };
    let plan = plan::build(spec, &scenario.capabilities, args.first).map_err(refused)?;
    // Nothing goes faster than at once, so this bounds every drain the world may draw.
    let timing = Timing::at_best(spec, args.start, Span::ZERO);
    let prediction = plan::predict(&plan, &timing);
    let report = simulate(spec, &scenario).map_err(refused)?;
    output.result(
        || document(args, &plan, &prediction, &report),
        || text(args, &plan, &prediction, &report),
    )?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    if !report.violations.is_empty() {
        return Exit::Failed;
    }
    match report.finish {
        Finish::Completed => Exit::Done,
        Finish::RolledBack => Exit::RolledBack,
        Finish::Failed
        | Finish::NeedsOperator
        | Finish::Fenced
        | Finish::Other
        | Finish::Overdue => Exit::Failed,
    }
}

fn document(
    args: &SimulateArgs,
    plan: &Plan,
    prediction: &Prediction,
    report: &Report,
) -> serde_json::Value {
    let violations: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    json!({
        "candidate": args.candidate.to_string(),
        "seed": args.seed,
        "faults": args.faults,
        "end": report.finish.to_string(),
        "duration": report.duration,
        "bound": prediction.bound,
        "requests": report.sent,
        "failed": report.failed,
        "lowest_capacity": report.lowest_capacity,
        "desired": plan.desired,
        "violations": violations,
        "transcript": args.transcript.then_some(&report.transcript),
    })
}

fn text(args: &SimulateArgs, plan: &Plan, prediction: &Prediction, report: &Report) -> String {
    let mut text = Text::default();
    if args.transcript {
        text.add(&report.transcript);
        text.line("");
    }
    let faults = if args.faults { "the faults of the seed" } else { "no faults" };
    let failed: u64 = report.failed.values().sum();
    text.line(format_args!(
        "{} to a candidate that is {}; seed {}, {faults}",
        plan.strategy, args.candidate, args.seed
    ));
    text.line(format_args!("end       {}", report.finish));
    text.line(format_args!("took      {}", report.duration));
    text.line(format_args!("at least  {} if all goes well", prediction.bound));
    text.line(format_args!("requests  {} sent, {failed} failed", report.sent));
    for (cause, count) in &report.failed {
        text.line(format_args!("          {count} {cause}"));
    }
    text.line(format_args!(
        "lowest    {} of {} instances answered",
        report.lowest_capacity, plan.desired
    ));
    for violation in &report.violations {
        text.line(format_args!("broken    {violation}"));
    }
    text.into_string()
}
