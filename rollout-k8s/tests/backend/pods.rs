//! Pools of real pods: sizes, drains, failures, and what happens without an engine.

use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use rollout_core::{
    engine::{Outcome, RefusalKind, Retry},
    port::Backend as _,
};
use serde_json::json;

use super::bed::{Bed, applied, backend, claim, played, serving};

#[tokio::test]
async fn a_pool_grows_and_shrinks_by_exactly_the_drained_pods() {
    let Some(bed) = Bed::new("pool").await else { return };
    let revision = bed.revision("v1", &played("v1")).await;
    let mark = applied(bed.scale(&revision, 4).await);
    let seen = bed.until_available(&revision, 4).await;
    assert!(mark <= seen.mark, "{mark} {}", seen.mark);
    assert_eq!((seen.epoch, seen.revisions.clone()), (bed.epoch, vec![revision.clone()]));
    assert_eq!(serving(&bed.enrolments().await).len(), 4, "a pod serves from birth");
    let going: Vec<_> = seen.instances.keys().skip(1).step_by(2).cloned().collect();
    for instance in &going {
        for _ in 0..2 {
            applied(bed.drain(instance).await);
        }
    }
    let left: Vec<_> = seen.instances.keys().step_by(2).cloned().collect();
    assert_eq!(serving(&bed.enrolments().await), left);
    assert_eq!(bed.pods("rollout-engine.dev/serving=yes").await.len(), 2);
    let mark = applied(bed.scale(&revision, 2).await);
    let seen = bed.until("two pods", |seen| mark <= seen.mark && seen.instances.len() == 2).await;
    assert_eq!(seen.instances.into_keys().collect::<Vec<_>>(), left);
    bed.end().await;
}

#[tokio::test]
async fn a_pod_that_is_deleted_while_no_engine_runs_is_replaced_and_serves() {
    let Some(bed) = Bed::new("heal").await else { return };
    let revision = bed.revision("v1", &played("v1")).await;
    applied(bed.scale(&revision, 2).await);
    let seen = bed.until_available(&revision, 2).await;
    let first = seen.instances.into_keys().next().unwrap();
    // Nothing of ours runs from here to the end of the wait: the workload heals by itself.
    let Bed { place, backend, workload, .. } = bed;
    drop(backend);
    let pods = place.api::<Pod>();
    pods.delete(first.as_str(), &DeleteParams::default()).await.unwrap();
    let selector = format!("rollout-engine.dev/workload={workload},rollout-engine.dev/serving=yes");
    let params = kube::api::ListParams::default().labels(&selector);
    let mut ready = Vec::new();
    for _ in 0..100 {
        ready = pods.list(&params).await.unwrap().items;
        ready.retain(|pod| {
            let conditions =
                pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
            let is_ready =
                conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True");
            is_ready && pod.metadata.deletion_timestamp.is_none()
        });
        if ready.len() == 2
            && ready.iter().all(|pod| pod.metadata.name.as_deref() != Some(first.as_str()))
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(ready.len(), 2, "the replacement serves");
    place.end().await;
}

#[tokio::test]
async fn a_size_that_somebody_edits_is_a_conflict_until_it_was_seen() {
    let Some(bed) = Bed::new("edited").await else { return };
    let revision = bed.revision("v1", &played("v1")).await;
    applied(bed.scale(&revision, 2).await);
    bed.until_available(&revision, 2).await;
    let edit = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    let params = PatchParams { field_manager: Some("ann".to_owned()), ..PatchParams::default() };
    let api = bed.place.api::<ReplicaSet>();
    api.patch_scale("web-v1", &params, &edit).await.unwrap();
    match bed.scale(&revision, 4).await {
        Outcome::Refused { why, retry: Retry::Backoff } => {
            assert_eq!(why.kind, RefusalKind::Conflict);
            assert!(why.detail.starts_with("`ann` set the ReplicaSet web-v1 to 3"), "{why}");
        }
        outcome @ (Outcome::Applied { .. } | Outcome::Refused { .. } | Outcome::Unknown { .. }) => {
            panic!("{outcome}")
        }
    }
    bed.until_available(&revision, 3).await;
    applied(bed.scale(&revision, 4).await);
    bed.until_available(&revision, 4).await;
    bed.end().await;
}

#[tokio::test]
async fn an_engine_that_was_superseded_elsewhere_is_fenced_by_the_cluster() {
    let Some(bed) = Bed::new("fenced").await else { return };
    let (one, other) =
        (bed.revision("v1", &played("v1")).await, bed.revision("v2", &played("v2")).await);
    applied(bed.scale(&one, 2).await);
    bed.until_available(&one, 2).await;
    // Another process: it shares nothing with the first but the cluster.
    let newer = backend(&bed.place);
    newer.claim(&bed.workload, &claim("two", 1, false)).await.unwrap_err();
    let granted = newer.claim(&bed.workload, &claim("two", 1, true)).await.unwrap();
    assert!(bed.epoch < granted);
    for outcome in [bed.scale(&one, 0).await, bed.scale(&other, 1).await] {
        match outcome {
            Outcome::Refused { why, retry: Retry::Never } => {
                assert_eq!(why.kind, RefusalKind::Fenced, "{why}");
            }
            outcome @ (Outcome::Applied { .. }
            | Outcome::Refused { .. }
            | Outcome::Unknown { .. }) => {
                panic!("{outcome}")
            }
        }
    }
    assert_eq!(bed.pods("rollout-engine.dev/workload=web").await.len(), 2);
    assert_eq!(bed.until("the newer epoch", |seen| seen.epoch == granted).await.epoch, granted);
    bed.end().await;
}
