//! Environment variables whose values come from the engine's own environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::interpolate::{self, Unset};

/// References to the engine's own environment, resolved when a container is created.
///
/// Written as a list of names that are handed on (`[TOKEN]`), or as a map from the variable inside to
/// text with references (`{ DATABASE_URL: "postgres://app:${PASSWORD}@db" }`). `${NAME:-default}` gives
/// a default; a name that is not set and has none is refused. Values go to Docker alone, which shows them to
/// whoever may inspect the container; no label, journal or log of ours holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "BTreeMap<String, String>")]
pub struct EnvFrom(BTreeMap<String, String>);

impl EnvFrom {
    /// The references `variables`, from the variable inside to text with references.
    #[must_use]
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The variables inside and the text with references of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The variables inside with their values, taken from `environment`.
    ///
    /// # Errors
    ///
    /// [`Unset`] names the first variable of `environment` that is not set and has no default.
    pub fn resolve(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>, Unset> {
        self.0
            .iter()
            .map(|(name, text)| Ok((name.clone(), interpolate::resolve(text, environment)?)))
            .collect()
    }
}

/// References as a person writes them.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a list of variable names, or a map from a variable to text such as `${NAME}`"
)]
enum Written {
    Names(Vec<String>),
    Map(BTreeMap<String, String>),
}

impl From<Written> for EnvFrom {
    fn from(written: Written) -> Self {
        match written {
            Written::Names(names) => Self(
                names
                    .into_iter()
                    .map(|name| {
                        let reference = format!("${{{name}}}");
                        (name, reference)
                    })
                    .collect(),
            ),
            Written::Map(map) => Self(map),
        }
    }
}

impl From<EnvFrom> for BTreeMap<String, String> {
    fn from(env: EnvFrom) -> Self {
        env.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_maps_mean_the_same() {
        let names: EnvFrom = serde_json::from_str(r#"["TOKEN"]"#).unwrap();
        let map: EnvFrom = serde_json::from_str(r#"{"TOKEN":"${TOKEN}"}"#).unwrap();
        assert_eq!(names, map);
        assert_eq!(names.resolve(&|name| Some(format!("<{name}>"))).unwrap()["TOKEN"], "<TOKEN>");
        assert_eq!(names.resolve(&|_| None).unwrap_err().name, "TOKEN");
    }
}
