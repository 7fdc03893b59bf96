//! Only one engine reigns over a workload.

use rollout_core::{
    engine::{Outcome, RefusalKind, Retry},
    id::Epoch,
    port::{Backend as _, ClaimError},
    time::Span,
};
use serde_json::json;

use super::bed::{Bed, applied, claim, connect};

#[tokio::test]
async fn an_older_reign_is_fenced_off() {
    let Some(mut bed) = Bed::new("fence").await else {
        return;
    };
    let revision = bed.revision("v1", json!({})).await;
    assert!(applied(&bed.create("1", &revision).await));
    let newer = connect(&bed.host, Span::from_secs(30)).await;
    match newer.claim(&bed.workload, &claim("two", 1, false)).await {
        Err(ClaimError::Owned { owner, epoch, .. }) => {
            assert_eq!((owner.as_str(), epoch), ("one", bed.epoch));
        }
        other => panic!("{other:?}"),
    }
    let granted = newer.claim(&bed.workload, &claim("two", 1, true)).await.unwrap();
    assert_eq!(granted, bed.epoch.next());
    let outcome = bed.start("1").await;
    match outcome {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, retry), (RefusalKind::Fenced, Retry::Never));
        }
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
    bed.epoch = granted;
    assert!(applied(&bed.start("1").await), "the new reign may");
    let listed = bed.docker(&[
        "volume",
        "ls",
        "-q",
        "--filter",
        &format!("label=rollout.workload={}", bed.workload),
    ]);
    assert_eq!(listed.trim(), format!("rollout-{}-epoch-{}", bed.workload, granted.0));
    assert_eq!(newer.claim(&bed.workload, &claim("two", 9, false)).await, Ok(Epoch(9)));
}

#[tokio::test]
async fn of_many_claims_each_gets_an_epoch_of_its_own() {
    let Some(bed) = Bed::new("race").await else {
        return;
    };
    let claims = (0..8).map(|_| async {
        let backend = connect(&bed.host, Span::from_secs(30)).await;
        backend.claim(&bed.workload, &claim("one", 1, false)).await.unwrap()
    });
    let mut epochs = futures_util::future::join_all(claims).await;
    epochs.sort();
    let count = epochs.len();
    epochs.dedup();
    assert_eq!(epochs.len(), count, "two claims got one epoch: {epochs:?}");
    assert!(epochs.iter().all(|epoch| bed.epoch < *epoch));
}

#[tokio::test]
async fn a_fence_that_was_pruned_away_is_put_back() {
    let Some(bed) = Bed::new("prune").await else {
        return;
    };
    let volume = format!("rollout-{}-epoch-{}", bed.workload, bed.epoch.0);
    bed.docker(&["volume", "rm", &volume]);
    assert!(applied(&bed.remove("1").await));
    let listed = bed.docker(&["volume", "ls", "-q", "--filter", &format!("name={volume}")]);
    assert_eq!(listed.trim(), volume);
}
