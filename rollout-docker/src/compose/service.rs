//! Fields of a service that say what an instance is made from.

use serde_json::{Map, Value, json};

use super::{ComposeError, fields::Fields, health::span, words};

/// Fields that stay out of the spec, and why that is safe.
const LEFT_OUT: [(&str, &str); 13] = [
    ("build", "images are built before a rollout, under the name in `image`"),
    ("container_name", "several instances cannot share one name; the engine names them"),
    ("depends_on", "a rollout is about one service; the others are expected to run"),
    ("expose", "instances of one network reach each other anyway"),
    ("profiles", "the service was named explicitly"),
    ("pull_policy", "images are pulled before a rollout"),
    ("stdin_open", "nobody types into a service"),
    ("tty", "nobody types into a service"),
    ("attach", "it is about the output of `docker compose up`"),
    ("develop", "it is about development"),
    ("annotations", "they are read by other tools"),
    ("platform", "the image is taken by its id"),
    ("domainname", "the network's own names serve"),
];

/// Fields that would change what runs if they were left out.
const REFUSED: [(&str, &str); 12] = [
    ("privileged", "it is not supported"),
    ("devices", "devices are not supported"),
    ("secrets", "the files would not be there"),
    ("configs", "the files would not be there"),
    ("extends", "the other file is not read"),
    ("gpus", "devices are not supported"),
    ("pid", "it is not supported"),
    ("ipc", "it is not supported"),
    ("userns_mode", "it is not supported"),
    ("volumes_from", "it is not supported"),
    ("links", "they are not supported; networks have names"),
    ("group_add", "it is not supported"),
];

/// Where a port of the host can go.
const PORTS_WAY_OUT: &str = "take `ports` off the service and let HAProxy listen there (`x-rollout: { traffic: { haproxy: … } }`)";

pub(super) fn map(
    fields: &mut Fields<'_>,
    template: &mut Map<String, Value>,
) -> Result<(), ComposeError> {
    for (name, why) in REFUSED {
        fields.refuse(
            name,
            why,
            "take it out, or flatten the file with `docker compose config`",
        )?;
    }
    fields.refuse(
        "ports",
        "a port of the host can be held by one instance only, so no new instance could start before the old one has gone",
        PORTS_WAY_OUT,
    )?;
    for name in ["ports", "privileged"] {
        fields.leave_out(name, "it says nothing");
    }
    let Some(image) = fields.text("image")? else {
        return Err(fields.wrong("image", "it is missing", "name the image that `build` makes"));
    };
    put(fields, template, "image", "image", json!(image));
    for (name, why) in LEFT_OUT {
        fields.leave_out(name, why);
    }
    for name in ["command", "entrypoint"] {
        if let Some(words) = command(fields, name)? {
            put(fields, template, name, name, json!(words));
        }
    }
    for name in ["user", "working_dir", "hostname", "stop_signal", "shm_size"] {
        if let Some(text) = fields.text(name)? {
            put(fields, template, name, name, json!(text));
        }
    }
    for name in ["read_only", "init"] {
        if let Some(flag) = fields.flag(name)? {
            put(fields, template, name, name, json!(flag));
        }
    }
    for name in ["cap_add", "cap_drop", "security_opt", "dns"] {
        let texts = fields.texts(name)?;
        if !texts.is_empty() {
            put(fields, template, name, name, json!(texts));
        }
    }
    for (name, separators) in
        [("labels", &['='][..]), ("sysctls", &['=']), ("extra_hosts", &['=', ':'])]
    {
        let pairs = fields.pairs(name, separators)?;
        if !pairs.is_empty() {
            put(fields, template, name, name, Value::Object(pairs));
        }
    }
    restart(fields, template)?;
    ulimits(fields, template)?;
    logging(fields, template)?;
    limits(fields, template)
}

/// Length of the stop's grace, which is the engine's.
pub(super) fn stop_grace(fields: &mut Fields<'_>, spec: &mut Value) -> Result<(), ComposeError> {
    if let Some(grace) = span(fields, "stop_grace_period")? {
        spec["drain"]["stop_grace"] = json!(grace);
        fields.mapped("stop_grace_period", "drain.stop_grace");
    }
    Ok(())
}

fn put(
    fields: &mut Fields<'_>,
    template: &mut Map<String, Value>,
    name: &str,
    to: &str,
    value: Value,
) {
    template.insert(to.to_owned(), value);
    fields.mapped(name, &format!("template.{to}"));
}

fn command(fields: &mut Fields<'_>, name: &str) -> Result<Option<Vec<String>>, ComposeError> {
    match fields.value(name)? {
        None => Ok(None),
        Some(Value::String(line)) => match words::split(&line) {
            Some(words) => Ok(Some(words)),
            None => Err(fields.wrong(name, "a quote is left open", "close it, or write a list")),
        },
        Some(Value::Array(items)) => {
            Ok(Some(items.iter().filter_map(super::fields::scalar).collect()))
        }
        Some(other) => {
            Err(fields.wrong(name, format!("`{other}` is no command"), "write a text or a list"))
        }
    }
}

fn restart(fields: &mut Fields<'_>, template: &mut Map<String, Value>) -> Result<(), ComposeError> {
    let Some(policy) = fields.text("restart")? else {
        return Ok(());
    };
    let (policy, limit) = policy.split_once(':').unwrap_or((&policy, ""));
    // YAML reads an unquoted `no` as a word of its own.
    let policy = if policy == "false" { "no" } else { policy };
    template.insert("restart".to_owned(), json!(policy));
    if limit.is_empty() {
        fields.mapped("restart", "template.restart");
    } else {
        fields.changed(
            "restart",
            "template.restart",
            "without a limit, the engine counts restarts itself",
        );
    }
    Ok(())
}

fn ulimits(fields: &mut Fields<'_>, template: &mut Map<String, Value>) -> Result<(), ComposeError> {
    match fields.value("ulimits")? {
        None => Ok(()),
        Some(Value::Object(limits)) => {
            let limits: Map<String, Value> = limits
                .into_iter()
                .map(|(name, limit)| {
                    if limit.is_number() {
                        (name, json!({ "soft": limit, "hard": limit }))
                    } else {
                        (name, limit)
                    }
                })
                .collect();
            put(fields, template, "ulimits", "ulimits", Value::Object(limits));
            Ok(())
        }
        Some(other) => {
            Err(fields.wrong("ulimits", format!("`{other}` is no map"), "write `nofile: 1024`"))
        }
    }
}

fn logging(fields: &mut Fields<'_>, template: &mut Map<String, Value>) -> Result<(), ComposeError> {
    let Some(mut logging) = fields.open("logging")? else {
        return Ok(());
    };
    let driver = logging.text("driver")?.unwrap_or_else(|| "json-file".to_owned());
    let options = logging.pairs("options", &['='])?;
    let value = json!({ "driver": driver, "options": options });
    put(fields, template, "logging", "logging", value);
    fields.close(logging)
}

/// Limits in the words of Compose without `deploy`.
fn limits(fields: &mut Fields<'_>, template: &mut Map<String, Value>) -> Result<(), ComposeError> {
    for (name, to) in [
        ("cpus", "cpus"),
        ("mem_limit", "memory"),
        ("mem_reservation", "memory_reservation"),
        ("pids_limit", "pids"),
    ] {
        if let Some(text) = fields.text(name)? {
            limit(template, to, &text);
            fields.mapped(name, &format!("template.limits.{to}"));
        }
    }
    Ok(())
}

/// Puts one limit into the template.
pub(super) fn limit(template: &mut Map<String, Value>, name: &str, text: &str) {
    let value = match (name, text.parse::<u32>()) {
        ("pids", Ok(number)) => json!(number),
        (_, Ok(_) | Err(_)) => json!(text),
    };
    let limits = template.entry("limits").or_insert_with(|| json!({}));
    limits[name] = value;
}
