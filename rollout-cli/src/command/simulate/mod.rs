//! `rollout simulate`: the rollout played on a fleet with ground truth.
//!
//! In: a spec, or a counterexample. Out: one story, and what was asked for beside it: many seeds, every
//! strategy, an experiment, a page. Absent: anything real.

mod document;
mod replay;
mod text;

use std::{fs, path::Path};

use rollout_core::{
    plan::{self, Plan, PlanError, Prediction, Timing},
    port::{Capabilities, Making},
    spec::CheckedSpec,
    time::Span,
};
use rollout_sim::{
    page::{Page, page},
    runner::Finish,
    simulate::{
        Candidate, Chaos, FaultSet, Outlook, Report, Row, Scenario, chaos, compare, outlook,
        simulate,
    },
};

use super::{capabilities, simulated_as};
use crate::{args::SimulateArgs, error::CliError, exit::Exit, output::Output, source};

/// Runs of each trial of an experiment, unless `--seeds` says otherwise.
const TRIAL_RUNS: u64 = 20;

/// Everything that was asked for.
struct Simulated<'a> {
    args: &'a SimulateArgs,
    scenario: &'a Scenario,
    plan: &'a Plan,
    prediction: &'a Prediction,
    report: Report,
    outlook: Option<Outlook>,
    rows: Option<Vec<Row>>,
    chaos: Option<Chaos>,
}

pub(super) fn run(args: &SimulateArgs, output: Output) -> Result<Exit, CliError> {
    if let Some(text) = &args.replay {
        return replay::run(text, args.transcript, output);
    }
    let Some(file) = &args.file else {
        let why = "there is neither a file nor `--replay`".to_owned();
        return Err(CliError::System { what: "the arguments make no sense", why });
    };
    let source = source::read(file, &args.compose)?;
    let spec = &source.spec;
    let scenario = scenario(args, spec)?;
    let refused = |why| CliError::Plan { path: file.clone(), why };
    let plan = plan::build(spec, &scenario.capabilities, args.first).map_err(refused)?;
    // Nothing goes faster than at once, so this bounds every drain the world may draw.
    let timing = Timing::at_best(spec, scenario.fleet.start.0, Span::ZERO);
    let prediction = plan::predict(&plan, &timing);
    let simulated = played(args, spec, &scenario, &plan, &prediction).map_err(refused)?;
    if let Some(path) = &args.html {
        write(path, spec, &simulated)?;
    }
    output.result(|| document::of(&simulated), || text::of(&simulated))?;
    Ok(exit(&simulated))
}

fn scenario(args: &SimulateArgs, spec: &CheckedSpec) -> Result<Scenario, CliError> {
    if matches!(args.candidate, Candidate::ErrorsTimes(_)) && args.errors.is_zero() {
        return Err(CliError::NoErrors { candidate: args.candidate.to_string() });
    }
    let backend = args.backend.unwrap_or_else(|| simulated_as(spec));
    Ok(Scenario {
        candidate: args.candidate,
        seed: args.seed,
        faults: args.faults.clone().unwrap_or(FaultSet::None),
        fleet: args.start.map_or(args.fleet, |start| args.fleet.starting_in(start)),
        errors: args.errors,
        first: args.first,
        capabilities: Capabilities {
            // The simulated world has its instances by name, whoever it stands in for.
            making: Making::ByName,
            ..capabilities(spec, backend)?
        },
        rate: args.rate,
    })
}

fn played<'a>(
    args: &'a SimulateArgs,
    spec: &CheckedSpec,
    scenario: &'a Scenario,
    plan: &'a Plan,
    prediction: &'a Prediction,
) -> Result<Simulated<'a>, PlanError> {
    let runs = args.seeds.unwrap_or(TRIAL_RUNS);
    let chaos = args.chaos.map(|hypothesis| chaos(spec, scenario, hypothesis, runs)).transpose()?;
    // The seeds of an experiment are its own.
    let seeds = args.seeds.filter(|_| chaos.is_none());
    Ok(Simulated {
        args,
        scenario,
        plan,
        prediction,
        report: simulate(spec, scenario)?,
        outlook: seeds.map(|seeds| outlook(spec, scenario, seeds)).transpose()?,
        rows: args.compare.then(|| compare(spec, scenario)),
        chaos,
    })
}

fn write(path: &Path, spec: &CheckedSpec, simulated: &Simulated<'_>) -> Result<(), CliError> {
    let text = page(&Page {
        spec,
        scenario: simulated.scenario,
        report: &simulated.report,
        outlook: simulated.outlook.as_ref(),
        rows: simulated.rows.as_deref(),
        chaos: simulated.chaos.as_ref(),
    });
    let unwritable = |why: String| CliError::Page { path: path.to_owned(), why };
    let text = text.map_err(|why| unwritable(why.to_string()))?;
    fs::write(path, text).map_err(|why| unwritable(why.to_string()))
}

fn exit(simulated: &Simulated<'_>) -> Exit {
    let Simulated { report, outlook, chaos, .. } = simulated;
    let trials = chaos.iter().flat_map(|chaos| &chaos.trials);
    let is_broken = !report.violations.is_empty()
        || outlook.iter().any(|outlook| !outlook.violations.is_empty())
        || trials.into_iter().any(|trial| !trial.violations.is_empty());
    if is_broken {
        return Exit::Failed;
    }
    if let Some(chaos) = chaos {
        return if chaos.holds() { Exit::Done } else { Exit::Failed };
    }
    if outlook.is_some() {
        return Exit::Done;
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
