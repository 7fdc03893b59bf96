//! Refusals of ramps and of stages written by hand.

use crate::{
    spec::check::{canary::FACTOR_LEAST, stages::STAGES_LIMIT},
    weight::Weight,
};

/// A ramp or a list of stages that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StagesError {
    /// Two ways of saying the same contradict each other.
    #[error(
        "strategy.canary.ramp: it makes the steps, so the {steps} in `steps` beside it are ambiguous; leave out one of the two"
    )]
    RampBesideSteps {
        /// How many steps are written.
        steps: usize,
    },
    /// A ramp makes no step.
    #[error(
        "{field}: {value} makes no step; write a share above 0% and below 100%, or use `rolling`"
    )]
    NoShare {
        /// Path of the field.
        field: &'static str,
        /// The share as given.
        value: Weight,
    },
    /// A ramp does not rise.
    #[error(
        "strategy.canary.ramp.exponential.factor: {value} never rises; write {FACTOR_LEAST} or more"
    )]
    Factor {
        /// The factor as given.
        value: u64,
    },
    /// More stages than anyone could follow.
    #[error("{field}: {count} {what} are above the limit of {STAGES_LIMIT}; {way_out}")]
    TooMany {
        /// Path of the field.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// `steps` or `stages`.
        what: &'static str,
        /// What a person can do about it.
        way_out: &'static str,
    },
    /// There is nothing to walk.
    #[error(
        "strategy.stages: there is none; write at least one such as `- {{ name: roll, candidate: 100%, stable: 0, proves: true }}`, or use `rolling`"
    )]
    NoStages,
    /// The candidate would never become stable, or more than once.
    #[error(
        "strategy.stages: {count} of them have `proves: true`, exactly one must; it is the one at whose end the candidate is to become stable"
    )]
    Proofs {
        /// How many do.
        count: usize,
    },
    /// Stages that count in different ways.
    #[error(
        "{field}: `{value}`, but an earlier stage says `{before}`; all stages count alike: write it once, or the same everywhere"
    )]
    Counting {
        /// Path of the field.
        field: String,
        /// The rule as given.
        value: &'static str,
        /// The rule of an earlier stage.
        before: &'static str,
    },
}

impl StagesError {
    /// Path of the field that is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::RampBesideSteps { .. } => "strategy.canary.ramp",
            Self::Factor { .. } => "strategy.canary.ramp.exponential.factor",
            Self::NoStages | Self::Proofs { .. } => "strategy.stages",
            Self::NoShare { field, .. } | Self::TooMany { field, .. } => field,
            Self::Counting { field, .. } => field,
        }
    }
}
