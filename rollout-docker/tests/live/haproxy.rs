//! HAProxy itself: shares, drains, restarts and fences as its runtime socket shows them.

use std::{collections::BTreeMap, time::Duration};

use rollout_core::{
    engine::{Admission, Effect, EnrolState, Outcome, RefusalKind, Retry, Route},
    id::{Epoch, WorkloadId},
    port::Router,
};
use rollout_docker::{HaProxy, haproxy::TrafficError};
use tokio::{io::BufReader, net::TcpStream};

use super::{
    bed::applied,
    stand::{Stand, ask, instance, spawn, traffic, weighted},
};

#[tokio::test]
async fn shares_are_exact_and_the_route_reads_back() {
    let Some(bed) = Stand::new("shares").await else {
        return;
    };
    assert_eq!(bed.in_force().await, None, "nothing was ever set");
    for last in 11..=14 {
        bed.enrol("v1", last, Admission::Serving).await;
    }
    assert!(applied(&bed.attempt(Effect::Route(Route::ByReplicas)).await));
    assert_eq!(bed.in_force().await, Some(Route::ByReplicas));
    assert_eq!(bed.requests(40).await, (11..=14).map(|last| (last, 10)).collect());
    bed.route(&[("v1", 100), ("v2", 0)]).await;
    bed.enrol("v2", 15, Admission::Standby).await;
    assert_eq!(bed.requests(40).await.get(&15), None, "on standby nothing comes");
    for (percent, of_400) in [(5, 20), (25, 100), (50, 200), (100, 400), (25, 100), (0, 0)] {
        bed.route(&[("v1", 100 - percent), ("v2", percent)]).await;
        let found = bed.requests(400).await.get(&15).copied().unwrap_or(0);
        assert!(found.abs_diff(of_400) <= 1, "{percent} %: {found} of 400");
    }
    assert!(applied(&bed.attempt(Effect::Route(Route::Empty)).await));
    assert_eq!(bed.in_force().await, Some(Route::Empty));
}

#[tokio::test]
async fn a_new_instance_makes_the_route_due_again() {
    let Some(bed) = Stand::new("due").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.route(&[("v1", 100)]).await;
    bed.enrol("v1", 12, Admission::Standby).await;
    assert_eq!(bed.in_force().await, None, "all of v1, but not evenly");
    bed.route(&[("v1", 100)]).await;
    assert_eq!(bed.requests(20).await, BTreeMap::from([(11, 10), (12, 10)]));
    // An engine that starts anew finds the route in force.
    let again = HaProxy::connect(traffic(&bed.folder, "web-a.b", bed.port)).await.unwrap();
    let workload = WorkloadId::new("web").unwrap();
    let seen = Router::observe(&again, &workload).await.unwrap();
    assert_eq!(seen.route, Some(weighted(&[("v1", 100)])));
}

#[tokio::test]
async fn draining_keeps_the_shares_and_lets_requests_end() {
    let Some(bed) = Stand::new("drain").await else {
        return;
    };
    for last in 11..=13 {
        bed.enrol("v1", last, Admission::Serving).await;
    }
    bed.enrol("v2", 14, Admission::Standby).await;
    bed.route(&[("v1", 75), ("v2", 25)]).await;
    // One request in flight on every server.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let listen = bed.listen;
        slow.push(tokio::spawn(async move {
            ask(&mut BufReader::new(TcpStream::connect(listen).await.unwrap()), "/slow").await
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..2 {
        assert!(applied(&bed.attempt(Effect::Drain { instance: instance(11) }).await));
    }
    let (state, in_flight) = bed.enrolled().await[&11];
    assert_eq!(state, EnrolState::Draining);
    assert!(0 < in_flight.unwrap(), "requests in flight are counted");
    assert_eq!(bed.in_force().await, Some(weighted(&[("v1", 75), ("v2", 25)])));
    let found = bed.requests(40).await;
    assert_eq!(found, BTreeMap::from([(12, 15), (13, 15), (14, 10)]));
    for request in slow {
        assert_eq!(request.await.unwrap(), 200, "a request in flight was cut");
    }
    // An idle client, and an idle connection to the server, hold nothing up.
    assert_eq!(bed.enrolled().await[&11], (EnrolState::Draining, Some(0)));
    for _ in 0..2 {
        assert!(applied(&bed.attempt(Effect::Detach { instance: instance(11) }).await));
    }
    assert!(!bed.enrolled().await.contains_key(&11));
}

#[tokio::test]
async fn detaching_cuts_what_is_in_flight() {
    let Some(bed) = Stand::new("cut").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    let listen = bed.listen;
    let slow = tokio::spawn(async move {
        ask(&mut BufReader::new(TcpStream::connect(listen).await.unwrap()), "/slow").await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(applied(&bed.attempt(Effect::Drain { instance: instance(11) }).await));
    let mut outcome = bed.attempt(Effect::Detach { instance: instance(11) }).await;
    match &outcome {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, *retry), (RefusalKind::Busy, Retry::Backoff));
        }
        Outcome::Applied { .. } | Outcome::Unknown { .. } => (),
    }
    for _ in 0..20 {
        if applied(&outcome) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        outcome = bed.attempt(Effect::Detach { instance: instance(11) }).await;
    }
    assert!(applied(&outcome), "{outcome}");
    assert_ne!(slow.await.unwrap(), 200);
}

#[tokio::test]
async fn a_restart_of_haproxy_shows_as_nothing_enrolled() {
    let Some(mut bed) = Stand::new("restart").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.route(&[("v1", 100)]).await;
    bed.child.kill().await.unwrap();
    let refused = bed.attempt(Effect::Drain { instance: instance(11) }).await;
    match refused {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, retry), (RefusalKind::Unreachable, Retry::Backoff));
        }
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
    bed.child = spawn(&bed.folder, bed.listen).await;
    assert_eq!(bed.enrolled().await, BTreeMap::new());
    assert_eq!(bed.in_force().await, None);
    bed.enrol("v1", 11, Admission::Standby).await;
    bed.route(&[("v1", 100)]).await;
    assert_eq!(bed.requests(5).await, BTreeMap::from([(11, 5)]));
}

#[tokio::test]
async fn an_older_reign_is_fenced_off_here_too() {
    let Some(mut bed) = Stand::new("old").await else {
        return;
    };
    bed.epoch = Epoch(5);
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.epoch = Epoch(4);
    match bed.attempt(Effect::Route(Route::Empty)).await {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, retry), (RefusalKind::Fenced, Retry::Never));
        }
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
    assert_eq!(bed.requests(3).await, BTreeMap::from([(11, 3)]));
}

#[tokio::test]
async fn what_haproxy_lacks_is_named() {
    let Some(bed) = Stand::new("lacks").await else {
        return;
    };
    let connect =
        async |backend: &str| HaProxy::connect(traffic(&bed.folder, backend, 1)).await.map(drop);
    match connect("nope").await {
        Err(TrafficError::UnknownBackend { known, .. }) => {
            assert!(known.contains("web-a.b"), "{known}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(connect("fixed").await, Err(TrafficError::StaticBalance { .. })));
    let nowhere = HaProxy::connect(traffic(std::path::Path::new("/no/such"), "web", 1)).await;
    assert!(matches!(nowhere, Err(TrafficError::Unreachable { .. })));
}
