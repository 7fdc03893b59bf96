//! Reads a service of a Compose file as a spec, and says what became of every field.
//!
//! In: text, the name of a service, a way to look variables up. Out: a spec and a report with one line per
//! field. Nothing is lost silently: a field is mapped, or left out with a reason, or, where leaving it out
//! would change what runs, refused. Values of environment variables are never copied into the spec.
//! What Compose has no words for stands in the service's `x-rollout`, in the words of the spec.

mod deploy;
mod environment;
mod fields;
mod health;
mod networks;
mod overlay;
mod service;
mod storage;
mod words;

use std::fmt;

use rollout_core::{spec::Spec, yaml};
pub use rollout_import::report::{Fate, Mapping};
use serde_json::{Map, Value, json};

use self::fields::Fields;

/// What to read, and where variables come from.
#[derive(Clone, Copy)]
pub struct Import<'a> {
    /// Name of the service; may be left out if the file has one only.
    pub service: Option<&'a str>,
    /// Name of the project, which Compose puts before names of networks and volumes. Default: the file's `name`.
    pub project: Option<&'a str>,
    /// Looks up a variable that the file refers to.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// A spec read from a Compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The spec; check it before use.
    pub spec: Spec,
    /// What became of every field, in the order of the file's fields by name.
    pub report: Vec<Mapping>,
}

/// A Compose file that cannot be read as a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The text is no YAML.
    #[error("the Compose file cannot be read: {why}")]
    Syntax {
        /// The reader's words, with line and column.
        why: String,
    },
    /// A field is wrong, or cannot be had.
    #[error("{field}: {why}; {way_out}")]
    Field {
        /// Path of the field in the file.
        field: String,
        /// What is wrong, with the value.
        why: String,
        /// What a person can do about it.
        way_out: String,
    },
}

impl ComposeError {
    fn field(field: impl Into<String>, why: impl fmt::Display, way_out: impl Into<String>) -> Self {
        Self::Field { field: field.into(), why: why.to_string(), way_out: way_out.into() }
    }
}

/// Reads a service of the Compose file `text` as a spec.
///
/// ```
/// use rollout_docker::compose::{Import, import};
///
/// let text = "
/// services:
///   web:
///     image: web:2
///     deploy:
///       replicas: 4
///       update_config: { parallelism: 1, order: start-first, failure_action: rollback }
/// ";
/// let options = Import { service: None, project: None, environment: &|name| std::env::var(name).ok() };
/// let imported = import(text, &options)?;
/// assert_eq!(imported.spec.replicas, 4);
/// for line in &imported.report {
///     println!("{line}");
/// }
/// # Ok::<(), rollout_docker::compose::ComposeError>(())
/// ```
///
/// # Errors
///
/// [`ComposeError`] names the field that is wrong or that cannot be carried over safely.
pub fn import(text: &str, options: &Import<'_>) -> Result<Imported, ComposeError> {
    let mut file = read(text)?;
    let (name, service) = choose(&mut file, options.service)?;
    let project = match options.project {
        Some(project) => Some(project.to_owned()),
        None => match file.get("name") {
            Some(Value::String(text)) => {
                Some(fields::interpolate("name", text, options.environment)?)
            }
            Some(_) | None => None,
        },
    };
    let top = Top {
        project,
        networks: section(&mut file, "networks")?,
        volumes: section(&mut file, "volumes")?,
    };
    for left in file.keys() {
        match left.as_str() {
            "name" | "version" | "services" | "secrets" | "configs" => (),
            extension if extension.starts_with("x-") => (),
            other => {
                return Err(ComposeError::field(
                    other,
                    "this part of a Compose file is not understood",
                    "take it out, or flatten the file with `docker compose config`",
                ));
            }
        }
    }
    let mut fields = Fields::new(&format!("services.{name}"), service, options.environment);
    let mut spec = json!({ "version": 1, "workload": name });
    let own = overlay::take(&mut fields)?;
    let mut template = Map::new();
    service::map(&mut fields, &mut template)?;
    environment::map(&mut fields, &mut template)?;
    storage::map(&mut fields, &top, &mut template)?;
    networks::map(&mut fields, &top, &mut template)?;
    health::map(&mut fields, &mut template, &mut spec)?;
    deploy::map(&mut fields, &mut template, &mut spec)?;
    spec["template"] = Value::Object(template);
    let mut report = fields.finish()?;
    overlay::lay(own, &mut spec);
    report.sort_by(|a, b| a.field.cmp(&b.field));
    let spec = serde_path_to_error::deserialize(spec).map_err(|error| {
        ComposeError::field(
            format!("services.{name} → {}", error.path()),
            error.inner(),
            "correct the field in the service or in its `x-rollout`",
        )
    })?;
    Ok(Imported { spec, report })
}

/// Names of the services of the Compose file `text`.
///
/// # Errors
///
/// [`ComposeError`] if `text` is no Compose file.
pub fn services(text: &str) -> Result<Vec<String>, ComposeError> {
    Ok(section(&mut read(text)?, "services")?.keys().cloned().collect())
}

/// The parts of the file beside the services.
struct Top {
    project: Option<String>,
    networks: Map<String, Value>,
    volumes: Map<String, Value>,
}

impl Top {
    /// The name that Docker knows a network or a volume of the file by.
    fn real_name(
        &self,
        section: &str,
        key: &str,
        environment: fields::Lookup<'_>,
    ) -> Result<String, ComposeError> {
        let entries = match section {
            "networks" => &self.networks,
            _ => &self.volumes,
        };
        let entry = entries.get(key);
        if let Some(Value::String(name)) = entry.and_then(|entry| entry.get("name")) {
            return fields::interpolate(&format!("{section}.{key}.name"), name, environment);
        }
        if entry.is_none() && key != "default" {
            return Err(ComposeError::field(
                format!("{section}.{key}"),
                "the service names it, and the file does not declare it",
                format!("add it under the file's `{section}`"),
            ));
        }
        let external = entry.and_then(|entry| entry.get("external"));
        match (external, &self.project) {
            (Some(Value::Bool(true)), _) | (_, None) => Ok(key.to_owned()),
            (_, Some(project)) => Ok(format!("{project}_{key}")),
        }
    }
}

fn read(text: &str) -> Result<Map<String, Value>, ComposeError> {
    yaml::one(text).map_err(|error| ComposeError::Syntax { why: error.to_string() })
}

/// Takes the service that is wanted out of the file.
fn choose(
    file: &mut Map<String, Value>,
    wanted: Option<&str>,
) -> Result<(String, Map<String, Value>), ComposeError> {
    let mut services = section(file, "services")?;
    let names: Vec<String> = services.keys().cloned().collect();
    let name = match (wanted, names.as_slice()) {
        (Some(wanted), _) => wanted.to_owned(),
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(ComposeError::field(
                "services",
                format!("there are {}: {}", names.len(), names.join(", ")),
                "name the one to roll out",
            ));
        }
    };
    match services.remove(&name) {
        Some(Value::Object(service)) => Ok((name, service)),
        Some(_) => Err(ComposeError::field(
            format!("services.{name}"),
            "it is no map of fields",
            "write it as one",
        )),
        None => Err(ComposeError::field(
            "services",
            format!("there is no `{name}`, there are: {}", names.join(", ")),
            "name one of them",
        )),
    }
}

/// Takes a part of the file that maps names to fields; none is an empty one.
fn section(file: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, ComposeError> {
    match file.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(entries)) => Ok(entries),
        Some(other) => Err(ComposeError::field(
            name,
            format!("`{other}` is no map from names to fields"),
            "write it as one",
        )),
    }
}

#[cfg(test)]
mod tests;
