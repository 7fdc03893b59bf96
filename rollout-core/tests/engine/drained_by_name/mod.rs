//! A backend that makes instances by count and lets each be drained by name, as a replica set behind a
//! service: who goes is drained first, and the pool gets smaller by as many.

mod cluster;

use rollout_core::{engine::OrderKind, id::InstanceId};

use self::cluster::Cluster;
use crate::bed::{Pod, id};

#[test]
fn who_goes_is_drained_first() {
    let mut cluster = Cluster::deployed(4);
    assert_eq!(cluster.drains, 0);
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
    assert_eq!((cluster.drains, cluster.ended.len(), cluster.lowest), (4, 4, 4));
}

#[test]
fn those_that_are_quiet_wait_for_those_that_drain_and_are_sized_together() {
    let mut cluster = Cluster::deployed(4);
    cluster.told.clear();
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "completed");
    // A drain takes longer than the next pod takes to be ready, so there is always one under way but in the end.
    let smaller = cluster.told.iter().filter(|told| told.contains("v1")).count();
    assert!((1..4).contains(&smaller), "{:?}", cluster.told);
    assert_eq!((cluster.drains, cluster.lowest), (4, 4));
}

#[test]
fn on_the_way_back_the_drained_ones_serve_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    while cluster.pods.values().all(|pod| pod.serving) {
        cluster.tick();
    }
    cluster.order(OrderKind::Abort);
    assert_eq!(cluster.run(), "rolled back");
    cluster.assert_all_on("v1", 4);
    let names = ["web-v1-1", "web-v1-2", "web-v1-3", "web-v1-4"];
    assert!(cluster.pods.keys().all(|name| names.contains(&name.as_str())), "none is made anew");
}

#[test]
fn a_candidate_that_never_gets_ready_goes_without_waiting() {
    let mut cluster = Cluster::deployed(4);
    cluster.duds.push(id("v2"));
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "rolled back");
    cluster.assert_all_on("v1", 4);
    assert_eq!((cluster.lowest, cluster.born), (4, 5));
}

#[test]
fn what_was_drained_and_stays_serves_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    let drained = loop {
        cluster.tick();
        let is_out = |(_, pod): &(&InstanceId, &Pod)| !pod.serving;
        if let Some((name, _)) = cluster.pods.iter().find(is_out) {
            break name.clone();
        }
    };
    // Another one of the pool goes first: it stopped answering.
    let other = cluster.of(&id("v1")).into_iter().find(|name| *name != drained).unwrap();
    cluster.pods.remove(&other);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
}

#[test]
fn a_lost_journal_leaves_nobody_drained() {
    let mut cluster = Cluster::deployed(4);
    for pod in cluster.pods.values_mut().take(2) {
        pod.serving = false;
    }
    cluster.forget();
    cluster.submit("v1", 4);
    cluster.run();
    cluster.assert_all_on("v1", 4);
}

#[test]
fn whatever_happens_nobody_is_cut_and_everybody_serves_in_the_end() {
    for seed in 0..100 {
        Cluster::deployed(4).survives(seed);
    }
}

#[test]
fn a_pool_that_somebody_made_larger_is_brought_down_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    while cluster.of(&id("v2")).len() < 2 {
        cluster.tick();
    }
    cluster.controller.0.insert(id("v1"), 8);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
}
