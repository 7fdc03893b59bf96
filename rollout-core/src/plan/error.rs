//! What cannot be planned: a checked spec that asks for more than its budget or its backend has.

use crate::{time::Span, weight::Weight};

/// A spec that was refused by the planner: the field, the numbers and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The strategy switches traffic by weight and nothing here can.
    #[error(
        "strategy.{strategy}: it needs a router that divides traffic by weight, and there is none; name one in `traffic`, or use `rolling`"
    )]
    NoWeights {
        /// The strategy.
        strategy: &'static str,
    },
    /// A field means something only where traffic is divided by weight.
    #[error(
        "{field}: without a router that divides traffic by weight the share is made of replicas, so their number cannot be chosen as well; leave it out, or name a router in `traffic`"
    )]
    OnlyWithWeights {
        /// Path of the field.
        field: String,
    },
    /// Candidate instances of a preview would get traffic.
    #[error(
        "{field}: 0% needs a router that divides traffic by weight, as without one every candidate instance gets its part; remove step `{step}`, or name a router in `traffic`"
    )]
    ZeroWeight {
        /// Path of the field.
        field: String,
        /// Name of the step.
        step: String,
    },
    /// The one desired instance cannot be shared.
    #[error(
        "strategy.canary: step `{step}` asks for {weight} of 1 instance with surge 0, which cannot be divided; set `pace.surge: 1` (the share is 50% then), raise `replicas`, or use `rolling`"
    )]
    Indivisible {
        /// Name of the step.
        step: String,
        /// Share asked for.
        weight: Weight,
    },
    /// A step's own number of instances cannot carry it.
    #[error(
        "{field}: {replicas} is below the {needed} that step `{step}` needs (for {weight} of {desired} instances, and no fewer than the steps before); raise it, or leave it out"
    )]
    StepTooSmall {
        /// Path of the field.
        field: String,
        /// Name of the step.
        step: String,
        /// Instances of the step, as written.
        replicas: u64,
        /// Fewest instances that carry it.
        needed: u64,
        /// Weight of the step.
        weight: Weight,
        /// Desired instances.
        desired: u64,
    },
    /// The whole would end while its own gates still wait.
    #[error(
        "deadlines.total: {total} is not above the {waits} that the gates up to the proof wait by themselves; raise it, or shorten holds, bakes and monitor"
    )]
    TotalBelowGates {
        /// The deadline.
        total: Span,
        /// What the gates wait.
        waits: Span,
    },
    /// Candidate and stable do not fit under the ceiling together.
    #[error(
        "strategy.canary.pace: stage `{stage}` has {candidate} candidate and {stable} stable instances at once, {needed} in all, but the ceiling is {ceiling} ({desired} desired + surge {surge}); set `surge` to {least} or more, or leave it out{hint}",
        needed = .candidate + .stable, ceiling = .desired + .surge, least = .candidate + .stable - .desired,
        hint = if *.may_scale_stable { ", or set `scale_stable: true`, which needs less" } else { "" }
    )]
    SurgeTooSmall {
        /// Name of the stage.
        stage: String,
        /// Candidate instances at its end.
        candidate: u64,
        /// Stable instances at its beginning.
        stable: u64,
        /// Desired instances.
        desired: u64,
        /// Surge, in instances.
        surge: u64,
        /// Whether a stable set that shrinks is a way out.
        may_scale_stable: bool,
    },
}
