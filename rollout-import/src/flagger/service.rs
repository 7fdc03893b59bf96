//! `service` and `provider`: where traffic comes from, kept in Flagger's own words.

use serde_json::{Map, Value, json};

use super::About;
use crate::{ImportError, document::Fields, draft::Draft, file::File, report::Fate, routers};

/// Where a router stands in a spec.
const TO: &str = "traffic.kubernetes.router";
/// References to the objects of a router.
const REFERENCES: [&str; 4] = ["ingressRef", "routeRef", "upstreamRef", "gatewayRefs"];

/// Carries them to `traffic.kubernetes`. Says whether Kubernetes' own Services are all there is, which
/// divide nothing.
pub(super) fn map(
    file: &File,
    spec: &mut Fields<'_>,
    about: &mut About,
    draft: &mut Draft,
) -> Result<bool, ImportError> {
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
        spec.changed(
            "provider",
            "traffic.kubernetes.active_service",
            "the Service is switched as a whole: it divides nothing",
        );
        let how = "the Service that clients use, as it is: its ports and the rest stay its own";
        spec.changed("service", "traffic.kubernetes.active_service", how);
        return Ok(true);
    }
    if translate(provider.as_deref(), spec, about, draft) {
        return Ok(false);
    }
    let mut router = Map::new();
    if let Some(provider) = &provider {
        router.insert("provider".to_owned(), json!(provider));
        spec.changed("provider", TO, routers::KEPT);
    } else {
        let how = "not set: the mesh that Flagger was started with, which the file does not say";
        spec.changed("provider", TO, how);
    }
    router.insert("service".to_owned(), service);
    spec.mapped("service", TO);
    for name in REFERENCES {
        if let Some(reference) = spec.raw(name) {
            spec.mapped(name, TO);
            router.insert(name.to_owned(), reference);
        }
    }
    draft.set(TO, &router);
    Ok(false)
}

/// Carries a router that there is an adapter for in the words of a spec; says whether it is one.
fn translate(
    provider: Option<&str>,
    spec: &mut Fields<'_>,
    about: &About,
    draft: &mut Draft,
) -> bool {
    let known = provider.and_then(|it| routers::of_flagger(it, &about.service, &about.ingress));
    let Some((router, stable, candidate)) = known else { return false };
    draft.set(TO, &router);
    draft.set("traffic.kubernetes.stable_service", &stable);
    draft.set("traffic.kubernetes.candidate_service", &candidate);
    spec.mapped("provider", TO);
    let how = "the route and the Services that Flagger made, as they are: take its owner reference off them before its Canary is removed, and let the Services' selectors take the pods";
    spec.changed("service", "traffic.kubernetes", how);
    for name in REFERENCES {
        if spec.raw(name).is_some() {
            spec.mapped(name, TO);
        }
    }
    true
}
