//! `deploy`: how many instances, how they are replaced, what they may use.

use rollout_core::time::Span;
use serde_json::{Map, Value, json};

use super::{
    ComposeError,
    fields::Fields,
    health::span,
    service::{limit, stop_grace},
};

/// Swarm's default of `monitor`.
const MONITOR: Span = Span::from_secs(5);

pub(super) fn map(
    fields: &mut Fields<'_>,
    template: &mut Map<String, Value>,
    spec: &mut Value,
) -> Result<(), ComposeError> {
    stop_grace(fields, spec)?;
    if let Some(replicas) = number(fields, "scale")? {
        spec["replicas"] = json!(replicas);
        fields.mapped("scale", "replicas");
    }
    let Some(mut deploy) = fields.open("deploy")? else {
        return Ok(());
    };
    if let Some(replicas) = number(&mut deploy, "replicas")? {
        spec["replicas"] = json!(replicas);
        deploy.mapped("replicas", "replicas");
    }
    match deploy.text("mode")?.as_deref() {
        None => (),
        Some("replicated") => deploy.mapped("mode", "replicas"),
        Some(other) => {
            return Err(deploy.wrong(
                "mode",
                format!("`{other}` is about many hosts"),
                "use `replicated`",
            ));
        }
    }
    for (name, why) in [
        ("labels", "they are Swarm's, of the service and not of its containers"),
        ("placement", "there is one host"),
        ("endpoint_mode", "traffic comes through the router"),
    ] {
        deploy.leave_out(name, why);
    }
    restart(&mut deploy, template)?;
    resources(&mut deploy, template)?;
    update(&mut deploy, spec)?;
    rollback(&mut deploy, spec)?;
    fields.close(deploy)
}

fn update(deploy: &mut Fields<'_>, spec: &mut Value) -> Result<(), ComposeError> {
    let Some(mut update) = deploy.open("update_config")? else {
        return Ok(());
    };
    spec["strategy"] = json!({ "rolling": pace(&mut update, "strategy.rolling")? });
    let action = update.text("failure_action")?;
    match action.as_deref() {
        None | Some("pause") => spec["rollback"]["on_failure"] = json!("pause"),
        Some("rollback") => spec["rollback"]["on_failure"] = json!("rollback"),
        Some("continue") => spec["health"]["max_failure_ratio"] = json!("100%"),
        Some(other) => {
            return Err(update.wrong(
                "failure_action",
                format!("`{other}` is not known"),
                "use `pause`, `rollback` or `continue`",
            ));
        }
    }
    match action.as_deref() {
        None => update.changed(
            "failure_action",
            "rollback.on_failure",
            "not set: `pause`, Compose's default",
        ),
        Some("continue") => {
            update.changed(
                "failure_action",
                "health.max_failure_ratio",
                "100 %: no number of failures ends the rollout",
            );
        }
        Some(_) => update.mapped("failure_action", "rollback.on_failure"),
    }
    monitor(&mut update, spec)?;
    if let Some(ratio) = update.text("max_failure_ratio")? {
        let percent = percent(&ratio).ok_or_else(|| {
            update.wrong(
                "max_failure_ratio",
                format!("`{ratio}` is no ratio with at most four decimals"),
                "write a number from 0 to 1, such as `0.25`",
            )
        })?;
        if action.as_deref() == Some("continue") {
            let why = "`failure_action: continue` makes no use of it";
            update.changed("max_failure_ratio", "nothing", why);
        } else {
            spec["health"]["max_failure_ratio"] = json!(percent);
            update.mapped("max_failure_ratio", "health.max_failure_ratio");
        }
    }
    deploy.close(update)
}

/// `monitor`: as written, else Swarm's default, but never too short for the probe to find a failure.
fn monitor(update: &mut Fields<'_>, spec: &mut Value) -> Result<(), ComposeError> {
    const TO: &str = "health.monitor";
    if let Some(monitor) = span(update, "monitor")? {
        spec["health"]["monitor"] = json!(monitor);
        update.mapped("monitor", TO);
        return Ok(());
    }
    let needed = time_to_find(&spec["health"]["readiness"]).unwrap_or(Span::ZERO);
    let monitor = MONITOR.max(needed);
    spec["health"]["monitor"] = json!(monitor);
    let how = if needed <= MONITOR {
        format!("not set: {MONITOR}, Compose's default")
    } else {
        format!(
            "not set: {needed}, as Compose's default of {MONITOR} is too short for the health check to find a failure"
        )
    };
    update.changed("monitor", TO, how);
    Ok(())
}

/// How long a readiness probe takes to find a failure.
fn time_to_find(probe: &Value) -> Option<Span> {
    let span = |name: &str| probe.get(name)?.as_str()?.parse::<Span>().ok();
    let failures = probe.get("failure_threshold")?.as_u64()?;
    Some(span("period")?.times(failures).plus(span("timeout")?))
}

fn rollback(deploy: &mut Fields<'_>, spec: &mut Value) -> Result<(), ComposeError> {
    let Some(mut rollback) = deploy.open("rollback_config")? else {
        return Ok(());
    };
    spec["rollback"]["pace"] = pace(&mut rollback, "rollback.pace")?;
    for (name, why) in [
        ("failure_action", "a rollback is never rolled back"),
        ("max_failure_ratio", "a rollback goes on whatever fails, and says so"),
        ("monitor", "the stable revision is proven already"),
    ] {
        rollback.leave_out(name, why);
    }
    deploy.close(rollback)
}

/// `parallelism`, `delay` and `order`, with Compose's own defaults: one at a time, stop first.
fn pace(fields: &mut Fields<'_>, to: &str) -> Result<Value, ComposeError> {
    let written = fields.text("order")?;
    let order = match written.as_deref() {
        None | Some("stop-first") => "stop_first",
        Some("start-first") => "start_first",
        Some(other) => {
            return Err(fields.wrong(
                "order",
                format!("`{other}` is not known"),
                "use `start-first` or `stop-first`",
            ));
        }
    };
    match written {
        Some(_) => fields.mapped("order", &format!("{to}.order")),
        None => fields.changed(
            "order",
            &format!("{to}.order"),
            "not set: `stop-first`, Compose's default, which loses capacity while it runs",
        ),
    }
    let parallelism = number(fields, "parallelism")?;
    let mut pace = match (parallelism, order) {
        // Zero is Compose's word for all at once.
        (Some(0), "start_first") => json!({ "surge": "100%", "unavailable": 0 }),
        (Some(0), _) => json!({ "surge": 0, "unavailable": "100%" }),
        (Some(count), order) => json!({ "order": order, "parallelism": count }),
        (None, order) => json!({ "order": order, "parallelism": 1 }),
    };
    match parallelism {
        Some(0) => fields.changed("parallelism", &format!("{to}.surge"), "0 is all at once"),
        Some(_) => fields.mapped("parallelism", &format!("{to}.parallelism")),
        None => fields.changed(
            "parallelism",
            &format!("{to}.parallelism"),
            "not set: 1, Compose's default",
        ),
    }
    if let Some(delay) = span(fields, "delay")? {
        pace["batch_delay"] = json!(delay);
        fields.mapped("delay", &format!("{to}.batch_delay"));
    }
    Ok(pace)
}

fn restart(deploy: &mut Fields<'_>, template: &mut Map<String, Value>) -> Result<(), ComposeError> {
    let Some(mut policy) = deploy.open("restart_policy")? else {
        return Ok(());
    };
    let restart = match policy.text("condition")?.as_deref() {
        None | Some("any") => "always",
        Some("on-failure") => "on-failure",
        Some("none") => "no",
        Some(other) => {
            return Err(policy.wrong(
                "condition",
                format!("`{other}` is not known"),
                "use `none`, `on-failure` or `any`",
            ));
        }
    };
    template.insert("restart".to_owned(), json!(restart));
    policy.mapped("condition", "template.restart");
    for name in ["delay", "max_attempts", "window"] {
        policy
            .leave_out(name, "Docker waits longer after each restart, and the engine counts them");
    }
    deploy.close(policy)
}

fn resources(
    deploy: &mut Fields<'_>,
    template: &mut Map<String, Value>,
) -> Result<(), ComposeError> {
    let Some(mut resources) = deploy.open("resources")? else {
        return Ok(());
    };
    if let Some(mut limits) = resources.open("limits")? {
        for name in ["cpus", "memory", "pids"] {
            if let Some(text) = limits.text(name)? {
                limit(template, name, &text);
                limits.mapped(name, &format!("template.limits.{name}"));
            }
        }
        resources.close(limits)?;
    }
    if let Some(mut reservations) = resources.open("reservations")? {
        if let Some(text) = reservations.text("memory")? {
            limit(template, "memory_reservation", &text);
            reservations.mapped("memory", "template.limits.memory_reservation");
        }
        reservations.leave_out("cpus", "Docker reserves no processors on one host");
        reservations.refuse("devices", "devices are not supported", "take them out")?;
        resources.close(reservations)?;
    }
    deploy.close(resources)
}

/// Takes a whole number.
fn number(fields: &mut Fields<'_>, name: &str) -> Result<Option<u64>, ComposeError> {
    match fields.text(name)? {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            fields.wrong(name, format!("`{text}` is no whole number"), "write one, such as `2`")
        }),
    }
}

/// A ratio from 0 to 1 as a percentage of the spec; `None` if it is none.
fn percent(ratio: &str) -> Option<String> {
    let (whole, part) = ratio.split_once('.').unwrap_or((ratio, "0"));
    let digits = part.trim_end_matches('0');
    if 4 < digits.len() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u64 = format!("{digits:0<4}").parse().ok()?;
    let points = whole.parse::<u64>().ok()?.checked_mul(10_000)?.checked_add(part)?;
    (points <= 10_000).then(|| format!("{}.{:02}%", points / 100, points % 100))
}
