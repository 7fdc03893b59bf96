//! Two copies, and a partition between one of them and the API server.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::Image,
    proxy::{Fault, Proxy, Seen, Trouble, Which},
};
use tokio::time::sleep;

use super::Operated;

/// How long the old one is watched once it can speak again.
const AFTERWARDS: Duration = Duration::from_secs(6);
/// Paths of what a copy that reigns over nothing may still write: who is there, and what happened.
const ALLOWED: [&str; 2] = ["/leases", "/events"];

/// Writes that only a copy that reigns makes.
fn reigning(seen: &[Seen]) -> Vec<String> {
    let is_reign = |seen: &&Seen| {
        seen.is_write() && !ALLOWED.iter().any(|allowed| seen.path.contains(allowed))
    };
    let told = |seen: &Seen| format!("{} {} {:?}", seen.method, seen.path, seen.status);
    seen.iter().filter(is_reign).map(told).collect()
}

/// When a copy says `what` first, as its log tells the time.
fn time_of(log: &str, what: &str) -> String {
    let line = log.lines().find(|line| line.contains(what));
    let line = line.unwrap_or_else(|| panic!("nothing says `{what}`:\n{log}"));
    line.split_whitespace().next().expect("a line begins with its time").to_owned()
}

async fn cut_off(name: &str, trouble: Trouble) {
    let mut operated = Operated::new(name).await;
    operated.deploy().await;
    let proxy = Proxy::start(operated.place.cluster()).unwrap_or_else(|why| panic!("{why}"));
    let old = operated.copy(&proxy.kubeconfig());
    // There is one shard, and whoever is there first keeps it: it is the one that is cut off.
    operated.until("a reign", |rollout| rollout["status"]["phase"] == "Completed").await;
    sleep(Duration::from_secs(2)).await;
    let (mut cut_at, mut epoch) = (Instant::now(), None);
    let mut log = String::new();
    operated
        .loses_nothing(async {
            operated.want(Image::V2);
            operated.until_halfway().await;
            epoch = operated.rollout()["status"]["epoch"].as_u64();
            proxy.inject(Fault::lasting(trouble, Which::All));
            cut_at = Instant::now();
            let new = operated.copy_direct();
            operated.until_complete(Image::V2).await;
            let healed = proxy.seen().len();
            proxy.heal();
            sleep(AFTERWARDS).await;
            let late = reigning(&proxy.seen().split_off(healed));
            assert!(late.is_empty(), "the one that was cut off writes again: {late:?}");
            log = new.kill().expect("it is killed").err;
        })
        .await;
    let reigns = operated.rollout()["status"]["epoch"].as_u64();
    assert!(epoch < reigns, "the other one reigns under an epoch of its own: {epoch:?} {reigns:?}");
    let ended = old.kill().expect("it is killed").err;
    let (left, taken) = (time_of(&ended, "shard given up"), time_of(&log, "shard taken"));
    assert!(left < taken, "it gave up at {left}, the other one took over at {taken}");
    println!("cut off {:.1} s ago; given up {left}, taken {taken}", cut_at.elapsed().as_secs_f64());
}

#[tokio::test]
async fn a_copy_that_is_cut_off_gives_up_before_another_takes_over() {
    cut_off("op-cut", Trouble::Cut).await;
}

#[tokio::test]
async fn a_copy_that_nobody_answers_gives_up_before_another_takes_over() {
    cut_off("op-silent", Trouble::Silence).await;
}
