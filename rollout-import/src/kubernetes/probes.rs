//! Probes of the first container that serves: those that can be asked from outside become the engine's.
//!
//! The template keeps all of them, so the kubelet asks as before.

use std::collections::BTreeMap;

use rollout_core::time::Span;
use serde_json::{Map, Value, json};

use crate::{
    ImportError,
    document::{Fields, Log, Scope},
    draft::Draft,
};

/// Probes that the engine asks as well, and where they stand in a spec.
const PROBES: [(&str, &str); 2] =
    [("startupProbe", "health.startup"), ("readinessProbe", "health.readiness")];

/// Reads the probes of the first of `containers` that serves.
pub(super) fn map(
    scope: Scope<'_>,
    path: &str,
    containers: &[Value],
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let serves = |container: &&Value| {
        let ports = container.get("ports").and_then(Value::as_array);
        ports.is_some_and(|ports| !ports.is_empty())
    };
    let place = containers.iter().position(|container| serves(&container)).unwrap_or(0);
    let Some(container) = containers.get(place) else { return Ok(()) };
    let pod = format!("{path}.spec");
    let path = format!("{pod}.containers[{place}]");
    let kept = Fields::new(scope, &path, Map::new());
    // One line for a probe says all: the template keeps what the engine does not ask.
    let aside = Log::default();
    let mut engine_asks = true;
    for (name, to) in PROBES {
        let Some(probe) = container.get(name).and_then(Value::as_object) else { continue };
        let fields =
            Fields::new(Scope { log: &aside, ..scope }, &format!("{path}.{name}"), probe.clone());
        match asked(fields, container)? {
            // A readiness probe beside a startup probe that only the kubelet can ask would begin too early.
            Ok(probe) if engine_asks => {
                draft.set(to, &probe);
                kept.mapped(name, to);
            }
            Ok(_) => kept.dropped(name, "the kubelet asks, as it does for the startup probe"),
            Err(why) => {
                engine_asks = false;
                kept.dropped(name, format!("the kubelet asks, and its word is taken: {why}"));
            }
        }
    }
    if container.get("livenessProbe").is_some() {
        kept.dropped(
            "livenessProbe",
            "it stays in the template: the kubelet restarts the container by itself",
        );
    }
    let others = containers.iter().enumerate().filter(|(index, _)| *index != place);
    for (index, other) in others {
        for (name, _) in PROBES {
            if other.get(name).is_some() {
                let other = Fields::new(scope, &format!("{pod}.containers[{index}]"), Map::new());
                other.dropped(
                    name,
                    "it stays in the template: the kubelet asks, and its word is taken",
                );
            }
        }
    }
    Ok(())
}

/// A probe as the engine asks it, or why only the kubelet can.
type Asked = Result<Value, &'static str>;

/// Reads one probe.
fn asked(mut probe: Fields<'_>, container: &Value) -> Result<Asked, ImportError> {
    let (http, tcp) = (probe.open("httpGet")?, probe.open("tcpSocket")?);
    let kinds = match (http, tcp) {
        (Some(http), None) => http_kind(http, container)?,
        (None, Some(tcp)) => tcp_kind(tcp, container)?,
        (Some(_), Some(_)) => {
            return Err(probe.wrong("", "it has two kinds", "write one of them"));
        }
        (None, None) => {
            Err("it runs inside the container, and a probe of the engine runs beside the engine")
        }
    };
    let mut asked = match kinds {
        Ok(kind) => kind,
        Err(why) => return Ok(Err(why)),
    };
    for (name, to, default) in [
        ("periodSeconds", "period", Span::from_secs(10)),
        ("timeoutSeconds", "timeout", Span::from_secs(1)),
        ("initialDelaySeconds", "initial_delay", Span::ZERO),
    ] {
        asked[to] = json!(probe.seconds(name)?.unwrap_or(default));
    }
    for (name, to, default) in
        [("failureThreshold", "failure_threshold", 3), ("successThreshold", "success_threshold", 1)]
    {
        asked[to] = json!(probe.number(name)?.unwrap_or(default));
    }
    Ok(Ok(asked))
}

fn http_kind(mut http: Fields<'_>, container: &Value) -> Result<Asked, ImportError> {
    if http.has("host") {
        return Ok(Err("it asks another host than the instance"));
    }
    if http.text("scheme")?.is_some_and(|scheme| scheme != "HTTP") {
        return Ok(Err("it asks over TLS, which the engine's probe does not"));
    }
    let port = port(&mut http, container)?;
    let path = http.text("path")?.unwrap_or_else(|| "/".to_owned());
    let mut headers = BTreeMap::new();
    for mut header in http.items("httpHeaders")? {
        let (name, value) = (header.text("name")?, header.text("value")?);
        let (Some(name), Some(value)) = (name, value) else {
            return Err(header.wrong("", "a header has a name and a value", "write both"));
        };
        if headers.insert(name, value).is_some() {
            return Ok(Err("it sends one header twice"));
        }
    }
    Ok(Ok(json!({ "http": { "path": path, "port": port, "headers": headers } })))
}

fn tcp_kind(mut tcp: Fields<'_>, container: &Value) -> Result<Asked, ImportError> {
    if tcp.has("host") {
        return Ok(Err("it asks another host than the instance"));
    }
    let port = port(&mut tcp, container)?;
    Ok(Ok(json!({ "tcp": { "port": port } })))
}

/// A port by its number, or by the name that the container gives it.
fn port(kind: &mut Fields<'_>, container: &Value) -> Result<u64, ImportError> {
    let Some(port) = kind.raw("port") else {
        return Err(kind.missing("port", "name the port to ask"));
    };
    let number = match port.as_str() {
        Some(text) => text.parse().ok().or_else(|| named(container, text)),
        None => port.as_u64(),
    };
    number.filter(|number| (1..=65_535).contains(number)).ok_or_else(|| {
        kind.wrong(
            "port",
            format!(
                "{port} is no port from 1 to 65535 and no name of one of the container's `ports`"
            ),
            "write the number, or name the port there",
        )
    })
}

fn named(container: &Value, name: &str) -> Option<u64> {
    let ports = container.get("ports")?.as_array()?;
    let port = ports.iter().find(|port| port.get("name").and_then(Value::as_str) == Some(name))?;
    port.get("containerPort")?.as_u64()
}
