//! What the operator keeps is taken from it in mid-rollout: its status, its journal.

use rollout_live::place::WORKLOAD;

use super::{Operated, is_seen, survives};

#[tokio::test]
async fn a_status_that_is_dropped_in_mid_rollout_is_told_again() {
    survives("op-status", async |operated: &Operated| {
        let attempt = operated.rollout()["status"]["attempt"].clone();
        let none = r#"[{"op":"remove","path":"/status"}]"#;
        let drop = ["patch", "rollout", WORKLOAD, "--subresource=status", "--type=json", "-p"];
        operated.place.kubectl(drop.into_iter().chain([none])).expect("it is dropped");
        let told = operated.until("a status", is_seen).await;
        assert_eq!(told["status"]["attempt"], attempt, "the same attempt goes on");
    })
    .await;
}

#[tokio::test]
async fn a_journal_that_is_lost_in_mid_rollout_is_made_anew_from_the_cluster() {
    let (operated, _) = survives("op-journal", async |operated: &Operated| {
        let epoch = operated.rollout()["status"]["epoch"].as_u64();
        let delete = ["delete", "rolloutjournal", WORKLOAD, "--wait=true"];
        operated.place.kubectl(delete).expect("it is deleted");
        operated.until("a new reign", |rollout| epoch < rollout["status"]["epoch"].as_u64()).await;
    })
    .await;
    let journal = operated.place.kubectl(["get", "rolloutjournal", WORKLOAD, "-o", "name"]);
    assert!(journal.is_ok_and(|name| name.contains(WORKLOAD)), "there is a journal again");
}
