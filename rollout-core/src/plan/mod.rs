//! The one form every strategy compiles into: stages in whole numbers.
//!
//! In: a checked spec and what the backend can do. Out: a [`Plan`]. The engine walks its stages and
//! knows no strategy by name.

mod build;
mod diff;
mod error;
mod lint;
mod predict;
mod text;

use serde::{Deserialize, Serialize};

pub(crate) use self::predict::{Left, OnTheWay, after, rest};
pub use self::{
    build::{build, build_resize, build_restart, build_undo},
    diff::{Field, FieldDiff, PlanDiff, StageDiff, diff},
    error::PlanError,
    lint::{Finding, lint},
    predict::{Binding, Prediction, StagePrediction, Timing, predict},
    text::PlanTable,
};
use crate::{
    calendar::Calendar,
    judge::Metric,
    spec::{Counting, Hook, ModuleNeeds, Rules, Unanswered},
    time::Span,
    weight::Weight,
};

/// A rollout before it starts: every stage, resolved to whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the strategy it was compiled from, for people.
    pub strategy: String,
    /// Desired number of instances.
    pub desired: u64,
    /// Whether instances on their way out count against surge.
    pub counting: Counting,
    /// The stages, in order. Never empty.
    pub stages: Vec<Stage>,
    /// Budget of the way back.
    pub rollback: Budget,
    /// Jobs beside the way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollback_hooks: Vec<Hook>,
    /// What a person should know: roundings, true shares, downtime.
    pub remarks: Vec<Remark>,
}

/// One stage: the counts and the route to reach, how fast, and the gates before the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Name of the stage, unique in its plan.
    pub name: String,
    /// Candidate instances at its end.
    pub candidate: u64,
    /// Stable instances at its end.
    pub stable: u64,
    /// Route at its end.
    pub route: StageRoute,
    /// What goes to the candidate beside its share, where the route is by weight.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
    /// What the modules must be like before anything moves.
    #[serde(default, skip_serializing_if = "ModuleNeeds::is_empty")]
    pub modules: ModuleNeeds,
    /// How many instances may be missing, extra or in flight while it moves.
    pub budget: Budget,
    /// Gates in order; each starts when the one before has passed.
    pub gates: Vec<StageGate>,
    /// Whether its end proves the candidate: it becomes the stable revision.
    pub proves: bool,
}

impl Stage {
    /// A stage without gates, rules or needs that proves nothing.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        (candidate, stable): (u64, u64),
        route: StageRoute,
        budget: Budget,
    ) -> Self {
        Self {
            name: name.into(),
            candidate,
            stable,
            route,
            rules: Rules::default(),
            modules: ModuleNeeds::default(),
            budget,
            gates: Vec::new(),
            proves: false,
        }
    }
}

/// How traffic is shared at the end of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageRoute {
    /// Every enrolled instance gets the same.
    ByReplicas,
    /// The candidate gets this share, stable the rest.
    Weighted(Weight),
    /// No one gets anything: declared downtime.
    Empty,
}

/// How many instances may be missing, extra or in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Most instances beyond the desired number.
    pub surge: u64,
    /// Most desired instances missing.
    pub unavailable: u64,
    /// Most instances in flight at once; 0: no limit of its own.
    pub parallelism: u64,
    /// Pause after each batch.
    pub batch_delay: Span,
}

/// A condition for leaving a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageGate {
    /// Waits this long.
    Hold(Span),
    /// Waits for the order `promote`.
    Approval {
        /// Longest wait.
        deadline: Option<Span>,
        /// What happens at its end.
        #[serde(default, skip_serializing_if = "Unanswered::is_fail")]
        on_expiry: Unanswered,
    },
    /// Every candidate instance stays available this long without a break.
    Health(Span),
    /// Runs a job and waits for its end.
    Hook(Hook),
    /// Waits until this calendar is open.
    Window(Calendar),
    /// Waits until a metric has said enough.
    Metric(Box<Metric>),
}

/// What a person should know about a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// Percentages rounded to surge 0 and unavailable 0; unavailable became 1.
    BudgetRaised,
    /// Instances are replaced in place: there is no surge, and one has to be missing at least.
    InPlace,
    /// The share made of replicas is not the one asked for.
    ShareDiffers {
        /// Name of the stage.
        stage: String,
        /// Share asked for.
        asked: Weight,
        /// Share that whole instances make.
        actual: Weight,
    },
    /// No instance serves while this stage runs.
    Downtime {
        /// Name of the stage.
        stage: String,
    },
    /// There is no stable revision: an abort leaves nothing serving.
    FirstDeploy,
    /// A pause between batches was asked for, but by weight nothing is replaced in batches.
    NoBatches,
    /// Single instances cannot be taken out of traffic: requests in flight on one that goes may be cut.
    NoDrain,
    /// Steps forward wait while this calendar is closed.
    Calendar(Calendar),
    /// This metric is watched from the first exposure of the candidate until it is proven.
    Watched(Box<Metric>),
}

#[cfg(test)]
mod tests;
