//! `rollout check`: whether a file can be used, and what is rarely meant.

use rollout_core::spec::{CheckedSpec, Strategy};
use rollout_docker::haproxy::Traffic;
use rollout_import::Words;
use serde_json::json;

use crate::{
    args::FileArgs,
    error::CliError,
    exit::Exit,
    output::{Output, text::Text},
    source,
};

pub(super) fn run(args: &FileArgs, output: Output) -> Result<Exit, CliError> {
    let source = source::load(args)?;
    let spec = &source.spec;
    // Other routers than HAProxy are known to their own backends.
    if !spec.traffic.is_null() && Words::of(spec).is_none() {
        let _known: Traffic = Traffic::read(&spec.traffic)?;
    }
    let warnings: Vec<String> = spec.warnings().iter().map(ToString::to_string).collect();
    let document = || {
        json!({
            "file": args.file,
            "kind": source.kind,
            "workload": spec.workload,
            "revision": spec.revision,
            "replicas": spec.replicas,
            "strategy": strategy(spec),
            "warnings": warnings,
        })
    };
    let text = || {
        let mut text = Text::default();
        text.line(format_args!(
            "{}: good: {}, {} instances, {}",
            args.file.display(),
            spec.workload,
            spec.replicas,
            strategy(spec)
        ));
        for warning in &warnings {
            text.line(format_args!("warning: {warning}"));
        }
        text.into_string()
    };
    output.result(document, text)?;
    Ok(Exit::Done)
}

/// The name of the strategy.
fn strategy(spec: &CheckedSpec) -> &'static str {
    match &spec.strategy {
        Strategy::Rolling(_) => "rolling",
        Strategy::Recreate(_) => "recreate",
        Strategy::BlueGreen(_) => "blue_green",
        Strategy::Canary(_) => "canary",
        Strategy::Stages(_) => "stages",
    }
}
