//! What cannot be imported: where it stands, what is wrong with it, and the way out.

/// A file that cannot be read as specs, or one reason why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is neither YAML nor JSON.
    #[error("the file cannot be read: {why}")]
    Syntax {
        /// What is wrong, with line and column.
        why: String,
    },
    /// Nothing in the file is rolled out.
    #[error(
        "there is no workload in the file, it has: {found}; name one with a Deployment, StatefulSet, DaemonSet, Rollout, Canary or a Nomad job"
    )]
    NoWorkload {
        /// What the file has instead.
        found: String,
    },
    /// No workload has the name that was asked for.
    #[error("there is no workload `{wanted}` in the file, there are: {found}; name one of them")]
    Unknown {
        /// The name that was asked for.
        wanted: String,
        /// The names there are.
        found: String,
    },
    /// A field is wrong, or following it would be unsafe, or leaving it out.
    #[error("{}{object}: {}{why}; {way_out}", at(*.place), colon(.field))]
    Field {
        /// The object, such as `Deployment/web`.
        object: String,
        /// Path of the field in it; empty for the object as a whole.
        field: String,
        /// Line and column, from 1, of the field or of the nearest thing around it.
        place: Option<(u64, u64)>,
        /// What is wrong, with the value.
        why: String,
        /// What a person can do about it.
        way_out: String,
    },
    /// The spec that came out would be refused.
    #[error("{}{object}: {}as a spec: {message}", at(*.place), colon(.field))]
    Refused {
        /// The object, such as `Deployment/web`.
        object: String,
        /// Path of the field in it that the refused one came from; empty for the object as a whole.
        field: String,
        /// Line and column, from 1, of the field or of the nearest thing around it.
        place: Option<(u64, u64)>,
        /// The words of the check: the field of the spec, its value, the limit and the way out.
        message: String,
    },
}

/// Everything that stands in the way of an import.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ImportErrors(
    /// The reasons, in the order of the file.
    pub Vec<ImportError>,
);

impl From<ImportError> for ImportErrors {
    fn from(error: ImportError) -> Self {
        Self(vec![error])
    }
}

fn at(place: Option<(u64, u64)>) -> String {
    match place {
        Some((line, column)) => format!("line {line}, column {column}: "),
        None => String::new(),
    }
}

fn colon(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}
