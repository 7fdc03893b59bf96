//! Making, starting, stopping and removing real containers, and seeing them.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use rollout_core::{
    engine::{Effect, InstanceState, Outcome, RefusalKind, Retry},
    id::Mark,
    port::Backend as _,
    time::Span,
};
use rollout_docker::{DockerBackend, Options};
use serde_json::json;

use super::bed::{Bed, applied};

fn refused(outcome: &Outcome) -> Option<(RefusalKind, Retry)> {
    match outcome {
        Outcome::Refused { why, retry } => Some((why.kind, *retry)),
        Outcome::Applied { .. } | Outcome::Unknown { .. } => None,
    }
}

#[tokio::test]
async fn an_instance_lives_and_every_order_can_be_repeated() {
    let Some(bed) = Bed::new("life").await else {
        return;
    };
    let revision = bed.revision("v1", json!({ "env": { "A": "1" }, "env_from": { "S": "x${ROLLOUT_TEST_SECRET}" }, "restart": "always" })).await;
    let name = bed.instance("1");
    for _ in 0..2 {
        assert!(applied(&bed.create("1", &revision).await));
    }
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert_eq!(seen.instances[&name].state, InstanceState::Created);
    assert_eq!(seen.mark, Mark(2));
    assert_eq!(seen.revisions, [Arc::clone(&revision)]);
    for _ in 0..2 {
        assert!(applied(&bed.start("1").await));
    }
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert_eq!(seen.instances[&name].state, InstanceState::Running);
    assert!(seen.instances[&name].address.is_some());
    assert_eq!(seen.epoch, bed.epoch);
    let environment = bed.docker(&["exec", name.as_str(), "sh", "-c", "echo $A $S"]);
    assert_eq!(environment.trim(), "1 xhunter2");
    let labels = bed.docker(&["inspect", name.as_str(), "--format", "{{json .Config.Labels}}"]);
    assert!(labels.contains("rollout.epoch") && !labels.contains("hunter2"), "{labels}");
    assert_eq!(
        refused(&bed.remove("1").await),
        Some((RefusalKind::Conflict, Retry::Backoff)),
        "a running container is never removed"
    );
    for _ in 0..2 {
        assert!(applied(&bed.stop("1", Span::from_secs(5)).await));
    }
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert!(matches!(seen.instances[&name].state, InstanceState::Exited { code: 0, .. }));
    let policy =
        bed.docker(&["inspect", name.as_str(), "--format", "{{.HostConfig.RestartPolicy.Name}}"]);
    assert_eq!(policy.trim(), "no", "nothing may bring it back");
    assert!(applied(&bed.start("1").await), "what has ended since its start stays ended");
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert!(matches!(seen.instances[&name].state, InstanceState::Exited { .. }));
    for _ in 0..2 {
        assert!(applied(&bed.remove("1").await));
    }
    assert!(bed.backend.observe(&bed.workload).await.unwrap().instances.is_empty());
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let Some(bed) = Bed::new("foreign").await else {
        return;
    };
    let revision = bed.revision("v1", json!({})).await;
    let name = bed.instance("1");
    bed.docker(&["run", "-d", "--name", name.as_str(), &bed.image, "sleep", "60"]);
    for outcome in [
        bed.create("1", &revision).await,
        bed.start("1").await,
        bed.stop("1", Span::from_secs(1)).await,
        bed.remove("1").await,
    ] {
        assert_eq!(refused(&outcome), Some((RefusalKind::Conflict, Retry::Never)), "{outcome}");
    }
    let running = bed.docker(&["inspect", name.as_str(), "--format", "{{.State.Running}}"]);
    assert_eq!(running.trim(), "true");
    assert!(bed.backend.observe(&bed.workload).await.unwrap().instances.is_empty());
    bed.docker(&["rm", "-f", name.as_str()]);
}

#[tokio::test]
async fn an_instance_that_ignores_its_signal_is_killed_after_its_grace() {
    let Some(bed) = Bed::new("stubborn").await else {
        return;
    };
    let revision = bed
        .revision(
            "v1",
            json!({ "command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"] }),
        )
        .await;
    assert!(applied(&bed.create("1", &revision).await));
    assert!(applied(&bed.start("1").await));
    let asked = std::time::Instant::now();
    assert!(applied(&bed.stop("1", Span::from_secs(1)).await));
    assert!(Duration::from_secs(1) <= asked.elapsed());
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert!(matches!(
        seen.instances[&bed.instance("1")].state,
        InstanceState::Exited { code: 137, .. }
    ));
}

#[tokio::test]
async fn what_cannot_start_is_stuck_and_what_dies_is_seen() {
    let Some(bed) = Bed::new("broken").await else {
        return;
    };
    let missing = bed.revision("v1", json!({ "command": ["/no/such/program"] })).await;
    assert!(applied(&bed.create("1", &missing).await));
    assert!(!applied(&bed.start("1").await));
    let dies = bed.revision("v2", json!({ "command": ["sh", "-c", "exit 3"] })).await;
    assert!(applied(&bed.create("2", &dies).await));
    let mut hints = bed.backend.changes(&bed.workload);
    hints.next().await;
    assert!(applied(&bed.start("2").await));
    let hint = tokio::time::timeout(Duration::from_secs(5), hints.next()).await;
    assert_eq!(hint, Ok(Some(())), "an end is hinted at");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    let state = |name: &str| seen.instances[&bed.instance(name)].state.clone();
    assert!(
        matches!(state("1"), InstanceState::Stuck { detail } if detail.contains("no such program") || detail.contains("/no/such/program"))
    );
    assert!(matches!(state("2"), InstanceState::Exited { code: 3, .. }));
    assert_eq!(seen.revisions.len(), 2);
}

#[tokio::test]
async fn docker_health_and_further_networks_are_carried_over() {
    let Some(bed) = Bed::new("health").await else {
        return;
    };
    let (front, back) = (format!("{}-front", bed.workload), format!("{}-back", bed.workload));
    bed.docker(&["network", "create", &front]);
    bed.docker(&["network", "create", &back]);
    let revision = bed
        .revision("v1", json!({
            "networks": [{ "name": back, "aliases": ["web"] }, { "name": front }],
            "healthcheck": { "test": ["CMD", "test", "-e", "/tmp/ok"], "interval": "200ms", "timeout": "1s" },
            "limits": { "memory": "32m" },
        }))
        .await;
    for _ in 0..2 {
        assert!(applied(&bed.create("1", &revision).await));
    }
    assert!(applied(&bed.start("1").await));
    let name = bed.instance("1");
    let healthy = async || {
        let seen = bed.backend.observe(&bed.workload).await.unwrap();
        seen.instances[&name].healthy
    };
    assert_eq!(healthy().await, Some(false), "what has not passed yet is not healthy");
    bed.docker(&["exec", name.as_str(), "touch", "/tmp/ok"]);
    let mut passed = false;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        passed = healthy().await == Some(true);
        if passed {
            break;
        }
    }
    assert!(passed, "the health check never passed");
    let of = |network: &str| {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        bed.docker(&["inspect", name.as_str(), "--format", &format]).trim().to_owned()
    };
    let seen = bed.backend.observe(&bed.workload).await.unwrap();
    assert_eq!(
        seen.instances[&name].address.unwrap().to_string(),
        of(&back),
        "the first network counts"
    );
    assert!(!of(&front).is_empty());
    assert!(applied(&bed.stop("1", Span::from_secs(2)).await));
    assert!(applied(&bed.remove("1").await));
    bed.docker(&["network", "rm", &front, &back]);
}

#[tokio::test]
async fn a_template_names_only_what_is_there() {
    let Some(bed) = Bed::new("pin").await else {
        return;
    };
    let pin = async |more: serde_json::Value| {
        let mut template = json!({ "image": bed.image });
        for (field, value) in more.as_object().unwrap() {
            template[field] = value.clone();
        }
        bed.backend.pin(&bed.workload, &template).await
    };
    let pinned = pin(json!({})).await.unwrap();
    assert!(pinned["image"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(pinned["image_name"], json!(bed.image));
    let again = bed.backend.pin(&bed.workload, &pinned).await.unwrap();
    assert_eq!(again, pinned, "what is pinned stays as it is");
    for (more, field, way_out) in [
        (json!({ "image": "no/such:image" }), "template.image", "docker pull"),
        (
            json!({ "networks": [{ "name": "no-such-net" }] }),
            "template.networks",
            "docker network create",
        ),
        (
            json!({ "mounts": [{ "volume": "no-such-volume", "target": "/x" }] }),
            "template.mounts",
            "docker volume create",
        ),
        (json!({ "env_from": ["NO_SUCH_VARIABLE"] }), "template.env_from", "nothing was touched"),
        (json!({ "ports": ["80:80"] }), "template.ports", "HAProxy"),
    ] {
        let error = pin(more).await.unwrap_err();
        assert_eq!(error.field, field);
        assert!(error.way_out.contains(way_out), "{error}");
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named() {
    let error = DockerBackend::connect(Options {
        host: "unix:///no/such/docker.sock".to_owned(),
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("/no/such/docker.sock"), "{error}");
    assert!(error.way_out.contains("DOCKER_HOST"));
}

#[tokio::test]
async fn orders_of_a_load_balancer_are_not_for_docker() {
    let Some(bed) = Bed::new("ports").await else {
        return;
    };
    let instance = bed.instance("1");
    let outcome = bed.attempt(Effect::Drain { instance }).await;
    assert_eq!(refused(&outcome), Some((RefusalKind::Invalid, Retry::Never)));
}
