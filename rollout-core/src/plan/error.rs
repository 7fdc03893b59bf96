//! What cannot be planned: a checked spec that asks for more than its budget or its backend has.

use super::Finding;
use crate::{port::Ability, time::Span, weight::Weight};

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
        "{field}: it needs traffic that is divided by weight, and here it is shared by replicas; leave it out, or use `canary` or `blue_green` with a router named in `traffic`"
    )]
    OnlyWithWeights {
        /// Path of the field.
        field: String,
    },
    /// Nobody is to be served while instances stand, and nothing can keep traffic from them.
    #[error(
        "{field}: stage `{stage}` has instances that nobody may reach, which needs a router, and there is none; name one in `traffic`, or write 0 instances"
    )]
    CannotEmpty {
        /// Path of the field.
        field: String,
        /// Name of the stage.
        stage: String,
    },
    /// Stages written by hand would break a guarantee or never end.
    #[error(
        "strategy.stages: they cannot be walked safely: {}; change these stages",
        list(findings)
    )]
    Unsound {
        /// Everything that the linter found. Never empty.
        findings: Vec<Finding>,
    },
    /// None of the ports can do what a field needs.
    #[error("{field}: it needs {ability}, which no port here can do; leave it out, or {}", way_out(*ability))]
    Unable {
        /// Path of the field.
        field: String,
        /// What is missing.
        ability: Ability,
    },
    /// There is no room beside the places of a workload that is replaced in place.
    #[error("{field}: it needs {needs}, and this workload is replaced in place; {way_out}")]
    InPlace {
        /// Path of the field.
        field: String,
        /// What it would need.
        needs: String,
        /// What a person can do about it.
        way_out: &'static str,
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

fn list(findings: &[Finding]) -> String {
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    said.join("; ")
}

/// Where an ability comes from.
const fn way_out(ability: Ability) -> &'static str {
    match ability {
        Ability::Matches | Ability::Mirror | Ability::Affinity => {
            "name a router in `traffic` that can"
        }
        Ability::Hooks => "give the engine a port that runs jobs",
        Ability::Metrics => "give the engine a port that measures",
        Ability::Modules => "give the engine a port that degrades modules",
    }
}
