//! Pods that are replaced in place: divisions of a `StatefulSet` and of a `DaemonSet`, on the real controllers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::api::apps::v1::StatefulSet;
use kube::api::{Patch, PatchParams};
use rollout_core::{
    engine::{Inventory, Outcome, Reach, RefusalKind, Revision},
    id::{InstanceId, RevisionId},
    port::Backend as _,
};
use rollout_k8s::backend::Controller;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::bed::{Bed, applied, backend, claim, played, serving};

/// A template of played pods in a `StatefulSet`.
fn stateful(version: &str) -> Value {
    let mut template = played(version);
    template["controller"] = json!({ "kind": "StatefulSet", "serviceName": "web" });
    template
}

/// The same on the nodes that are played and named so.
fn daemons(version: &str) -> Value {
    let mut template = played(version);
    template["controller"] = json!({ "kind": "DaemonSet" });
    template["spec"]["affinity"] = json!({ "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{
            "matchFields": [],
            "matchExpressions": [{
                "key": "kubernetes.io/hostname", "operator": "In", "values": NODES,
            }],
        }] },
    } });
    template
}

/// Nodes of the bed that are played.
const NODES: [&str; 3] = ["kwok-0", "kwok-1", "kwok-2"];

/// Instances by rank, with their revision.
fn ranked(seen: &Inventory) -> BTreeMap<u32, (InstanceId, RevisionId)> {
    let one = |(id, seen): (&InstanceId, &rollout_core::engine::InstanceSeen)| {
        Some((seen.rank?, (id.clone(), seen.revision.clone())))
    };
    seen.instances.iter().filter_map(one).collect()
}

/// Places, active pods and ready ones of a revision.
fn pool(seen: &Inventory, revision: &Revision) -> (u64, u64, u64) {
    let pool = seen.pools.get(&revision.id).cloned().unwrap_or_default();
    (pool.replicas, pool.created, pool.ready)
}

fn refused(outcome: &Outcome, kind: RefusalKind) -> String {
    match outcome {
        Outcome::Refused { why, .. } if why.kind == kind => why.detail.clone(),
        Outcome::Applied { .. } | Outcome::Refused { .. } | Outcome::Unknown { .. } => {
            panic!("{outcome}")
        }
    }
}

/// A set of four pods of `v1`, and `v2`.
async fn four(name: &str) -> Option<(Bed, Arc<Revision>, Arc<Revision>)> {
    let bed = Bed::of(Controller::StatefulSet, name).await?;
    let one = bed.revision("v1", &stateful("v1")).await;
    let other = bed.revision("v2", &stateful("v2")).await;
    applied(bed.scale(&one, 4).await);
    bed.until_available(&one, 4).await;
    Some((bed, one, other))
}

#[tokio::test]
async fn a_stateful_set_is_divided_from_its_highest_ordinal_on() {
    let Some((bed, one, other)) = four("stateful").await else { return };
    let before = bed.inventory().await;
    assert_eq!(before.division.as_ref().unwrap().reach, Reach::First(4));
    assert_eq!(before.revisions, vec![one.clone()]);
    let ranks = ranked(&before);
    assert!(ranks[&0].0.as_str().starts_with("web-3-"), "{ranks:?}");
    // Another template alone touches nobody.
    for _ in 0..2 {
        let mark = applied(bed.divide(&other, Reach::First(0)).await);
        let seen = bed.until("the division", |seen| mark <= seen.mark).await;
        assert_eq!(ranked(&seen), ranks);
        assert_eq!(seen.revisions, vec![other.clone(), one.clone()]);
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ranked(&bed.inventory().await), ranks);
    applied(bed.drain(&ranks[&0].0).await);
    assert_eq!(serving(&bed.enrolments().await).len(), 3);
    applied(bed.divide(&other, Reach::First(1)).await);
    let seen = bed.until("one of v2", |seen| pool(seen, &other) == (1, 1, 1)).await;
    assert_eq!(pool(&seen, &one), (3, 3, 3));
    let now = ranked(&seen);
    assert_ne!(now[&0].0, ranks[&0].0, "who comes back is another instance");
    assert_eq!((&now[&1], &now[&2], &now[&3]), (&ranks[&1], &ranks[&2], &ranks[&3]));
    assert_eq!(serving(&bed.enrolments().await).len(), 4, "it serves from birth");
    // Orders to the one before do not hit it.
    applied(bed.drain(&ranks[&0].0).await);
    applied(bed.remove(&ranks[&0].0).await);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(ranked(&bed.inventory().await), now);
    assert_eq!(serving(&bed.enrolments().await).len(), 4);
    refused(&bed.divide(&other, Reach::First(5)).await, RefusalKind::Invalid);
    refused(&bed.scale(&one, 5).await, RefusalKind::Invalid);
    // A place beyond the reach comes back as what it was.
    applied(bed.remove(&now[&3].0).await);
    let seen = bed.until("it again", |seen| pool(seen, &one) == (3, 3, 3)).await;
    assert_eq!(pool(&seen, &other), (1, 1, 1));
    bed.end().await;
}

#[tokio::test]
async fn a_stuck_pod_is_taken_away_on_the_way_back() {
    let Some((bed, one, _)) = four("stuck").await else { return };
    let mut broken = stateful("v3");
    // No node is like this: the pod stays without one, and OrderedReady waits for it.
    broken["spec"]["nodeSelector"]["type"] = json!("none");
    let broken = bed.revision("v3", &broken).await;
    let rank0 = ranked(&bed.inventory().await)[&0].0.clone();
    applied(bed.drain(&rank0).await);
    applied(bed.divide(&broken, Reach::First(1)).await);
    bed.until("a stuck one", |seen| pool(seen, &broken) == (1, 1, 0)).await;
    applied(bed.divide(&one, Reach::Vacated).await);
    sleep(Duration::from_secs(1)).await;
    let seen = bed.inventory().await;
    assert_eq!(
        (pool(&seen, &one), pool(&seen, &broken)),
        ((3, 3, 3), (1, 1, 0)),
        "it touches nobody"
    );
    let stuck = ranked(&seen)[&0].0.clone();
    applied(bed.remove(&stuck).await);
    bed.until_available(&one, 4).await;
    let mark = applied(bed.divide(&one, Reach::First(4)).await);
    let seen = bed.until("rest", |seen| mark <= seen.mark).await;
    assert_eq!(pool(&seen, &one), (4, 4, 4));
    applied(bed.scale(&one, 5).await);
    bed.until_available(&one, 5).await;
    bed.end().await;
}

#[tokio::test]
async fn what_nobody_can_change_is_refused_before_anything_is_touched() {
    let Some((bed, one, other)) = four("claims").await else { return };
    let mut claims = stateful("v2");
    claims["controller"]["volumeClaimTemplates"] = json!([{
        "metadata": { "name": "data" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        },
    }]);
    let error = bed.backend.pin(&bed.workload, &claims).await.unwrap_err().to_string();
    assert!(error.contains("updates to statefulset spec"), "{error}");
    let mut wrong = stateful("v2");
    wrong["spec"]["containers"][0]["imagee"] = json!("web");
    let error = bed.backend.pin(&bed.workload, &wrong).await.unwrap_err().to_string();
    assert!(error.contains("imagee"), "{error}");
    let error = bed.backend.pin(&bed.workload, &played("v2")).await.unwrap_err();
    assert_eq!(error.field, "template.controller");
    // What a person has changed is a conflict until it was seen.
    let edit = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    let params = PatchParams { field_manager: Some("ann".to_owned()), ..PatchParams::default() };
    let api = bed.place.api::<StatefulSet>();
    api.patch_scale("web", &params, &edit).await.unwrap();
    let why = refused(&bed.divide(&other, Reach::First(0)).await, RefusalKind::Conflict);
    assert!(why.contains("`ann`"), "{why}");
    bed.until_available(&one, 3).await;
    // Another process reigns.
    let newer = backend(&bed.place).with_controller(Controller::StatefulSet);
    newer.claim(&bed.workload, &claim("two", 1, true)).await.unwrap();
    refused(&bed.divide(&other, Reach::First(0)).await, RefusalKind::Fenced);
    refused(&bed.scale(&one, 0).await, RefusalKind::Fenced);
    assert_eq!(pool(&bed.inventory().await, &one), (3, 3, 3));
    bed.end().await;
}

#[tokio::test]
async fn a_daemon_set_is_replaced_node_by_node() {
    let Some(bed) = Bed::of(Controller::DaemonSet, "daemons").await else { return };
    let one = bed.revision("v1", &daemons("v1")).await;
    let other = bed.revision("v2", &daemons("v2")).await;
    let places = NODES.len() as u64;
    applied(bed.scale(&one, places).await);
    bed.until_available(&one, places).await;
    refused(&bed.divide(&other, Reach::First(1)).await, RefusalKind::Invalid);
    let mark = applied(bed.divide(&other, Reach::Vacated).await);
    let seen = bed.until("the division", |seen| mark <= seen.mark).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pool(&bed.inventory().await, &one), (3, 3, 3), "it touches nobody");
    for (done, instance) in (1..).zip(seen.instances.keys()) {
        applied(bed.drain(instance).await);
        applied(bed.remove(instance).await);
        let seen = bed
            .until("another of v2", |seen| {
                pool(seen, &other) == (done, done, done)
                    && pool(seen, &one) == (places - done, places - done, places - done)
            })
            .await;
        assert!(!seen.instances.contains_key(instance));
    }
    bed.until_available(&other, places).await;
    bed.end().await;
}
