//! Which field a refusal is about, for tools that mark it.

use super::CheckError;

impl CheckError {
    /// Path of the field that is wrong, such as `strategy.rolling.surge`.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Version { .. } => "version",
            Self::NoSteps => "strategy.canary.steps",
            Self::MonitorTooShort { .. } => "health.monitor",
            Self::FailureRatio => "health.max_failure_ratio",
            Self::ProgressTooShort { .. } | Self::ProgressBelowPause { .. } => "deadlines.progress",
            Self::NoTimeToPromote => "strategy.blue_green.promotion.after",
            Self::Stages(error) => error.field(),
            Self::Route(error) => error.field(),
            Self::Hook(error) => error.field(),
            Self::Module(error) => error.field(),
            Self::Rollback(error) => error.field(),
            Self::TotalBelowProgress { .. } => "deadlines.total",
            Self::Calendar(error) => error.field(),
            Self::Metric(error) => error.field(),
            Self::TooMany { field, .. }
            | Self::NoRoom { field }
            | Self::NoParallelism { field }
            | Self::OrderBesideAmount { field, .. }
            | Self::WeightDoesNotRise { field, .. }
            | Self::StepNameTaken { field, .. }
            | Self::StepNameReserved { field, .. }
            | Self::StepName { field, .. }
            | Self::AboveDesired { field, .. }
            | Self::NoInstance { field, .. }
            | Self::NoTimeToApprove { field }
            | Self::NeverUnanswered { field }
            | Self::ProbeKinds { field, .. }
            | Self::ProbeTime { field }
            | Self::ProbeThreshold { field }
            | Self::Port { field }
            | Self::Path { field, .. }
            | Self::PathCharacter { field, .. }
            | Self::Header { field, .. }
            | Self::Command { field }
            | Self::TooLong { field, .. } => field,
        }
    }
}
