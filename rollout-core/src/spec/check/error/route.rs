//! Refusals of what goes to the candidate beside its share.

use crate::spec::check::route::{MATCHES_LIMIT, NAME_LIMIT, VALUE_LIMIT};

/// A match, a mirror or an affinity that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// A match looks at nothing, or at two things.
    #[error("{field}: it has {given} of `header` and `cookie`; write exactly one of them")]
    Subjects {
        /// Path of the match.
        field: String,
        /// How many are given.
        given: usize,
    },
    /// A match asks for more than one value.
    #[error(
        "{field}: it has {given} of `exact`, `prefix` and `regex`; write at most one, and another match beside it for the other, as any match is enough"
    )]
    Tests {
        /// Path of the match.
        field: String,
        /// How many are given.
        given: usize,
    },
    /// A name that no request could have, or that a router could misread.
    #[error(
        "{field}: `{name}` is no name that a request can have; write 1 to {NAME_LIMIT} letters, digits, `-`, `_` and `.`"
    )]
    Name {
        /// Path of the field.
        field: String,
        /// The name as given.
        name: String,
    },
    /// A value that no request could have. It is not shown: it may be a secret.
    #[error(
        "{field}: the value has {length} characters, allowed are 1 to {VALUE_LIMIT} printable ones; write such a value, or leave it out to ask only that the header or cookie is there"
    )]
    Value {
        /// Path of the field.
        field: String,
        /// Its length in characters.
        length: usize,
    },
    /// More matches than a router should try for every request.
    #[error("{field}: {count} matches are above the limit of {MATCHES_LIMIT}; write fewer")]
    TooManyMatches {
        /// Path of the matches.
        field: String,
        /// How many there are.
        count: usize,
    },
    /// A client would be forgotten at once.
    #[error(
        "{field}: 0s remembers no client; write a span such as `1h`, or leave out the affinity"
    )]
    NoMaxAge {
        /// Path of the field.
        field: String,
    },
    /// A rule of a route that has no shares.
    #[error(
        "{field}: it needs a route by weight, and that of stage `{stage}` is not; write `route: {{ weight: 0% }}` or more there, or leave it out"
    )]
    WithoutWeight {
        /// Path of the field.
        field: String,
        /// Name of the stage.
        stage: String,
    },
}

impl RouteError {
    /// Path of the field that is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Subjects { field, .. }
            | Self::Tests { field, .. }
            | Self::Name { field, .. }
            | Self::Value { field, .. }
            | Self::TooManyMatches { field, .. }
            | Self::NoMaxAge { field }
            | Self::WithoutWeight { field, .. } => field,
        }
    }
}
