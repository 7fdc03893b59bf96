//! `service` and `provider`: where traffic comes from, kept in Flagger's own words.

use serde_json::{Map, Value, json};

use super::About;
use crate::{ImportError, document::Fields, draft::Draft, file::File, report::Fate};

/// Carries them to `traffic.kubernetes`. Says whether Kubernetes' own Services are all there is, which
/// divide nothing.
pub(super) fn map(
    file: &File,
    spec: &mut Fields<'_>,
    about: &mut About,
    draft: &mut Draft,
) -> Result<bool, ImportError> {
    const TO: &str = "traffic.kubernetes.router";
    let provider = spec.text("provider")?;
    let Some(service) = spec.raw("service") else {
        return Err(spec.missing("service", "write it, with its `port`"));
    };
    if let Some(name) = service.get("name").and_then(Value::as_str) {
        name.clone_into(&mut about.service);
    }
    if let Some(service) = file.named(spec.scope.object, "Service", &about.service) {
        let to = "traffic.kubernetes.active_service".to_owned();
        let how = "Flagger made its own in its place; here it is used as it is".to_owned();
        file.tell(service, spec.scope.log, Fate::Changed { to, how });
    }
    if provider.as_deref() == Some("kubernetes") {
        draft.set("traffic.kubernetes.active_service", &about.service);
        draft.set("traffic.kubernetes.service", &service);
        spec.changed(
            "provider",
            "traffic.kubernetes.active_service",
            "the Service is switched as a whole: it divides nothing",
        );
        spec.mapped("service", "traffic.kubernetes.service");
        return Ok(true);
    }
    let mut router = Map::new();
    if let Some(provider) = &provider {
        router.insert("provider".to_owned(), json!(provider));
        spec.mapped("provider", TO);
    } else {
        let how = "not set: the mesh that Flagger was started with, which the file does not say";
        spec.changed("provider", TO, how);
    }
    router.insert("service".to_owned(), service);
    spec.mapped("service", TO);
    for name in ["ingressRef", "routeRef", "upstreamRef", "gatewayRefs"] {
        if let Some(reference) = spec.raw(name) {
            spec.mapped(name, TO);
            router.insert(name.to_owned(), reference);
        }
    }
    draft.set(TO, &router);
    Ok(false)
}
