//! A Service that is switched as a whole.

use rollout_core::{
    engine::{Outcome, RefusalKind, Route},
    id::Epoch,
    port::Router,
};
use rollout_live::bed::Image;
use serde_json::json;

use crate::place::{Place, id, in_force, refusal, split, workload};

/// The pods that a Service's slices list.
fn endpoints(place: &Place, service: &str) -> String {
    place.kubectl(&format!(
        "get endpointslices -l kubernetes.io/service-name={service} -o jsonpath={{.items[*].endpoints[*].targetRef.name}}"
    ))
}

#[tokio::test]
async fn the_active_service_is_switched_by_one_patch() {
    let place = Place::new("router-switch").await;
    place.service("web");
    place.service("web-preview");
    place.revision("v1", Image::V1, 2);
    place.revision("v2", Image::V2, 2);
    let router =
        place.router(&json!({ "active_service": "web", "preview_service": "web-preview" }));
    assert_eq!((router.units(), in_force(&router).await), (1, None));
    place.set(&router, &Route::all_on(id("v1"))).await;
    assert!(!endpoints(&place, "web").contains("web-v2"));
    // The preview follows the new one; nothing of the active Service moves.
    let outcome = router.introduce(&workload(), &id("v2"), Epoch(1)).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
    assert_eq!(in_force(&router).await, Some(Route::all_on(id("v1"))));
    let before = place.get("service web");
    let preview = place.get("service web-preview");
    assert_eq!(preview["spec"]["selector"]["rollout-engine.dev/revision"], "v2");
    place.set(&router, &Route::all_on(id("v2"))).await;
    assert!(!endpoints(&place, "web").contains("web-v1"));
    assert!(endpoints(&place, "web").contains("web-v2"));
    // Nothing of the Service has changed but what is ours.
    let after = place.get("service web");
    for field in ["ports", "clusterIP", "type"] {
        assert_eq!(after["spec"][field], before["spec"][field]);
    }
    assert_eq!(after["spec"]["selector"]["app"], "web");
    assert_eq!(after["metadata"]["labels"]["team"], "shop");
    // Back, to everybody, to nobody.
    for route in [Route::all_on(id("v1")), Route::ByReplicas, Route::Empty] {
        place.set(&router, &route).await;
    }
    assert_eq!(endpoints(&place, "web"), "");
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_is_touched() {
    let place = Place::new("router-refused").await;
    let router = place.router(&json!({ "active_service": "web" }));
    let error = router.observe(&workload()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Service `web` in the namespace `router-refused` cannot be observed: it does not exist; create it, or correct `traffic.kubernetes.active_service`"
    );
    let (kind, _) = refusal(place.order(&router, &Route::all_on(id("v1")), 1).await);
    assert_eq!(kind, RefusalKind::Missing);
    place.service("web");
    place.kubectl("patch service web -p {\"spec\":{\"selector\":{\"tier\":\"front\"}}}");
    place.revision("v1", Image::V1, 1);
    let before = place.get("service web");
    let (kind, why) = refusal(place.order(&router, &Route::all_on(id("v1")), 1).await);
    assert_eq!(kind, RefusalKind::Missing);
    assert!(why.contains("takes no pod of v1: they have no label tier=front"), "{why}");
    let (kind, why) = refusal(place.order(&router, &split(50), 1).await);
    assert_eq!(kind, RefusalKind::Invalid, "{why}");
    assert_eq!(place.get("service web"), before);
}

#[tokio::test]
async fn an_engine_that_was_superseded_is_refused() {
    let place = Place::new("router-fenced").await;
    place.service("web");
    let router = place.router(&json!({ "active_service": "web" }));
    let outcome = router.claim(Epoch(7)).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
    let before = place.get("service web");
    let (kind, why) = refusal(place.order(&router, &Route::all_on(id("v1")), 6).await);
    assert_eq!(kind, RefusalKind::Fenced, "{why}");
    assert_eq!(place.get("service web"), before);
    let outcome = place.order(&router, &Route::all_on(id("v1")), 7).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
}
