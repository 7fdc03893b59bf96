//! A backend that makes instances by count and lets each be drained by name, as a replica set behind a
//! service: who goes is drained first, and the pool gets smaller by as many.

mod cluster;

use rollout_core::{engine::OrderKind, id::InstanceId};

use self::cluster::{Cluster, Pod, id};

#[test]
fn who_goes_is_drained_first() {
    let mut cluster = Cluster::deployed(4);
    assert_eq!(cluster.drains, 0);
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
    assert_eq!((cluster.drains, cluster.ended, cluster.lowest), (4, 4, 4));
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

/// A small generator of numbers, the same in every run.
struct Draws(u64);

impl Draws {
    fn one_in(&mut self, odds: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33).is_multiple_of(odds)
    }
}

#[test]
fn whatever_happens_nobody_is_cut_and_everybody_serves_in_the_end() {
    for seed in 0..100 {
        let mut draws = Draws(seed * 977 + 11);
        let mut cluster = Cluster::deployed(4);
        cluster.submit("v2", 4);
        for _ in 0..60 {
            cluster.tick();
            if draws.one_in(6) {
                let applied = draws.one_in(2);
                cluster.lost.push(applied);
            }
            if draws.one_in(12) {
                let name = cluster.pods.keys().nth((seed % 3) as usize).cloned();
                name.map(|name| cluster.pods.remove(&name));
            }
            if draws.one_in(10)
                && let Some(pod) = cluster.pods.values_mut().nth((seed % 4) as usize)
            {
                pod.ready = false;
            }
            if draws.one_in(40) {
                cluster.restart();
            }
            if draws.one_in(50) && cluster.engine.end().is_none() {
                cluster.order(OrderKind::Abort);
            }
        }
        cluster.lost.clear();
        let end = cluster.run();
        let revision = if end == "completed" { "v2" } else { "v1" };
        cluster.assert_all_on(revision, 4);
    }
}

#[test]
fn a_pool_that_somebody_made_larger_is_brought_down_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    while cluster.of(&id("v2")).len() < 2 {
        cluster.tick();
    }
    cluster.sizes.insert(id("v1"), 8);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
}
