//! `rollout adopt` and `rollout hand-back`: what will change is shown whole before anything does.

use rollout_k8s::{
    adopt::{Change, FieldChange, Handing, Handover, Stage, Way},
    client,
};
use serde_json::{Value, json};

use super::import::mapping;
use crate::{
    args::{AdoptArgs, ClusterArgs, HandBackArgs, RulerName},
    error::CliError,
    exit::Exit,
    output::{Output, text::Text},
};

pub(super) async fn adopt(args: &AdoptArgs, output: Output) -> Result<Exit, CliError> {
    let way = Way::Adopt { released: args.released_by.clone(), enrol_by: args.enrol_by.into() };
    run(&args.ruler, &args.cluster, way, args.dry_run, output).await
}

pub(super) async fn hand_back(args: &HandBackArgs, output: Output) -> Result<Exit, CliError> {
    run(&args.ruler, &args.cluster, Way::HandBack, args.dry_run, output).await
}

async fn run(
    ruler: &RulerName,
    cluster: &ClusterArgs,
    way: Way,
    dry: bool,
    output: Output,
) -> Result<Exit, CliError> {
    let (client, namespace) = client::connect(&cluster.options()).await?;
    let RulerName { kind, name } = ruler;
    let handover = Handover::new(client, namespace.clone(), name.clone(), way.clone()).of(*kind);
    let plan = handover.plan().await?;
    if dry {
        let document = || document(name, &namespace, &plan, false);
        output.result(document, || told(name, &plan))?;
        return Ok(Exit::Done);
    }
    if !output.is_json() {
        Output::aside(told(name, &plan).trim_end());
    }
    let done = handover
        .run(|change| {
            if !output.is_json() {
                let (verb, kind, name) = (past(change), change.kind, &change.name);
                Output::aside(&format!("{verb} {kind}/{name}"));
            }
        })
        .await?;
    if output.is_json() {
        let document = || {
            // What was done is what was planned.
            let mut document = document(name, &namespace, &plan, true);
            document["left"] = json!(done.left);
            document
        };
        output.result(document, String::new)?;
    } else {
        finish(ruler, &done, &way)?;
    }
    Ok(Exit::Done)
}

/// What is so at the end, and for an adoption the spec.
fn finish(ruler: &RulerName, done: &Handing, way: &Way) -> Result<(), CliError> {
    let RulerName { kind, name } = ruler;
    let Some(imported) = &done.spec else {
        Output::aside(&format!("{kind}/{name} rules its pods again"));
        return Ok(());
    };
    let yaml = serde_saphyr::to_string(imported.spec.spec()).map_err(|why| CliError::System {
        what: "the spec cannot be written as YAML",
        why: why.to_string(),
    })?;
    for line in &imported.report {
        Output::aside(&line.to_string());
    }
    if matches!(way, Way::Adopt { .. }) {
        Output::aside(&format!(
            "{name} is adopted; what follows is its spec: keep it in a file and go on with `rollout run`"
        ));
    }
    Output::raw(&yaml);
    Ok(())
}

/// Everything that is still to be done, for a person.
fn told(name: &str, plan: &Handing) -> String {
    let mut text = Text::default();
    if plan.stages.is_empty() {
        text.line(format_args!("{name}: nothing is left to do"));
    }
    for (place, Stage { what, changes, waits_for }) in plan.stages.iter().enumerate() {
        text.line(format_args!("{}. {what}", place + 1));
        for change in changes {
            text.line(format_args!("  {change}"));
        }
        if let Some(waits_for) = waits_for {
            text.line(format_args!("  wait for {waits_for}"));
        }
    }
    if !plan.left.is_empty() {
        let left = plan.left.join(", ");
        text.line(format_args!(
            "left as they are, without pods, for a hand-back: ReplicaSets {left}"
        ));
    }
    if 0 < plan.ungated {
        text.line(format_args!(
            "note: {} pods that run now have no readiness gate, which no running pod can get: the first rollout \
             replaces them as a Deployment would, and may lose requests of theirs",
            plan.ungated
        ));
    }
    text.into_string()
}

fn past(change: &Change) -> &'static str {
    match change.verb() {
        "create" => "created",
        "patch" => "patched",
        _ => "deleted",
    }
}

/// Everything that is still to be done or was done, for tools.
fn document(name: &str, namespace: &str, plan: &Handing, done: bool) -> Value {
    let spec = plan.spec.as_ref().map(|imported| imported.spec.spec());
    let report: Vec<Value> =
        plan.spec.iter().flat_map(|imported| &imported.report).map(mapping).collect();
    json!({
        "deployment": name,
        "namespace": namespace,
        "done": done,
        "stages": plan.stages.iter().map(stage).collect::<Vec<_>>(),
        "left": plan.left,
        "ungated": plan.ungated,
        "spec": spec,
        "report": report,
    })
}

fn stage(stage: &Stage) -> Value {
    let field =
        |field: FieldChange| json!({ "field": field.field, "from": field.from, "to": field.to });
    let change = |change: &Change| {
        json!({
            "verb": change.verb(),
            "kind": change.kind.to_string(),
            "name": change.name,
            "fields": change.fields().into_iter().map(field).collect::<Vec<_>>(),
        })
    };
    json!({
        "what": stage.what,
        "changes": stage.changes.iter().map(change).collect::<Vec<_>>(),
        "waits_for": stage.waits_for,
    })
}
