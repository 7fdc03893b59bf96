//! Arguments: every command, option and default, as `--help` shows them.

mod cluster;
mod operator;
mod order;
mod simulate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rollout_core::{id::WorkloadId, time::Span};

pub(crate) use self::{
    cluster::{AdoptArgs, ClusterArgs, HandBackArgs, RulerName},
    operator::OperatorArgs,
    order::{ByArgs, OrderArgs, PromoteArgs, ResizeArgs, ResolveArgs, SkipArgs, UndoArgs},
    simulate::SimulateArgs,
};
use crate::{beside::MetricsSource, exit};

/// Moves a service from one revision to the next without losing a request.
#[derive(Debug, Parser)]
#[command(name = "rollout", version, after_help = exit::HELP)]
pub(crate) struct Arguments {
    /// Print JSON: one document, or one line for everything that happens in `run`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a spec and tell what is rarely meant
    Check(FileArgs),
    /// Print stages, counts, weights, gates and predicted times; touches nothing
    Plan(PlanArgs),
    /// Play the rollout on a simulated fleet, in no time; touches nothing
    Simulate(Box<SimulateArgs>),
    /// Roll out, or resume what was interrupted
    Run(RunArgs),
    /// Print where a rollout stands
    Status(StatusArgs),
    /// Print why a running rollout does not move on right now
    Explain(TargetArgs),
    /// Stop forward steps of a running rollout
    Pause(OrderArgs),
    /// Let a paused rollout go on
    Resume(OrderArgs),
    /// Pass the gate that a running rollout waits for
    Promote(PromoteArgs),
    /// Go back to the stable revision
    Abort(OrderArgs),
    /// Go back to a revision that was proven before
    Undo(UndoArgs),
    /// Try the revision again that was taken back last
    Retry(OrderArgs),
    /// Have another number of instances, whatever is under way
    Resize(ResizeArgs),
    /// Replace every instance by a new one of the same revision
    Restart(OrderArgs),
    /// Skip to a later stage; who and why are recorded
    Skip(SkipArgs),
    /// Let nothing go out any more, not even a step back, until `resume`
    Halt(OrderArgs),
    /// Leave the end that needs an operator
    Resolve(ResolveArgs),
    /// Print the revisions that can be gone back to
    History(TargetArgs),
    /// Print the records of a journal
    Replay(ReplayArgs),
    /// Drive every `Rollout` object of a Kubernetes cluster, as one of several copies, until interrupted
    Operator(OperatorArgs),
    /// Print the JSON Schema of a spec
    Schema,
    /// Print the workloads of a file as specs, and on standard error what became of each field
    Import(ImportArgs),
    /// Take a Kubernetes Deployment over without a restart, and print its spec
    Adopt(AdoptArgs),
    /// Give what was adopted back to a Deployment, without a restart
    HandBack(HandBackArgs),
}

/// A file to read a spec from.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// A spec in YAML or JSON; or a file with Kubernetes workloads, Argo rollouts, Flagger canaries,
    /// a Nomad job in JSON, or Compose services
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) compose: ComposeArgs,
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) source: FileArgs,
    /// Number of instances where the file cannot know it, such as nodes of a cluster
    #[arg(long, value_name = "N")]
    pub(crate) replicas: Option<u64>,
}

/// What is left open by a file of somebody else's.
#[derive(Clone, Debug, Args)]
pub(crate) struct ComposeArgs {
    /// Service or workload of a file that has several
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Project of a Compose file, which stands before names of networks and volumes [default: its `name`]
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
}

/// What a rollout runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// Docker, with the load balancer that the spec names in `traffic`
    Docker,
    /// Kubernetes: pods by count, a label that takes them out of traffic, the router of `traffic.kubernetes`
    Kubernetes,
    /// The simulator: instances by name, a load balancer that drains and divides by basis points
    Sim,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: FileArgs,
    /// What to plan for [default: what the template is written for, else docker]
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendName>,
    /// Plan the very first deploy, with no stable revision
    #[arg(long)]
    pub(crate) first: bool,
    /// Print what is different in the plan of another file, stage by stage
    #[arg(long, value_name = "FILE")]
    pub(crate) diff: Option<PathBuf>,
    /// Time from an instance's start to its first good answer
    #[arg(long, value_name = "SPAN", default_value = "2s")]
    pub(crate) start: Span,
    /// Time from the order to go until an instance is gone
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    pub(crate) drain: Span,
}

/// What `run` can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunBackend {
    /// Docker, with the load balancer that the spec names in `traffic`
    Docker,
    /// Kubernetes: pods by count, a label that takes them out of traffic
    Kubernetes,
}

impl RunBackend {
    /// Its name on a command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// When `run` is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// When the new revision is proven; what is left (a standby) goes on with the next run
    Proven,
    /// When the rollout has ended
    Ended,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) source: FileArgs,
    /// What to run on
    #[arg(long, value_enum)]
    pub(crate) backend: RunBackend,
    /// Where to keep records [default: .rollout/WORKLOAD.redb beside the file, on Kubernetes
    /// .rollout/NAMESPACE/WORKLOAD.redb]
    #[arg(long, value_name = "PATH")]
    pub(crate) journal: Option<PathBuf>,
    /// Socket of the Docker engine [default: `DOCKER_HOST`, or `unix:///var/run/docker.sock`]
    #[arg(long, value_name = "unix:///PATH")]
    pub(crate) docker: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Push aside another engine that reigns over the workload; only if that one is gone
    #[arg(long)]
    pub(crate) take_over: bool,
    /// When to be done
    #[arg(long, value_enum, default_value_t = Until::Ended)]
    pub(crate) until: Until,
    /// Stay after the end and keep instances healthy until interrupted
    #[arg(long, conflicts_with = "until")]
    pub(crate) stay: bool,
    /// Submit nothing: go on with what is under way, keep instances healthy and take orders, until interrupted
    #[arg(long, conflicts_with_all = ["until", "stay"])]
    pub(crate) attend: bool,
    /// Print every record as well
    #[arg(long)]
    pub(crate) records: bool,
    #[command(flatten)]
    pub(crate) beside: BesideArgs,
    #[command(flatten)]
    pub(crate) by: ByArgs,
}

/// What runs beside the engine for the spec's gates, hooks and modules.
#[derive(Debug, Args)]
pub(crate) struct BesideArgs {
    /// A source of metrics and its name: `NAME=prometheus:http://HOST:PORT` or `NAME=command:PROGRAM`, which
    /// gets the query and prints the value; may be given several times. A `source` of the spec that is an
    /// address is a Prometheus server there
    /// [default: those in `ROLLOUT_METRICS`, with spaces between them]
    #[arg(long, value_name = "NAME=KIND:WHERE")]
    pub(crate) metrics: Vec<MetricsSource>,
    /// Where the workload's modules are set and read
    #[arg(long, value_name = "http://HOST:PORT/PATH")]
    pub(crate) modules: Option<String>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Go on until the rollout has ended, and print what changes
    #[arg(short, long)]
    pub(crate) watch: bool,
}

/// Which rollout is meant: one of an engine here, or with `--namespace`, `--context` or `--kubeconfig` an
/// object `Rollout` of a cluster.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Name of the workload, or the file that it was started from
    #[arg(value_name = "WORKLOAD_OR_FILE")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) compose: ComposeArgs,
    /// Where the engine keeps records [default: what `run` has made in .rollout beside the file, or here]
    #[arg(long, value_name = "PATH")]
    pub(crate) journal: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

impl Command {
    /// Which rollout is meant, if one is.
    pub(crate) const fn target_mut(&mut self) -> Option<&mut TargetArgs> {
        match self {
            Self::Status(args) => Some(&mut args.target),
            Self::Explain(target) | Self::History(target) => Some(target),
            Self::Pause(args)
            | Self::Resume(args)
            | Self::Abort(args)
            | Self::Retry(args)
            | Self::Restart(args)
            | Self::Halt(args) => Some(&mut args.target),
            Self::Promote(args) => Some(&mut args.order.target),
            Self::Undo(args) => Some(&mut args.order.target),
            Self::Resize(args) => Some(&mut args.order.target),
            Self::Resolve(args) => Some(&mut args.order.target),
            Self::Skip(args) => Some(&mut args.target),
            Self::Check(_)
            | Self::Plan(_)
            | Self::Simulate(_)
            | Self::Run(_)
            | Self::Replay(_)
            | Self::Schema
            | Self::Import(_)
            | Self::Adopt(_)
            | Self::Operator(_)
            | Self::HandBack(_) => None,
        }
    }
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The workload [default: all in the journal]
    pub(crate) workload: Option<WorkloadId>,
    /// The journal [default: what `run` has made in .rollout here]
    #[arg(long, value_name = "PATH", required_unless_present = "workload")]
    pub(crate) journal: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Arguments::command().debug_assert();
    }
}
