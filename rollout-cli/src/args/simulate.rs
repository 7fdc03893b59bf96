//! Arguments of `simulate`.

use std::path::PathBuf;

use clap::Args;
use rollout_core::{time::Span, weight::Weight};
use rollout_sim::simulate::{Candidate, FaultSet, Fleet, Hypothesis};

use super::{BackendName, ComposeArgs};

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// A spec, or any file that `check` takes
    #[arg(required_unless_present = "replay")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compose: ComposeArgs,
    /// What the new revision is like: `good`, `never_ready`, `crash_at_start`, `unready_after=3s`,
    /// `crash_after=3s`, `errors=10%`, `errors=x5`, `slow_burn=20%/1m`, `under_load=20%`, `in_zone=50%`, `slow=x3`
    #[arg(long, value_name = "KIND", default_value = "good")]
    pub(crate) candidate: Candidate,
    /// What the instances are like: `usual`, `slow_start`, `abrupt`, `stubborn`, `long_requests` or `tight`
    #[arg(long, value_name = "NAME", default_value = "usual")]
    pub(crate) fleet: Fleet,
    /// Requests that the stable revision answers with an error
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    pub(crate) errors: Weight,
    /// Seed of everything that is drawn; the same seed gives the same run
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Play so many seeds, from `--seed` on, and print how much they differ
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) seeds: Option<u64>,
    /// Let faults strike: those that the seed draws, or by name, such as `lost_answer,engine_crash`
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    pub(crate) faults: Option<FaultSet>,
    /// Hold each fault alone against what is to stay so: `p99 < 200ms`, `errors < 0.1%` or `capacity >= 3`
    #[arg(long, value_name = "HYPOTHESIS")]
    pub(crate) chaos: Option<Hypothesis>,
    /// Play recreate, rolling, blue-green and canary with the same service, and print what each takes
    #[arg(long)]
    pub(crate) compare: bool,
    /// Write a page with charts, which opens without a server
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print everything that happened
    #[arg(long)]
    pub(crate) transcript: bool,
    /// Play a counterexample that a search has printed; `-` reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with_all = ["file", "candidate", "fleet", "errors", "seed", "seeds", "faults", "chaos", "compare", "html", "first", "start", "rate", "backend"]
    )]
    pub(crate) replay: Option<String>,
    /// Whose capabilities the simulated world has [default: what the template is written for, else sim]
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendName>,
    /// Simulate the very first deploy, with nothing running before
    #[arg(long)]
    pub(crate) first: bool,
    /// Time from an instance's start to its first good answer [default: the fleet's]
    #[arg(long, value_name = "SPAN")]
    pub(crate) start: Option<Span>,
    /// Requests per second
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) rate: u64,
}
