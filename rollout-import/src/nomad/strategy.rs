//! What an update block means: stop-first batches, canaries before them, or a whole second set.

use serde_json::{Value, json};

use super::update::Update;
use crate::{document::Fields, draft::Draft};

/// Sets strategy, health, deadlines and rollback.
pub(super) fn set(update: &Update, group: &Fields<'_>, system: bool, draft: &mut Draft) {
    draft.set("health.min_ready", &update.min_healthy);
    let progress = if update.progress_deadline.is_zero() {
        group.changed(
            "Update.ProgressDeadline",
            "deadlines.progress",
            "0 fails at the first unhealthy instance; here the healthy deadline is the limit, and the first failure counts anyway",
        );
        update.healthy_deadline
    } else {
        group.changed(
            "Update.HealthyDeadline",
            "deadlines.progress",
            "the engine has one deadline for progress, not one for each instance: it is the progress deadline",
        );
        update.progress_deadline
    };
    draft.set("deadlines.progress", &progress);
    let on_failure = if update.auto_revert { "rollback" } else { "pause" };
    draft.set("rollback.on_failure", &on_failure);
    let desired = draft.replicas();
    let canary = if system {
        // Nomad rounds the percentage of a system job up.
        desired.saturating_mul(update.canary).div_ceil(100)
    } else {
        update.canary
    };
    let strategy = match canary {
        0 => json!({ "rolling": pace(update, desired, group) }),
        all if desired <= all => second_set(update, group, draft),
        some => canaries(update, some, desired, group),
    };
    draft.set("strategy", &strategy);
}

/// Nomad stops the old instance before it starts the new one.
fn pace(update: &Update, desired: u64, group: &Fields<'_>) -> Value {
    if update.max_parallel == 0 {
        group.changed(
            "Update.MaxParallel",
            "strategy",
            "0 replaces everything at once, so nothing serves meanwhile",
        );
        return json!({ "surge": 0, "unavailable": "100%" });
    }
    let parallelism = update.max_parallel.min(desired.max(1));
    group.changed(
        "Update.MaxParallel",
        "strategy",
        "stop_first: Nomad stops the old instance before it starts the new one",
    );
    json!({ "order": "stop_first", "parallelism": parallelism })
}

/// As many canaries as instances: blue-green.
fn second_set(update: &Update, group: &Fields<'_>, draft: &mut Draft) -> Value {
    group.changed(
        "Update.Canary",
        "strategy.blue_green",
        "as many canaries as instances; here they get no traffic before the switch, while Nomad sends them traffic at once unless `CanaryTags` say otherwise",
    );
    group.changed(
        "Update.MaxParallel",
        "strategy.blue_green",
        "nothing is replaced in batches: the old instances go together after the switch",
    );
    if draft.get("traffic").is_null() {
        draft.set("traffic.nomad", &json!({}));
    }
    let promotion = if update.auto_promote { "automatic" } else { "manual" };
    // Nomad stops the old instances as soon as the canaries are promoted.
    json!({ "blue_green": { "promotion": promotion, "standby": "0s" } })
}

/// Some canaries beside all old instances, then the rest in batches.
fn canaries(update: &Update, canary: u64, desired: u64, group: &Fields<'_>) -> Value {
    group.changed(
        "Update.Canary",
        "strategy.stages[0].candidate",
        "canaries beside all old instances, each with the same part of the traffic",
    );
    let gates = if update.auto_promote { json!([]) } else { json!([{ "approval": {} }]) };
    json!({ "stages": [
        {
            "name": "canaries",
            "candidate": canary,
            "stable": "100%",
            "route": "replicas",
            "pace": { "surge": canary, "unavailable": 0 },
            "gates": gates,
        },
        {
            "name": "rest",
            "candidate": "100%",
            "stable": 0,
            "route": "replicas",
            "pace": pace(update, desired, group),
            "proves": true,
        },
    ] })
}
