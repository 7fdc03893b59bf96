//! Where traffic comes from: Services, and the router in its own words.

use serde_json::{Value, json};

use crate::{ImportError, document::Fields, draft::Draft, file::File, report::Fate, routers};

/// Objects that routers are made of.
const ROUTERS: [&str; 9] = [
    "VirtualService",
    "DestinationRule",
    "Ingress",
    "HTTPRoute",
    "GRPCRoute",
    "TrafficSplit",
    "TraefikService",
    "ApisixRoute",
    "Mapping",
];

/// Carries the name of a Service to `traffic.kubernetes`.
pub(super) fn service(
    file: &File,
    fields: &mut Fields<'_>,
    name: &str,
    to: &str,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let to = format!("traffic.kubernetes.{to}");
    let Some(service) = fields.text(name)? else { return Ok(()) };
    draft.set(&to, &service);
    fields.mapped(name, &to);
    if let Some(service) = file.named(fields.scope.object, "Service", &service) {
        let how = "its ports and the rest stay its own".to_owned();
        file.tell(service, fields.scope.log, Fate::Changed { to, how });
    }
    Ok(())
}

/// Carries `trafficRouting` to `traffic.kubernetes.router`; the weight that is all of the traffic comes
/// back, `None` if there is no router.
pub(super) fn open(
    file: &File,
    fields: &mut Fields<'_>,
    draft: &mut Draft,
) -> Result<Option<u64>, ImportError> {
    const NAME: &str = "trafficRouting";
    const TO: &str = "traffic.kubernetes.router";
    let Some(router) = fields.raw(NAME) else { return Ok(None) };
    let all = match router.get("maxTrafficWeight") {
        None | Some(Value::Null) => 100,
        Some(all) => all.as_u64().filter(|all| 0 < *all).ok_or_else(|| {
            fields.wrong(
                &format!("{NAME}.maxTrafficWeight"),
                format!("`{all}` is no weight"),
                "write a whole number, 1 or more",
            )
        })?,
    };
    let kinds = ["managedRoutes", "maxTrafficWeight"];
    if !router.as_object().is_some_and(|map| map.keys().any(|key| !kinds.contains(&key.as_str()))) {
        return Err(fields.wrong(NAME, "it names no router", "name one, such as `istio`"));
    }
    let translated = routers::of_argo(&router, all);
    match &translated {
        None => fields.changed(NAME, TO, routers::KEPT),
        Some(translated) => {
            fields.mapped(NAME, TO);
            for name in &translated.unread {
                let why = match name.as_str() {
                    "managedRoutes" => {
                        "the engine adds routes of its own for what matches, and removes them"
                    }
                    _ => "the router here has no field for it",
                };
                fields.dropped(&format!("{NAME}.{name}"), why);
            }
        }
    }
    for kind in ROUTERS {
        let named = |object: &crate::document::Object| mentions(&router, &object.name);
        for object in file.find(fields.scope.object, kind, named) {
            let how = "the router changes its weights; the rest stays its own".to_owned();
            file.tell(object, fields.scope.log, Fate::Changed { to: TO.to_owned(), how });
        }
    }
    draft.set(TO, &translated.map_or(router, |translated| translated.router));
    Ok(Some(all))
}

/// Whether `name` is a value somewhere in `value`.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| mentions(item, name)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The requests of a header route, as a step of the spec has them.
pub(super) fn matches(route: &mut Fields<'_>) -> Result<Vec<Value>, ImportError> {
    let mut found = Vec::new();
    for mut item in route.items("match")? {
        let header = item.text("headerName")?;
        let header = header.ok_or_else(|| item.missing("headerName", "name the header"))?;
        item.mapped("headerName", "strategy.canary.steps[].match");
        let mut one = json!({ "header": header });
        if let Some(mut value) = item.open("headerValue")? {
            for name in ["exact", "prefix", "regex"] {
                if let Some(text) = value.text(name)? {
                    value.mapped(name, "strategy.canary.steps[].match");
                    one[name] = json!(text);
                }
            }
        }
        found.push(one);
    }
    Ok(found)
}
