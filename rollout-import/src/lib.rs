//! Reads the rollout files people already have as specs, and says what became of every field.
//!
//! In: text of Kubernetes objects (`Deployment`, `StatefulSet`, `DaemonSet`), of Argo `Rollout`s and Flagger
//! `Canary`s with what they refer to, and of Nomad jobs in JSON. Out: one checked spec and one report per
//! workload. Nothing is lost silently: a field is mapped, or left out with a reason, or, where following it
//! or leaving it out would be unsafe, refused. Absent: clusters, files and clocks; what is not in the text
//! is not known.
//!
//! ```
//! use rollout_import::{Options, import};
//!
//! let text = "
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: { name: web }
//! spec:
//!   replicas: 4
//!   selector: { matchLabels: { app: web } }
//!   template:
//!     metadata: { labels: { app: web } }
//!     spec: { containers: [{ name: web, image: 'web:2' }] }
//! ";
//! let file = import(text, &Options::default())?;
//! assert_eq!(file.workloads[0].spec.replicas, 4);
//! for line in &file.workloads[0].report {
//!     println!("{line}");
//! }
//! # Ok::<(), rollout_import::ImportErrors>(())
//! ```

mod argo;
mod condition;
mod document;
mod draft;
mod error;
mod file;
mod flagger;
mod gate;
mod kubernetes;
mod nomad;
pub mod report;
mod routers;
mod words;

use rollout_core::{plan, spec::CheckedSpec};

pub use self::{
    document::Places,
    error::{ImportError, ImportErrors},
    words::{PROXIES_LEARN, Words, capabilities},
};
use self::{
    document::{Log, Object, Scope},
    draft::Draft,
    file::{File, Kind},
    report::Mapping,
};

/// What is left open by a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Name of the one workload to read. Default: all in the file.
    pub workload: Option<&'a str>,
    /// Number of instances where the file cannot know it, such as nodes of a cluster.
    pub replicas: Option<u64>,
}

/// A file read as specs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The workloads, in the order of the file.
    pub workloads: Vec<Imported>,
    /// Objects that no workload needs, each with the reason why it is left out.
    pub rest: Vec<Mapping>,
}

/// One workload read as a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The spec, checked.
    pub spec: CheckedSpec,
    /// What became of every field, in the order of the fields by name.
    pub report: Vec<Mapping>,
}

/// Reads every workload in `text` as a spec.
///
/// # Errors
///
/// [`ImportErrors`] has every reason that was found; if there is one, there is no spec.
pub fn import(text: &str, options: &Options<'_>) -> Result<Import, ImportErrors> {
    let file = File::new(document::read(text)?, options.replicas)?;
    let found = file.workloads();
    let names = |objects: &[(Kind, &Object)]| -> Vec<String> {
        objects.iter().map(|(_, object)| object.name.clone()).collect()
    };
    let wanted: Vec<(Kind, &Object)> = match options.workload {
        None => found.clone(),
        Some(wanted) => found.iter().filter(|(_, object)| object.name == wanted).copied().collect(),
    };
    match (options.workload, found.is_empty(), wanted.is_empty()) {
        (_, true, _) => return Err(ImportError::NoWorkload { found: file.contents() }.into()),
        (Some(wanted), false, true) => {
            let (wanted, found) = (wanted.to_owned(), names(&found).join(", "));
            return Err(ImportError::Unknown { wanted, found }.into());
        }
        (_, false, _) => (),
    }
    let (mut workloads, mut errors) = (Vec::new(), Vec::new());
    for (kind, object) in wanted {
        match one(&file, kind, object) {
            Ok(imported) => workloads.push(imported),
            Err(reasons) => errors.extend(reasons),
        }
    }
    if errors.is_empty() {
        Ok(Import { workloads, rest: file.rest() })
    } else {
        Err(ImportErrors(errors))
    }
}

/// Whether `text` is of a kind that [`import`] reads, as far as its first look shows: good enough to choose
/// who reports what is wrong with it.
#[must_use]
pub fn recognises(text: &str) -> bool {
    if text.trim_start().starts_with('{') {
        let json: Result<serde_json::Value, _> = serde_json::from_str(text);
        let names = ["apiVersion", "Job", "TaskGroups"];
        return json.is_ok_and(|json| names.iter().any(|name| json.get(name).is_some()));
    }
    // What stands in a text, a list or a map of a YAML document is indented, so a name at the very
    // beginning of a line is one of the top.
    let names = ["apiVersion:", "\"apiVersion\":", "'apiVersion':"];
    text.lines().any(|line| names.iter().any(|name| line.starts_with(name)))
}

/// Reads one workload.
fn one(file: &File, kind: Kind, object: &Object) -> Result<Imported, Vec<ImportError>> {
    let log = Log::default();
    let scope = Scope { object, log: &log, own: true };
    let draft: Draft = match kind {
        Kind::Deployment => kubernetes::deployment(file, scope),
        Kind::StatefulSet => kubernetes::stateful_set(file, scope),
        Kind::DaemonSet => kubernetes::daemon_set(file, scope),
        Kind::Rollout => argo::import(file, scope),
        Kind::Canary => flagger::import(file, scope),
        Kind::Nomad => nomad::group(file, scope),
    }
    .map_err(|error| vec![error])?;
    let report = log.into_report();
    let log = Log::default();
    let spec = draft.finish(Scope { object, log: &log, own: true }, &report)?;
    // A spec that no plan can be made of is of no use.
    match plan::build(&spec, &capabilities(&spec), false) {
        Ok(_) => Ok(Imported { spec, report }),
        Err(why) => Err(vec![ImportError::Refused {
            object: object.to_string(),
            field: String::new(),
            place: None,
            message: why.to_string(),
        }]),
    }
}
