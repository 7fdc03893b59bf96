//! Refusals of modules, of the circuit breaker and of what stages need of them.

/// A module, or a need of one, that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// Two modules have one name.
    #[error("{field}: `{name}` is the name of an earlier module too; names must differ")]
    NameTaken {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// A stage speaks of a module that is not declared.
    #[error("{field}: `{name}` is no declared module; declare it in `modules`, or leave it out")]
    Unknown {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// A stage wants a module degraded that must be available.
    #[error(
        "{field}: `{name}` must be available at all times, so it cannot be degraded; leave it out, or take `must_be_available` off the module"
    )]
    MustBeAvailable {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// A stage speaks of a module twice.
    #[error(
        "{field}: `{name}` is already named in this stage; name it once, in `degrade` or in `require`"
    )]
    NamedTwice {
        /// Path of the field.
        field: String,
        /// The name.
        name: String,
    },
    /// A stage arms a circuit breaker that is not declared.
    #[error(
        "{field}: the spec declares no circuit breaker; add `breaker: {{ timeout: 3s }}` at its top, or leave it out"
    )]
    NoBreaker {
        /// Path of the field.
        field: String,
    },
    /// A breaker that would cut every call off.
    #[error("breaker.timeout: 0s cuts off every call; write a span such as `3s`")]
    BreakerTimeout,
}

impl ModuleError {
    /// Path of the field that is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::NameTaken { field, .. }
            | Self::Unknown { field, .. }
            | Self::MustBeAvailable { field, .. }
            | Self::NamedTwice { field, .. }
            | Self::NoBreaker { field } => field,
            Self::BreakerTimeout => "breaker.timeout",
        }
    }
}
