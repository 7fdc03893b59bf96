//! `canary`: its steps by a router or by replicas; without steps a rolling update.

use serde_json::{Value, json};

use super::{ARGO, analysis, clothes, keep_failed, routing, step::Step, steps};
use crate::{ImportError, document::Fields, draft::Draft, file::File, kubernetes::quarter_pace};

/// Sets `strategy.canary`, or `strategy.rolling` where there are no steps.
pub(super) fn map(
    file: &File,
    mut fields: Fields<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    for (name, to) in [("canaryService", "candidate_service"), ("stableService", "stable_service")]
    {
        routing::service(file, &mut fields, name, to, draft)?;
    }
    let scale = routing::open(file, &mut fields, draft)?;
    let has_router = scale.is_some();
    let background = fields.open("analysis")?;
    let items = fields.items("steps")?;
    let mut walked = steps::read(file, items, &fields, scale, draft.replicas())?;
    if walked.is_empty() {
        if let Some(block) = background {
            return Err(block.wrong(
                "",
                "without steps there is no point where its verdict would stop the rollout",
                "write steps, such as `- setWeight: 25`",
            ));
        }
        without_steps(&fields, has_router, draft);
        if !has_router {
            pace(&mut fields, draft, "strategy.rolling")?;
        }
    } else {
        draft.set("strategy", &json!({ "canary": {} }));
        if !has_router {
            pace(&mut fields, draft, "strategy.canary.pace")?;
        }
        if let Some(block) = background {
            watch(file, block, &mut walked, draft)?;
        }
        let steps: Vec<Value> = walked.into_iter().map(Step::into_value).collect();
        draft.set("strategy.canary.steps", &steps);
        scaling(&mut fields, draft, has_router)?;
    }
    keep_failed(&mut fields, draft, has_router)?;
    clothes(&mut fields, ["canaryMetadata", "stableMetadata"]);
    rest(&mut fields)
}

/// No steps: everything moves as the pace allows; with a router, all traffic at once when all are ready.
fn without_steps(fields: &Fields<'_>, has_router: bool, draft: &mut Draft) {
    if has_router {
        draft.set("strategy", &json!({ "canary": { "steps": [{ "weight": "100%" }] } }));
        fields.changed(
            "steps",
            "strategy.canary.steps",
            "there is none: all traffic goes over once every candidate instance is ready",
        );
    } else {
        draft.set("strategy", &json!({ "rolling": {} }));
        fields.changed("steps", "strategy.rolling", "there is none: a rolling update");
    }
}

/// `maxSurge` and `maxUnavailable`, both 25 % by default.
fn pace(fields: &mut Fields<'_>, draft: &mut Draft, to: &str) -> Result<(), ImportError> {
    quarter_pace(fields, ARGO, draft, to)?;
    fields.changed(
        "maxSurge",
        &format!("{to}.counting"),
        "loose, as pods on their way out do not count",
    );
    Ok(())
}

/// The analysis in the background: a gate of every step that it accompanies, so that none is left without its
/// word; and where it accompanies all of them, its metrics are watched throughout as well.
fn watch(
    file: &File,
    mut block: Fields<'_>,
    walked: &mut [Step],
    draft: &mut Draft,
) -> Result<(), ImportError> {
    const TO: &str = "strategy.canary.steps[].gates";
    let from = block.number("startingStep")?;
    if from.is_some() {
        block.mapped("startingStep", TO);
    }
    let from = usize::try_from(from.unwrap_or(0)).unwrap_or(usize::MAX);
    let gates = analysis::gates(file, &mut block, TO)?;
    let metrics: Vec<&Value> = gates.iter().filter_map(|gate| gate.get("metric")).collect();
    if from == 0 && !metrics.is_empty() {
        draft.set("watch", &metrics);
        let how = "its metrics are read from the first traffic on, and any time one of them fails it goes back";
        block.changed("", "watch", how);
    }
    let how = "a gate of every step it accompanies, asked before the next";
    block.changed("", TO, how);
    for step in walked.iter_mut().filter(|step| from <= step.last) {
        for gate in &gates {
            step.add(gate.clone());
        }
    }
    Ok(())
}

/// How many instances beside the steps.
fn scaling(
    fields: &mut Fields<'_>,
    draft: &mut Draft,
    has_router: bool,
) -> Result<(), ImportError> {
    let (least, name) = ("strategy.canary.min_replicas", "minPodsPerReplicaSet");
    if let Some(count) = fields.number(name)? {
        let capped = count.min(draft.replicas());
        if has_router && 0 < capped {
            draft.set(least, &capped);
            fields.mapped(name, least);
        } else {
            fields.dropped(name, "Argo makes no use of it without a router");
        }
    }
    let (shrinks, name) = ("strategy.canary.scale_stable", "dynamicStableScale");
    if let Some(flag) = fields.flag(name)? {
        if has_router {
            draft.set(shrinks, &flag);
            fields.mapped(name, shrinks);
        } else {
            fields.dropped(name, "Argo makes no use of it without a router");
        }
    }
    Ok(())
}

/// Fields that only Argo's own ways of doing it need.
fn rest(fields: &mut Fields<'_>) -> Result<(), ImportError> {
    fields.leave_out(
        "scaleDownDelaySeconds",
        "it waits for proxies to learn; the engine takes the last traffic off, waits for that, and drains",
    );
    fields.leave_out(
        "replicaProgressThreshold",
        "it goes on with fewer pods than asked; the engine waits for all that carry the weight",
    );
    for name in ["minPodsPerReplicaSet", "dynamicStableScale"] {
        fields.leave_out(name, "it means nothing without steps");
    }
    for name in ["maxSurge", "maxUnavailable"] {
        fields.leave_out(name, "Argo makes no use of it where a router divides traffic");
    }
    fields.refuse(
        "pingPong",
        "the two Services swap their parts with every rollout, and a spec names each part",
        "use `canaryService` and `stableService`",
    )
}
