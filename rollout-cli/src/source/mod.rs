//! Files read as specs: ours in YAML or JSON, or somebody else's that the crates can import.
//!
//! In: a path. Out: a checked spec, or one error that names place, field, value and way out. Absent: guesses;
//! a file with `services` at its top is a Compose file, one with `apiVersion` holds Kubernetes objects, one
//! with `Job` or `TaskGroups` a Nomad job, every other one is a spec.

use std::{
    env, fs,
    io::{self, Read as _},
    path::Path,
};

use rollout_core::spec::{CheckedSpec, Format, Spec, TEXT_LIMIT, parse};
use rollout_docker::compose::{self, Import};
use rollout_import::{Imported, Options, Places, Words, recognises, report::Mapping};

use crate::{
    args::{ComposeArgs, FileArgs, ImportArgs},
    error::{CliError, Refused},
};

/// A spec and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The spec, checked.
    pub(crate) spec: CheckedSpec,
    /// What became of the fields of somebody else's file; `None` if it was a spec of ours.
    pub(crate) mapped: Option<Vec<Mapping>>,
    /// What kind of file it was.
    pub(crate) kind: &'static str,
}

/// Reads and checks the file that was named.
pub(crate) fn load(args: &FileArgs) -> Result<Source, CliError> {
    read(&args.file, &args.compose)
}

/// Reads and checks every workload of the file that was named, and tells of what belongs to none.
pub(crate) fn load_all(args: &ImportArgs) -> Result<(Vec<Source>, Vec<Mapping>), CliError> {
    let FileArgs { file, compose } = &args.source;
    let text = text_of(file)?;
    if is_compose(&text) || !recognises(&text) {
        if args.replicas.is_some() {
            return Err(CliError::NoReplicas { path: file.clone() });
        }
        if is_compose(&text) && compose.service.is_none() {
            let names = compose::services(&text)
                .map_err(|why| CliError::Compose { path: file.clone(), why })?;
            let service = |name: String| {
                let compose = ComposeArgs { service: Some(name), ..compose.clone() };
                from_compose(file, &text, &compose)
            };
            return Ok((names.into_iter().map(service).collect::<Result<_, _>>()?, Vec::new()));
        }
        return Ok((vec![of_text(file, &text, compose)?], Vec::new()));
    }
    let options = Options { workload: compose.service.as_deref(), replicas: args.replicas };
    let import = rollout_import::import(&text, &options)
        .map_err(|why| CliError::Import { path: file.clone(), why })?;
    Ok((import.workloads.into_iter().map(Source::from).collect(), import.rest))
}

/// Reads and checks the file at `path`; `-` is standard input.
pub(crate) fn read(path: &Path, compose: &ComposeArgs) -> Result<Source, CliError> {
    of_text(path, &text_of(path)?, compose)
}

fn of_text(path: &Path, text: &str, compose: &ComposeArgs) -> Result<Source, CliError> {
    if is_compose(text) {
        return from_compose(path, text, compose);
    }
    if recognises(text) {
        return from_import(path, text, compose.service.as_deref());
    }
    if let Some(service) = &compose.service {
        return Err(CliError::NoServices { path: path.to_owned(), service: service.clone() });
    }
    let parsed = parse(text, format_of(path, text));
    let spec = parsed.map_err(|why| CliError::Parse { path: path.to_owned(), why })?;
    let spec = checked(path, spec, Some(text))?;
    Ok(Source { spec, mapped: None, kind: "spec" })
}

fn text_of(path: &Path) -> Result<String, CliError> {
    let failed =
        |why: &dyn ToString| CliError::Unreadable { path: path.to_owned(), why: why.to_string() };
    let mut bytes = Vec::new();
    // One byte more than is read on purpose: what is too long is refused, not cut.
    let limit = TEXT_LIMIT as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|why| failed(&why))?;
    if TEXT_LIMIT < bytes.len() {
        return Err(failed(&format!("it has more than {TEXT_LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|why| {
        failed(&format!("byte {} is no UTF-8 text", why.utf8_error().valid_up_to() + 1))
    })
}

fn format_of(path: &Path, text: &str) -> Format {
    let is_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
        || text.trim_start().starts_with('{');
    if is_json { Format::Json } else { Format::Yaml }
}

/// Whether `services` stands at the top of the text.
fn is_compose(text: &str) -> bool {
    if text.trim_start().starts_with('{') {
        let json: Result<serde_json::Value, _> = serde_json::from_str(text);
        return json.is_ok_and(|json| json.get("services").is_some());
    }
    // What stands in a text, a list or a map of a YAML document is indented, so a name at the very
    // beginning of a line is one of the top.
    let names = ["services:", "\"services\":", "'services':"];
    text.lines().any(|line| names.iter().any(|name| line.starts_with(name)))
}

fn from_compose(path: &Path, text: &str, args: &ComposeArgs) -> Result<Source, CliError> {
    let environment = |name: &str| env::var(name).ok();
    let import = Import {
        service: args.service.as_deref(),
        project: args.project.as_deref(),
        environment: &environment,
    };
    let imported = compose::import(text, &import)
        .map_err(|why| CliError::Compose { path: path.to_owned(), why })?;
    let spec = checked(path, imported.spec, None)?;
    Ok(Source { spec, mapped: Some(imported.report), kind: "compose" })
}

/// The one workload of a file that may have several.
fn from_import(path: &Path, text: &str, workload: Option<&str>) -> Result<Source, CliError> {
    let import = rollout_import::import(text, &Options { workload, replicas: None })
        .map_err(|why| CliError::Import { path: path.to_owned(), why })?;
    let names: Vec<String> =
        import.workloads.iter().map(|found| found.spec.workload.to_string()).collect();
    match <[Imported; 1]>::try_from(import.workloads) {
        Ok([only]) => Ok(Source::from(only)),
        Err(_) => Err(CliError::Several { path: path.to_owned(), found: names.join(", ") }),
    }
}

impl From<Imported> for Source {
    fn from(imported: Imported) -> Self {
        let kind = match Words::of(&imported.spec) {
            Some(Words::Kubernetes) => "kubernetes",
            Some(Words::Nomad) => "nomad",
            None => "import",
        };
        Self { spec: imported.spec, mapped: Some(imported.report), kind }
    }
}

/// Checks `spec`; with its `text`, errors say where.
fn checked(path: &Path, spec: Spec, text: Option<&str>) -> Result<CheckedSpec, CliError> {
    CheckedSpec::new(spec).map_err(|errors| {
        let places = text.map(Places::of);
        let refused = errors.into_iter().map(|error| {
            let message = error.to_string();
            let field = message.split_once(": ").map_or("", |(field, _)| field).to_owned();
            let place = places.as_ref().and_then(|places| places.nearest(&field));
            Refused {
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                field,
                message,
            }
        });
        CliError::Check { path: path.to_owned(), refused: refused.collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compose_file_is_told_from_a_spec_by_its_services() {
        for (text, expected) in [
            ("services:\n  web: {}\n", true),
            ("name: x\n\"services\":\n  web: {}\n", true),
            ("{\"services\": {}}", true),
            ("version: 1\nworkload: web\n", false),
            ("template:\n  services: 1\n", false),
            ("{\"version\": 1, \"template\": {\"services\": 1}}", false),
        ] {
            assert_eq!(is_compose(text), expected, "{text}");
        }
    }
}
