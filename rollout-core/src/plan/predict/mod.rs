//! How long a plan takes, worked out from its numbers, beside the least that its surge and unavailable allow.
//!
//! In: a [`Plan`] and how long one instance takes to start and to go. Out: a [`Prediction`]. Absent:
//! failures, slow starts and the time people take to approve.

mod exchange;
mod rest;

use std::fmt;

use serde::Serialize;

use self::exchange::Exchange;
pub(crate) use self::rest::{Left, OnTheWay, after, rest};
use super::{Budget, Plan, Remark, Stage, StageGate, StageRoute};
use crate::{
    spec::{CheckedSpec, Counting},
    time::Span,
};

/// How long one instance takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// From the order to start until it is available.
    pub start_to_available: Span,
    /// From the order to go until it is gone.
    pub drain: Span,
}

/// How long a plan takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// Each stage, in the order of the plan.
    pub stages: Vec<StagePrediction>,
    /// All stages together, without the time people take to approve.
    pub total: Span,
    /// The least that surge, unavailable and the gates allow: what parallelism and pauses cost is the
    /// difference.
    pub bound: Span,
    /// How many approvals are waited for.
    pub approvals: usize,
}

/// How long one stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StagePrediction {
    /// From its beginning until the last candidate instance it starts is available.
    pub available: Span,
    /// From its beginning until its counts and route are reached and nothing is on its way out.
    pub moving: Span,
    /// Its gates, one after the other, without the time people take to approve.
    pub gates: Span,
    /// The least that `moving` could be with the same surge and unavailable.
    pub moving_bound: Span,
    /// What makes it as long as it is.
    pub binding: Binding,
}

/// What makes a stage as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing: it takes no time.
    Nothing,
    /// One instance's own start or end: no number in the spec makes it shorter.
    Instance,
    /// Surge and unavailable.
    Room,
    /// Parallelism.
    Parallelism,
    /// The pause between batches.
    BatchDelay,
    /// Its gates.
    Gates,
    /// The person who approves.
    Approval,
}

/// Returns how long `plan` takes when every instance takes `timing`.
#[must_use]
pub fn predict(plan: &Plan, timing: &Timing) -> Prediction {
    let mut from = (0, plan.stable_at_start());
    let mut stages = Vec::new();
    for stage in &plan.stages {
        stages.push(predict_stage(plan, stage, from, *timing));
        from = (stage.candidate, stage.stable);
    }
    let sum = |part: fn(&StagePrediction) -> Span| {
        stages.iter().fold(Span::ZERO, |sum, stage| sum.plus(part(stage)))
    };
    let approvals = |stage: &Stage| stage.gates.iter().filter(|gate| gate.is_approval()).count();
    Prediction {
        total: sum(|stage| stage.moving.plus(stage.gates)),
        bound: sum(|stage| stage.moving_bound.plus(stage.gates)),
        approvals: plan.stages.iter().map(approvals).sum(),
        stages,
    }
}

impl Timing {
    /// The timing of instances whose probes succeed at the first chance: `boot` until they answer, then
    /// what the probes and `min_ready` of `spec` add; `drain` until they are gone.
    #[must_use]
    pub fn at_best(spec: &CheckedSpec, boot: Span, drain: Span) -> Self {
        Self { start_to_available: boot.plus(spec.least_to_available()), drain }
    }
}

impl Plan {
    /// Stable instances before the first stage, as far as the plan knows.
    fn stable_at_start(&self) -> u64 {
        if self.remarks.contains(&Remark::FirstDeploy) { 0 } else { self.desired }
    }
}

impl StageGate {
    const fn is_approval(&self) -> bool {
        match self {
            Self::Approval { .. } => true,
            Self::Hold(_) | Self::Health(_) | Self::Hook(_) | Self::Window(_) | Self::Metric(_) => {
                false
            }
        }
    }

    /// How long it takes; an approval is not known to take any time.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Hold(span) | Self::Health(span) => *span,
            Self::Approval { .. } | Self::Hook(_) | Self::Window(_) => Span::ZERO,
            Self::Metric(metric) => metric.least(),
        }
    }
}

/// A stage's time to its last available candidate, and to its end.
#[derive(Clone, Copy)]
struct Moved {
    available: Span,
    end: Span,
}

impl Moved {
    const fn millis(available: u64, end: u64) -> Self {
        Self { available: Span::from_millis(available), end: Span::from_millis(end) }
    }
}

fn predict_stage(plan: &Plan, stage: &Stage, from: (u64, u64), timing: Timing) -> StagePrediction {
    let unpaused = Budget { batch_delay: Span::ZERO, ..stage.budget };
    let bound_only = Budget { parallelism: 0, ..unpaused };
    let unlimited = Budget { surge: plan.desired, ..bound_only };
    let moved = |budget| move_stage(plan.counting, stage, from, timing, budget);
    let real = moved(stage.budget);
    let bound = moved(bound_only).end;
    let without_pauses = moved(unpaused).end;
    let least = moved(unlimited).end.min(bound);
    let gates = stage.gates.iter().fold(Span::ZERO, |sum, gate| sum.plus(gate.span()));
    let saved = |with: Span, without: Span| with.as_millis().saturating_sub(without.as_millis());
    // What would save most if it were not there; of two that save the same, the later in this list.
    let causes = [
        (least.as_millis(), Binding::Instance),
        (saved(bound, least), Binding::Room),
        (saved(without_pauses, bound), Binding::Parallelism),
        (saved(real.end, without_pauses), Binding::BatchDelay),
        (gates.as_millis(), Binding::Gates),
    ];
    let longest = causes.into_iter().filter(|(saved, _)| *saved != 0).max();
    let binding = match longest {
        _ if stage.gates.iter().any(StageGate::is_approval) => Binding::Approval,
        Some((_, cause)) => cause,
        None => Binding::Nothing,
    };
    StagePrediction {
        available: real.available,
        moving: real.end,
        gates,
        moving_bound: bound,
        binding,
    }
}

/// The time from the counts `from` to those of `stage`.
fn move_stage(
    counting: Counting,
    stage: &Stage,
    (candidate, stable): (u64, u64),
    timing: Timing,
    budget: Budget,
) -> Moved {
    let grows = stage.candidate.saturating_sub(candidate);
    let shrinks = stage.stable < stable;
    let drain = if shrinks { timing.drain } else { Span::ZERO };
    if grows == 0 {
        return Moved { available: Span::ZERO, end: drain };
    }
    let interleaved = shrinks && stage.route == StageRoute::ByReplicas;
    if interleaved {
        return Exchange::new(counting, timing, budget).of(grows);
    }
    // Everything that grows fits beside what is there; then the route moves, then what is left over goes.
    // Nothing is replaced, so there are no batches to pause between.
    let in_flight = if budget.parallelism == 0 { grows } else { budget.parallelism };
    let available = timing.start_to_available.times(grows.div_ceil(in_flight));
    Moved { available, end: available.plus(drain) }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Instance => "one instance's start and end",
            Self::Room => "surge and unavailable",
            Self::Parallelism => "parallelism",
            Self::BatchDelay => "the batch delay",
            Self::Gates => "its gates",
            Self::Approval => "an approval",
        })
    }
}

#[cfg(test)]
mod tests;
