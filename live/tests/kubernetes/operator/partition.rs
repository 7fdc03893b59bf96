//! Two copies, and a partition between one of them and the API server.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::Image,
    proxy::{Fault, Proxy, Seen, Trouble, Which},
};
use tokio::time::sleep;

use super::Operated;

/// How long the old one is watched once it can speak again, unless the shard is handed to it before.
const AFTERWARDS: Duration = Duration::from_secs(6);
/// The lease of the only shard there is.
const SHARD: &str = "rollout-operator-shard-0";
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

/// How often the shard has changed hands.
fn transitions(operated: &Operated) -> String {
    let path = "jsonpath={.spec.leaseTransitions}";
    let lease = operated.place.kubectl(["get", "lease", SHARD, "-o", path]);
    lease.unwrap_or_else(|why| panic!("{why}"))
}

/// Watches the one that was cut off: it writes nothing until the shard is handed to it. It is a copy like the
/// other one again, and its name may be the one that is to have the shard.
async fn writes_nothing(operated: &Operated, proxy: &Proxy, healed: usize, reign: &str) {
    let begun = Instant::now();
    while begun.elapsed() < AFTERWARDS {
        // Before the lease is read: what it wrote by now, it wrote under what the lease says now at the latest.
        let late = reigning(&proxy.seen().split_off(healed));
        if transitions(operated) != reign {
            println!("the shard is handed back {:.1} s later", begun.elapsed().as_secs_f64());
            return;
        }
        assert!(late.is_empty(), "the one that was cut off writes again: {late:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn cut_off(name: &str, trouble: Trouble) {
    let mut operated = Operated::new(name).await;
    operated.deploy().await;
    let proxy = Proxy::start(operated.place.cluster()).unwrap_or_else(|why| panic!("{why}"));
    let old = operated.copy(&proxy.kubeconfig());
    // There is one shard, and this is the only copy: it is the one that is cut off.
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
            let (healed, reign) = (proxy.seen().len(), transitions(&operated));
            proxy.heal();
            writes_nothing(&operated, &proxy, healed, &reign).await;
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
