//! Networks, by the names that Docker knows them by.

use serde_json::{Map, Value, json};

use super::{
    ComposeError, Top,
    fields::{Fields, scalar},
};

pub(super) fn map(
    fields: &mut Fields<'_>,
    top: &Top,
    template: &mut Map<String, Value>,
) -> Result<(), ComposeError> {
    const NAME: &str = "networks";
    mode(fields)?;
    let entries: Vec<(String, Value)> = match fields.value(NAME)? {
        None if top.project.is_some() => vec![("default".to_owned(), Value::Null)],
        None => {
            fields.changed(
                NAME,
                "template.networks",
                "not set, and the project has no name: Docker's own bridge",
            );
            return Ok(());
        }
        Some(Value::Array(names)) => {
            names.iter().filter_map(|name| Some((scalar(name)?, Value::Null))).collect()
        }
        Some(Value::Object(map)) => map.into_iter().collect(),
        Some(other) => {
            return Err(fields.wrong(
                NAME,
                format!("`{other}` is neither a list nor a map"),
                "write a list of names",
            ));
        }
    };
    let mut attachments = Vec::new();
    for (key, settings) in entries {
        let name = top.real_name(NAME, &key, fields.environment)?;
        attachments.push(attachment(fields, &key, &name, &settings)?);
    }
    fields.changed(
        NAME,
        "template.networks",
        "they must exist before: Compose makes them with `docker compose up --no-start` or `docker network create`",
    );
    template.insert(NAME.to_owned(), Value::Array(attachments));
    Ok(())
}

/// Only Docker's ordinary networks let several instances stand side by side.
fn mode(fields: &mut Fields<'_>) -> Result<(), ComposeError> {
    match fields.text("network_mode")?.as_deref() {
        None => Ok(()),
        Some("bridge") => {
            fields.mapped("network_mode", "template.networks (none named is Docker's bridge)");
            Ok(())
        }
        Some(other) => Err(fields.wrong(
            "network_mode",
            format!("in `{other}` two instances would hold the same ports, so no new one could start before the old one has gone"),
            "use `networks`",
        )),
    }
}

fn attachment(
    fields: &Fields<'_>,
    key: &str,
    name: &str,
    settings: &Value,
) -> Result<Value, ComposeError> {
    let mut attachment = json!({ "name": name });
    let Value::Object(settings) = settings else {
        return Ok(attachment);
    };
    for (setting, value) in settings {
        match (setting.as_str(), value) {
            ("aliases", Value::Array(_)) => attachment["aliases"] = value.clone(),
            // The order of networks decides which address counts; Compose's priority is about MTUs and gateways.
            ("priority" | "gw_priority", _) => (),
            (other, _) => {
                return Err(fields.wrong(
                    &format!("networks.{key}.{other}"),
                    "several instances cannot share it",
                    "take it out",
                ));
            }
        }
    }
    Ok(attachment)
}
