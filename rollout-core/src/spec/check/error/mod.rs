//! One variant per refusal: the field, its value, the limit and the way out.
//!
//! What belongs to one part of the spec stands in a file of its own here.

mod field;
mod hook;
mod module;
mod rollback;
mod route;
mod stages;

pub use self::{
    hook::HookError, module::ModuleError, rollback::RollbackError, route::RouteError,
    stages::StagesError,
};
use super::REPLICAS_LIMIT;
use crate::{
    amount::Amount, calendar::CalendarError, judge::MetricError, time::Span, weight::Weight,
};

/// A spec that was refused: the field, its value, the limit and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The spec is of another version of the format.
    #[error("version: {value} is not known, this engine reads version 1; set `version: 1`")]
    Version {
        /// The version as given.
        value: u32,
    },
    /// There are more instances than the engine counts.
    #[error("{field}: {value} is above the limit of {REPLICAS_LIMIT} instances; write less")]
    TooMany {
        /// Path of the field.
        field: String,
        /// The number as given.
        value: u64,
    },
    /// Nothing could ever move.
    #[error(
        "{field}: surge is 0 and unavailable is 0 (0 is its default), so no instance could ever be replaced; set one of them to 1 or more"
    )]
    NoRoom {
        /// Path of the pace.
        field: String,
    },
    /// No instance could ever be in flight.
    #[error(
        "{field}: 0 instances in flight could never move anything; write 1 or more, or leave it out for no limit of its own"
    )]
    NoParallelism {
        /// Path of the field.
        field: String,
    },
    /// Two ways of saying the same contradict each other.
    #[error(
        "{field}.order: it already sets surge and unavailable, so `{other}: {value}` beside it is ambiguous; leave out `order`, or leave out `{other}`"
    )]
    OrderBesideAmount {
        /// Path of the pace.
        field: String,
        /// The field beside it.
        other: &'static str,
        /// Its value.
        value: Amount,
    },
    /// A canary has no step.
    #[error(
        "strategy.canary.steps: there is none; write at least one such as `- weight: 25`, write a `ramp`, or use `rolling`"
    )]
    NoSteps,
    /// The weight of a step is not above that of the step before.
    #[error(
        "{field}: {weight} of step `{step}` is not above the {before} of step `{step_before}`; weights must rise from step to step: remove one of the two steps, or raise this weight"
    )]
    WeightDoesNotRise {
        /// Path of the field.
        field: String,
        /// Name of the step.
        step: String,
        /// Its weight.
        weight: Weight,
        /// Name of the step before.
        step_before: String,
        /// Its weight.
        before: Weight,
    },
    /// Two steps have one name.
    #[error("{field}: `{name}` is the name of an earlier step too; names must differ")]
    StepNameTaken {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// The planner uses the name itself.
    #[error(
        "{field}: `{name}` is the name of a stage that the planner makes itself; take another name"
    )]
    StepNameReserved {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// A name that nobody could read or type.
    #[error(
        "{field}: the name has {length} characters, allowed are 1 to {limit} printable ones; take another name"
    )]
    StepName {
        /// Path of the field.
        field: String,
        /// Its length in characters.
        length: usize,
        /// Most characters allowed.
        limit: usize,
    },
    /// A part has more instances than the whole.
    #[error(
        "{field}: {value} is more than the {desired} desired instances; write at most {desired}, or raise `replicas`"
    )]
    AboveDesired {
        /// Path of the field.
        field: String,
        /// The number as given.
        value: u64,
        /// Desired instances.
        desired: u64,
    },
    /// A set of no instance proves nothing.
    #[error("{field}: {value} means no instance at all; write 1 or more, or leave it out")]
    NoInstance {
        /// Path of the field.
        field: String,
        /// The amount as given.
        value: Amount,
    },
    /// An approval that nobody could give in time.
    #[error(
        "{field}: 0s leaves no time to approve; write a span such as `1h`, or leave it out for no limit"
    )]
    NoTimeToApprove {
        /// Path of the field.
        field: String,
    },
    /// An approval that passes at the end of a time that has none.
    #[error(
        "{field}: `pass` needs an end to wait for, and there is no `deadline`; write one such as `deadline: 1h`, or leave it out"
    )]
    NeverUnanswered {
        /// Path of the field.
        field: String,
    },
    /// A promotion by itself that leaves nobody a choice.
    #[error(
        "strategy.blue_green.promotion.after: 0s leaves no time to promote; write a span such as `10m`, or `promotion: automatic`"
    )]
    NoTimeToPromote,
    /// A probe has none, or more than one, of its kinds.
    #[error(
        "{field}: it has {given} of the kinds `http`, `tcp` and `exec`; write exactly one of them"
    )]
    ProbeKinds {
        /// Path of the probe.
        field: String,
        /// How many are given.
        given: usize,
    },
    /// A time of a probe that must not be zero.
    #[error("{field}: 0s is not possible, the least is 1ms; write a span such as `1s`")]
    ProbeTime {
        /// Path of the field.
        field: String,
    },
    /// A threshold that would decide before the first answer.
    #[error("{field}: 0 would decide before the first answer; write 1 or more")]
    ProbeThreshold {
        /// Path of the field.
        field: String,
    },
    /// Port 0 is no port.
    #[error("{field}: 0 is no port; write 1 to 65535")]
    Port {
        /// Path of the field.
        field: String,
    },
    /// An HTTP path does not begin at the root.
    #[error("{field}: `{value}` does not begin with `/`; write `/{value}`")]
    Path {
        /// Path of the field.
        field: String,
        /// The path as given.
        value: String,
    },
    /// A character would end the request's first line.
    #[error(
        "{field}: it has a blank or a control character at character {position}; write it as `%20` and the like"
    )]
    PathCharacter {
        /// Path of the field.
        field: String,
        /// Its place, counted from 1.
        position: usize,
    },
    /// A header could not be sent, or would be read as two.
    #[error(
        "{field}: `{name}` is no header that can be sent; its name has letters, digits and `-`, its value no control character"
    )]
    Header {
        /// Path of the field.
        field: String,
        /// Name of the header. Its value is not shown: it may be a secret.
        name: String,
    },
    /// A command has no program.
    #[error("{field}: there is no program; write a list such as `[/bin/check, \"{{address}}\"]`")]
    Command {
        /// Path of the field.
        field: String,
    },
    /// The rollout would end before the probe can find a failure.
    #[error(
        "health.monitor: {monitor} is shorter than the {needed} that the readiness probe needs to find a failure (initial_delay {initial_delay} + failure_threshold {failures} x period {period} + timeout {timeout}); raise it to {needed}, probe faster, or set it to 0s to monitor nothing"
    )]
    MonitorTooShort {
        /// The span as given.
        monitor: Span,
        /// The least that can find a failure.
        needed: Span,
        /// Wait before the first attempt.
        initial_delay: Span,
        /// Failures in a row that make it unhealthy.
        failures: u32,
        /// Time between two attempts.
        period: Span,
        /// Longest wait for an answer.
        timeout: Span,
    },
    /// No number of failures could ever fail the rollout.
    #[error(
        "health.max_failure_ratio: 100% can never be exceeded, so no failure would ever count; write less than 100%"
    )]
    FailureRatio,
    /// An instance could not become available in time.
    #[error(
        "deadlines.progress: {value} is not above the {needed} that an instance takes to be available at best (probe delays and successes, then min_ready {min_ready}); raise it"
    )]
    ProgressTooShort {
        /// The span as given.
        value: Span,
        /// The least an instance takes.
        needed: Span,
        /// Part of it: `health.min_ready`.
        min_ready: Span,
    },
    /// The pause between two batches would count as standing still.
    #[error(
        "deadlines.progress: {value} is not above the {needed} from one batch to the next at best ({pace}.batch_delay {delay}, then a start); raise it, or shorten the pause"
    )]
    ProgressBelowPause {
        /// The span as given.
        value: Span,
        /// The least from one batch to the next.
        needed: Span,
        /// Path of the pace.
        pace: String,
        /// Its pause.
        delay: Span,
    },
    /// The whole would end before one step of it.
    #[error(
        "deadlines.total: {total} is below deadlines.progress, {progress}, so it could only be hit first; raise it, or lower the other"
    )]
    TotalBelowProgress {
        /// The span as given.
        total: Span,
        /// The other deadline.
        progress: Span,
    },
    /// A calendar that makes no sense.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// A metric that makes no sense.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A wait that nobody can mean.
    #[error("{field}: {value} is above the limit of {limit}; write less")]
    TooLong {
        /// Path of the field.
        field: String,
        /// The span as given.
        value: Span,
        /// Longest span allowed: [`super::SHORT_WAIT_LIMIT`] or [`super::LONG_WAIT_LIMIT`].
        limit: Span,
    },
    /// Ramps and stages written by hand.
    #[error(transparent)]
    Stages(#[from] StagesError),
    /// What goes to the candidate beside its share.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// Jobs.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Modules and the circuit breaker.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The way back.
    #[error(transparent)]
    Rollback(#[from] RollbackError),
}
