//! The operator on a real cluster, under the identity of its manifests.

use kube::api::{DeleteParams, Patch, PatchParams};
use rollout_k8s::{
    crd::{ConditionType, OrderState, Rollout},
    labels::{SERVING, SERVING_VALUE},
};
use serde_json::json;

use crate::bed::{Bed, holds, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_runs_from_the_first_deploy_to_the_next_revision_and_another_size() {
    let Some(bed) = Bed::new("first").await else { return };
    let copy = bed.operator("one").await;
    bed.want("web", &spec(1)).await;
    let first = bed.until_complete("web").await;
    assert_eq!((first.replicas, first.available_replicas), (4, 4));
    bed.want("web", &spec(2)).await;
    let second = bed.until_complete("web").await;
    assert_ne!(first.stable_revision, second.stable_revision);
    assert_eq!(bed.sizes().await, [4]);
    // As an autoscaler does.
    let scale = json!({"spec": {"replicas": 6}});
    let params = PatchParams::default();
    bed.api::<Rollout>().patch_scale("web", &params, &Patch::Merge(&scale)).await.unwrap();
    let third = bed.until_complete("web").await;
    assert_eq!((third.replicas, third.stable_revision), (6, second.stable_revision));
    assert_eq!(bed.sizes().await, [6]);
    copy.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_once_and_answered() {
    let Some(bed) = Bed::new("orders").await else { return };
    let copy = bed.operator("one").await;
    let canary = json!({"canary": {"steps": [{"weight": "25%", "gates": [{"approval": {}}]}]}});
    let mut first = spec(1);
    first["strategy"] = canary.clone();
    bed.want("web", &first).await;
    let before = bed.until_complete("web").await;
    let mut second = spec(2);
    second["strategy"] = canary;
    bed.want("web", &second).await;
    bed.until("web", "the gate", |status| status.phase == "Gating").await;
    bed.order("web", &json!({"id": "1", "order": {"promote": {"all": false}}, "by": "ann"})).await;
    let promoted = bed.until_complete("web").await;
    let answer = promoted.order.unwrap();
    assert_eq!((answer.id.as_str(), answer.state), ("1", OrderState::Accepted));
    bed.order("web", &json!({"id": "2", "order": "undo", "by": "ann"})).await;
    let refused = |state| {
        move |status: &rollout_k8s::crd::RolloutStatus| {
            status.order.as_ref().is_some_and(|order| order.id == "2" && order.state == state)
        }
    };
    bed.until("web", "the refusal", refused(OrderState::Refused)).await;
    bed.order("web", &json!({"id": "3", "order": {"undo": {"to": null}}, "by": "ann"})).await;
    let undone = bed
        .until("web", "the undo", |status| {
            status.phase == "Completed" && status.stable_revision == before.stable_revision
        })
        .await;
    assert!(!holds(&undone, ConditionType::Completed), "the spec wants another revision");
    copy.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_copy_goes_on_where_one_was_killed() {
    let Some(bed) = Bed::new("killed").await else { return };
    let one = bed.operator("one").await;
    bed.want("web", &spec(1)).await;
    bed.until_complete("web").await;
    bed.want("web", &spec(2)).await;
    bed.until("web", "the middle", |status| 0 < status.updated_replicas).await;
    one.kill();
    let two = bed.operator("two").await;
    let after = bed.until_complete("web").await;
    assert!(1 < after.epoch, "the second reign has an epoch of its own: {}", after.epoch);
    assert_eq!((after.attempt, after.replicas), (2, 4), "the same attempt went on");
    assert_eq!(bed.sizes().await, [4], "no set is left over");
    two.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_share_the_work_and_hand_it_over() {
    let Some(bed) = Bed::new("shared").await else { return };
    let one = bed.operator("one").await;
    let two = bed.operator("two").await;
    for index in 0..6 {
        bed.want(&format!("web-{index}"), &spec(1)).await;
    }
    for index in 0..6 {
        bed.until_complete(&format!("web-{index}")).await;
    }
    for index in 0..6 {
        bed.want(&format!("web-{index}"), &spec(2)).await;
    }
    one.terminate().await;
    for index in 0..6 {
        bed.until_complete(&format!("web-{index}")).await;
    }
    assert_eq!(bed.sizes().await, [4; 6]);
    two.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_leaves_every_pod_serving() {
    let Some(bed) = Bed::new("deleted").await else { return };
    let copy = bed.operator("one").await;
    bed.want("web", &spec(1)).await;
    bed.until_complete("web").await;
    bed.want("web", &spec(2)).await;
    bed.until("web", "the middle", |status| 0 < status.updated_replicas).await;
    bed.api::<Rollout>().delete("web", &DeleteParams::default()).await.unwrap();
    for _ in 0..100 {
        if bed.api::<Rollout>().get_opt("web").await.unwrap().is_none() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(bed.api::<Rollout>().get_opt("web").await.unwrap().is_none(), "it was let go");
    let pods = bed.pods().await;
    assert!(4 <= pods.len(), "{} pods are left", pods.len());
    for pod in pods {
        let labels = pod.metadata.labels.unwrap();
        assert_eq!(labels.get(SERVING).map(String::as_str), Some(SERVING_VALUE));
    }
    copy.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_spec_says_why_and_touches_nothing() {
    let Some(bed) = Bed::new("refused").await else { return };
    let copy = bed.operator("one").await;
    bed.want("web", &spec(1)).await;
    let before = bed.until_complete("web").await;
    let mut wrong = spec(2);
    wrong["health"] = json!({"max_failure_ratio": "100%"});
    bed.want("web", &wrong).await;
    let refused =
        bed.until("web", "the refusal", |status| !holds(status, ConditionType::Accepted)).await;
    assert!(refused.message.contains("max_failure_ratio"), "{}", refused.message);
    assert!(holds(&refused, ConditionType::Degraded) && holds(&refused, ConditionType::Available));
    assert_eq!(refused.stable_revision, before.stable_revision);
    assert_eq!(bed.sizes().await, [4]);
    bed.want("web", &spec(2)).await;
    bed.until_complete("web").await;
    copy.terminate().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_lost_is_told_again_and_pods_at_rest_are_watched() {
    let Some(bed) = Bed::new("lost").await else { return };
    let copy = bed.operator("one").await;
    bed.want("web", &spec(1)).await;
    let before = bed.until_complete("web").await;
    // At rest: its driver has gone.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let lost = Patch::Merge(json!({"status": null}));
    let params = PatchParams::default();
    bed.api::<Rollout>().patch_status("web", &params, &lost).await.unwrap();
    let after = bed.until_complete("web").await;
    assert_eq!(after.stable_revision, before.stable_revision);
    assert_eq!(after.attempt, before.attempt, "nothing was rolled out again");
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    // A person's hand on a set: the engine puts it right.
    let sets = bed.api::<k8s_openapi::api::apps::v1::ReplicaSet>();
    let name = format!("web-{}", after.stable_revision.unwrap());
    let two = Patch::Merge(json!({"spec": {"replicas": 2}}));
    sets.patch_scale(&name, &params, &two).await.unwrap();
    for _ in 0..300 {
        if bed.sizes().await == [4] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(bed.sizes().await, [4]);
    copy.terminate().await;
    bed.end().await;
}
