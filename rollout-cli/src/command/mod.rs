//! The commands, one file each: what to ask of the crates and what to show of the answer.

mod adopt;
mod check;
mod import;
mod operator;
mod order;
mod plan;
mod replay;
mod run;
mod schema;
mod simulate;
mod status;

use std::collections::BTreeSet;

use rollout_core::{
    port::{Ability, Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting},
};
use rollout_docker::haproxy::Traffic;
use rollout_import::Words;

use crate::{
    args::{BackendName, Command},
    error::CliError,
    exit::Exit,
    output::Output,
};

/// Does what was asked.
pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, CliError> {
    match command {
        Command::Check(args) => check::run(&args, output),
        Command::Plan(args) => plan::run(&args, output),
        Command::Simulate(args) => simulate::run(&args, output),
        Command::Run(args) => run::run(args, output).await,
        Command::Status(args) => status::run(&args, output).await,
        Command::Explain(args) => status::explain(&args, output).await,
        Command::Pause(args) => order::pause(&args, output).await,
        Command::Resume(args) => order::resume(&args, output).await,
        Command::Promote(args) => order::promote(&args, output).await,
        Command::Abort(args) => order::abort(&args, output).await,
        Command::Undo(args) => order::undo(&args, output).await,
        Command::Retry(args) => order::retry(&args, output).await,
        Command::Resize(args) => order::resize(&args, output).await,
        Command::Restart(args) => order::restart(&args, output).await,
        Command::Skip(args) => order::skip(&args, output).await,
        Command::Halt(args) => order::halt(&args, output).await,
        Command::Resolve(args) => order::resolve(&args, output).await,
        Command::History(args) => status::history(&args, output).await,
        Command::Replay(args) => replay::run(&args, output).await,
        Command::Operator(args) => operator::run(args).await,
        Command::Schema => schema::run(),
        Command::Import(args) => import::run(&args, output),
        Command::Adopt(args) => adopt::adopt(&args, output).await,
        Command::HandBack(args) => adopt::hand_back(&args, output).await,
    }
}

/// Units that `HAProxy`'s weights divide traffic into; a run asks the router itself.
const HAPROXY_UNITS: u64 = 200;

/// The backend whose words the template of `spec` is written in. Nobody here speaks Nomad's: its jobs are
/// planned for the simulator, whose instances go by name as well.
fn backend_of(spec: &CheckedSpec) -> BackendName {
    match Words::of(spec) {
        Some(Words::Kubernetes) => BackendName::Kubernetes,
        Some(Words::Nomad) => BackendName::Sim,
        None => BackendName::Docker,
    }
}

/// The backend whose capabilities a simulated world has: those of the template's own, where they differ
/// from the simulator's in more than the number of units.
fn simulated_as(spec: &CheckedSpec) -> BackendName {
    match Words::of(spec) {
        Some(Words::Kubernetes) => BackendName::Kubernetes,
        Some(Words::Nomad) | None => BackendName::Sim,
    }
}

/// What the ports of `spec` can do on a backend, as far as it is known without asking it.
fn capabilities(spec: &CheckedSpec, backend: BackendName) -> Result<Capabilities, CliError> {
    let (enrolment, router) = match backend {
        BackendName::Kubernetes => return Ok(rollout_import::capabilities(spec)),
        BackendName::Docker if spec.traffic.is_null() => (None, None),
        BackendName::Docker => {
            let _known: Traffic = Traffic::read(&spec.traffic)?;
            (Some(Confirmation::Observed), Some(HAPROXY_UNITS))
        }
        BackendName::Sim => (Some(Confirmation::Observed), Some(10_000)),
    };
    // Which of them a run is given shows when it begins.
    let abilities = BTreeSet::from([Ability::Hooks, Ability::Metrics, Ability::Modules]);
    let (making, counting) = (Making::ByName, Counting::Strict);
    Ok(Capabilities { making, counting, enrolment, router, abilities })
}
