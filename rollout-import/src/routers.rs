//! Routers in the words of a spec: what Argo and Flagger name, as `traffic.kubernetes.router` has it.
//!
//! In: the router of another tool. Out: ours, and the fields of theirs that it has no place for. One that no
//! adapter here drives is kept in its own words, and said to be.

use serde_json::{Map, Value, json};

/// Why a router was kept in its own words.
pub(crate) const KEPT: &str = "kept in its own words, which no adapter reads: before it can run, name `gateway`, `istio`, `nginx` or `traefik` (docs/ROUTERS.md)";
/// The plugin of Argo for the Gateway API.
const PLUGIN: &str = "argoproj-labs/gatewayAPI";

/// A router in the words of a spec.
#[derive(Debug)]
pub(crate) struct Translated {
    /// The router.
    pub(crate) router: Value,
    /// Fields that it has no place for, below the one that was read.
    pub(crate) unread: Vec<String>,
}

/// The router of Argo's `trafficRouting`, where `all` is the weight that is all of the traffic; `None` if no
/// adapter here drives it.
pub(crate) fn of_argo(routing: &Value, all: u64) -> Option<Translated> {
    let about = ["managedRoutes", "maxTrafficWeight"];
    let mut kinds = routing.as_object()?.iter().filter(|(name, _)| !about.contains(&name.as_str()));
    // Several routers at once are nobody's here.
    let (Some((kind, fields)), None) = (kinds.next(), kinds.next()) else { return None };
    let fields = fields.as_object()?;
    let (router, read) = match kind.as_str() {
        "istio" => (istio(fields)?, vec!["virtualService", "destinationRule"]),
        "nginx" => (nginx(fields, all)?, vec!["stableIngress", "annotationPrefix"]),
        "traefik" => {
            let service = fields.get("weightedTraefikServiceName")?.as_str()?;
            let router = json!({ "traefik": { "service": service } });
            (router, vec!["weightedTraefikServiceName"])
        }
        "plugins" => {
            let route = fields.get(PLUGIN)?.get("httpRoute")?.as_str()?;
            (json!({ "gateway": { "http_route": route } }), vec![PLUGIN])
        }
        _ => return None,
    };
    let left = fields.keys().filter(|name| !read.contains(&name.as_str()));
    let mut unread: Vec<String> = left.map(|name| format!("{kind}.{name}")).collect();
    unread.extend(routing.get("managedRoutes").map(|_| "managedRoutes".to_owned()));
    Some(Translated { router, unread })
}

fn istio(fields: &Map<String, Value>) -> Option<Value> {
    let service = fields.get("virtualService")?;
    let mut virtual_service = json!({ "name": service.get("name")?.as_str()? });
    if let Some(routes) = service.get("routes") {
        virtual_service["routes"] = routes.clone();
    }
    let mut istio = json!({ "virtual_service": virtual_service });
    if let Some(rule) = fields.get("destinationRule") {
        let text = |name: &str| rule.get(name).and_then(Value::as_str);
        istio["destination_rule"] = json!({
            "name": text("name")?,
            "stable_subset": text("stableSubsetName")?,
            "candidate_subset": text("canarySubsetName")?,
        });
    }
    Some(json!({ "istio": istio }))
}

fn nginx(fields: &Map<String, Value>, all: u64) -> Option<Value> {
    let mut nginx = json!({ "ingress": fields.get("stableIngress")?.as_str()? });
    if let Some(prefix) = fields.get("annotationPrefix") {
        nginx["annotation_prefix"] = prefix.clone();
    }
    if all != 100 {
        nginx["weight_total"] = json!(all);
    }
    Some(json!({ "nginx": nginx }))
}

/// The router that Flagger makes for `provider` and the Service `service`, with the stable and the candidate
/// Service that it made beside; `None` if no adapter here drives it.
pub(crate) fn of_flagger(
    provider: &str,
    service: &str,
    ingress: &str,
) -> Option<(Value, String, String)> {
    let primary = format!("{service}-primary");
    let (router, stable) = match provider {
        "istio" => (json!({ "istio": { "virtual_service": { "name": service } } }), primary),
        "traefik" => (json!({ "traefik": { "service": service } }), primary),
        // There the Ingress leads to the Service that clients use.
        "nginx" if !ingress.is_empty() => {
            (json!({ "nginx": { "ingress": ingress } }), service.to_owned())
        }
        gateway if gateway.starts_with("gatewayapi:") => {
            (json!({ "gateway": { "http_route": service } }), primary)
        }
        _ => return None,
    };
    Some((router, stable, format!("{service}-canary")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_of_argo_are_said_in_our_words() {
        for (theirs, ours) in [
            (
                json!({ "istio": { "virtualService": { "name": "web", "routes": ["main"] },
                    "destinationRule": { "name": "web", "stableSubsetName": "s", "canarySubsetName": "c" } } }),
                json!({ "istio": { "virtual_service": { "name": "web", "routes": ["main"] },
                    "destination_rule": { "name": "web", "stable_subset": "s", "candidate_subset": "c" } } }),
            ),
            (
                json!({ "nginx": { "stableIngress": "web" }, "maxTrafficWeight": 1000 }),
                json!({ "nginx": { "ingress": "web", "weight_total": 1000 } }),
            ),
            (
                json!({ "traefik": { "weightedTraefikServiceName": "web" } }),
                json!({ "traefik": { "service": "web" } }),
            ),
            (
                json!({ "plugins": { PLUGIN: { "httpRoute": "web", "namespace": "shop" } } }),
                json!({ "gateway": { "http_route": "web" } }),
            ),
        ] {
            let all = theirs.get("maxTrafficWeight").and_then(Value::as_u64).unwrap_or(100);
            assert_eq!(of_argo(&theirs, all).unwrap().router, ours);
        }
        for theirs in [
            json!({ "alb": {} }),
            json!({ "istio": {} }),
            json!({ "nginx": { "stableIngress": "a" }, "smi": {} }),
        ] {
            assert!(of_argo(&theirs, 100).is_none(), "{theirs}");
        }
    }

    #[test]
    fn what_has_no_place_is_named() {
        let theirs = json!({ "nginx": { "stableIngress": "web", "canaryIngressAnnotations": {} }, "managedRoutes": [] });
        let unread = of_argo(&theirs, 100).unwrap().unread;
        assert_eq!(unread, ["nginx.canaryIngressAnnotations", "managedRoutes"]);
    }
}
