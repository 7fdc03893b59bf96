//! A spec in the making, and the last look at it: parsed and checked in the words of the spec.

use rollout_core::spec::{CheckedSpec, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    ImportError,
    document::Scope,
    report::{Fate, Mapping},
};

/// A spec in the making.
#[derive(Debug)]
pub(crate) struct Draft(Value);

impl Draft {
    /// A spec of nothing but its name.
    pub(crate) fn new(workload: &str) -> Self {
        Self(json!({ "version": 1, "workload": workload }))
    }

    /// Sets the field at `path`, such as `health.min_ready`.
    pub(crate) fn set(&mut self, path: &str, value: &impl Serialize) {
        let place = path.split('.').fold(&mut self.0, |value, name| &mut value[name]);
        *place = json!(value);
    }

    /// What stands at `path`; null if nothing does.
    pub(crate) fn get(&self, path: &str) -> &Value {
        path.split('.').fold(&self.0, |value, name| &value[name])
    }

    /// Desired number of instances, as far as it is set.
    pub(crate) fn replicas(&self) -> u64 {
        self.get("replicas").as_u64().unwrap_or(1)
    }

    /// The spec, checked. Errors name the field of the file that the refused one came from.
    pub(crate) fn finish(
        self,
        scope: Scope<'_>,
        report: &[Mapping],
    ) -> Result<CheckedSpec, Vec<ImportError>> {
        let refused = |field: &str, message: String| ImportError::Refused {
            object: scope.object.to_string(),
            field: source_of(field, report).to_owned(),
            place: scope.object.place(source_of(field, report)),
            message,
        };
        let spec: Spec = serde_path_to_error::deserialize(self.0).map_err(|error| {
            let field = error.path().to_string();
            vec![refused(&field, format!("{field}: {}", error.inner()))]
        })?;
        CheckedSpec::new(spec).map_err(|errors| {
            let reasons = errors.into_iter();
            reasons.map(|error| refused(error.field(), error.to_string())).collect()
        })
    }
}

/// The field of the file that `field` of the spec came from, or the nearest thing around it.
fn source_of<'a>(field: &str, report: &'a [Mapping]) -> &'a str {
    let shared = |to: &str| {
        let parts = |path: &str| path.split(['.', '[', ']']).map(str::to_owned).collect::<Vec<_>>();
        parts(to).iter().zip(parts(field)).take_while(|(a, b)| **a == *b).count()
    };
    let lines = report.iter().filter_map(|line| match &line.fate {
        Fate::Mapped { to } | Fate::Changed { to, .. } => Some((shared(to), line.field.as_str())),
        Fate::LeftOut { .. } => None,
    });
    let best = lines.rev().max_by_key(|(shared, _)| *shared);
    best.filter(|(shared, _)| 0 < *shared).map_or("", |(_, source)| source)
}
