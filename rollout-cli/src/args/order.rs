//! Arguments of orders: what is wanted, of which rollout, on whose behalf and why.

use std::env;

use clap::Args;
use rollout_core::id::{GateId, RevisionId};

use super::TargetArgs;

/// On whose behalf.
#[derive(Debug, Args)]
pub(crate) struct ByArgs {
    /// On whose behalf; it is recorded [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

impl ByArgs {
    /// On whose behalf.
    pub(crate) fn name(&self) -> String {
        let user = || env::var("USER").ok().filter(|user| !user.is_empty());
        self.by.clone().or_else(user).unwrap_or_else(|| "someone".to_owned())
    }
}

/// Arguments of an order.
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) by: ByArgs,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
}

/// Arguments of `promote`.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    /// Pass every gate that is left
    #[arg(long)]
    pub(crate) all: bool,
    /// Pass this gate, as `rollout status` names it; one that was passed already stays passed and no other is
    /// [default: the one that is waited for]
    #[arg(long, value_name = "ATTEMPT.STAGE.GATE", conflicts_with = "all")]
    pub(crate) gate: Option<GateId>,
}

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    /// The revision to go back to [default: the last proven one before the current one]
    #[arg(long, value_name = "REVISION")]
    pub(crate) to: Option<RevisionId>,
}

/// Arguments of `resize`.
#[derive(Debug, Args)]
pub(crate) struct ResizeArgs {
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    /// Number of instances
    #[arg(value_name = "N")]
    pub(crate) replicas: u64,
}

/// Arguments of `skip`.
#[derive(Debug, Args)]
pub(crate) struct SkipArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Name of the stage, as `rollout plan` prints it
    #[arg(value_name = "STAGE")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) by: ByArgs,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// How the end that needs an operator is left.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct HowArgs {
    /// Make a revision the stable one and bring everything to it [default: the one that serves most]
    #[arg(long, value_name = "REVISION", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "left out, given alone and given with a name differ")]
    pub(crate) adopt: Option<Option<RevisionId>>,
    /// Go on with what stopped, its deadlines anew
    #[arg(long)]
    pub(crate) go_on: bool,
}
