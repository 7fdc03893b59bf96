//! Volumes, host directories and directories in memory.

use serde_json::{Map, Value, json};

use super::{ComposeError, Top, fields::Fields};

pub(super) fn map(
    fields: &mut Fields<'_>,
    top: &Top,
    template: &mut Map<String, Value>,
) -> Result<(), ComposeError> {
    let mut found = Found::default();
    match fields.value("volumes")? {
        None => (),
        Some(Value::Array(items)) => {
            for item in items {
                match item {
                    Value::String(text) => short(fields, top, &text, &mut found)?,
                    Value::Object(entry) => long(fields, top, &entry, &mut found)?,
                    other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                        return Err(no_volume(fields, &other.to_string()));
                    }
                }
            }
            let how = "volumes and host directories must exist before; every instance shares them, the old and the new";
            fields.changed("volumes", "template.mounts", how);
        }
        Some(other) => return Err(no_volume(fields, &other.to_string())),
    }
    for text in fields.texts("tmpfs")? {
        found.tmpfs.push(json!({ "target": text.split(':').next() }));
        fields.mapped("tmpfs", "template.tmpfs");
    }
    if !found.mounts.is_empty() {
        template.insert("mounts".to_owned(), Value::Array(found.mounts));
    }
    if !found.tmpfs.is_empty() {
        template.insert("tmpfs".to_owned(), Value::Array(found.tmpfs));
    }
    Ok(())
}

#[derive(Default)]
struct Found {
    mounts: Vec<Value>,
    tmpfs: Vec<Value>,
}

fn no_volume(fields: &Fields<'_>, text: &str) -> ComposeError {
    fields.wrong(
        "volumes",
        format!("`{text}` is no volume"),
        "write `source:target`, with an absolute target",
    )
}

/// `source:target`, `source:target:ro`.
fn short(
    fields: &Fields<'_>,
    top: &Top,
    text: &str,
    found: &mut Found,
) -> Result<(), ComposeError> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, read_only) = match parts.as_slice() {
        [source, target] => (*source, *target, false),
        [source, target, mode] => match *mode {
            "ro" => (*source, *target, true),
            "rw" => (*source, *target, false),
            _ => return Err(no_volume(fields, text)),
        },
        _ => {
            return Err(fields.wrong(
                "volumes",
                format!(
                    "`{text}` names no source: it would be a new empty volume for each instance"
                ),
                "name a volume, or use `tmpfs`",
            ));
        }
    };
    let mount = mount(fields, top, source, target, read_only)?;
    found.mounts.push(mount);
    Ok(())
}

/// The long form, a map.
fn long(
    fields: &Fields<'_>,
    top: &Top,
    entry: &Map<String, Value>,
    found: &mut Found,
) -> Result<(), ComposeError> {
    let known = ["type", "source", "target", "read_only", "tmpfs"];
    if let Some(other) = entry.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(fields.wrong(
            &format!("volumes.{other}"),
            "this setting of a volume cannot be carried over",
            "take it out",
        ));
    }
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let read_only = entry.get("read_only") == Some(&Value::Bool(true));
    match text("type") {
        "volume" | "bind" => {
            let mount = mount(fields, top, text("source"), text("target"), read_only)?;
            found.mounts.push(mount);
            Ok(())
        }
        "tmpfs" => {
            let mut tmpfs = json!({ "target": text("target") });
            if let Some(size) = entry.get("tmpfs").and_then(|tmpfs| tmpfs.get("size")) {
                tmpfs["size"] = size.clone();
            }
            found.tmpfs.push(tmpfs);
            Ok(())
        }
        other => Err(fields.wrong(
            "volumes.type",
            format!("`{other}` is not known"),
            "use `volume`, `bind` or `tmpfs`",
        )),
    }
}

fn mount(
    fields: &Fields<'_>,
    top: &Top,
    source: &str,
    target: &str,
    read_only: bool,
) -> Result<Value, ComposeError> {
    let mut mount = json!({ "target": target });
    if source.starts_with('/') {
        mount["bind"] = json!(source);
    } else if source.starts_with(['.', '~']) {
        return Err(fields.wrong(
            "volumes",
            format!("`{source}` is relative to a place the engine does not know"),
            "write the whole path, or flatten the file with `docker compose config`",
        ));
    } else {
        mount["volume"] = json!(top.real_name("volumes", source, fields.environment)?);
    }
    if read_only {
        mount["read_only"] = json!(true);
    }
    Ok(mount)
}
