//! Killed with `SIGKILL` at the boundaries of its records: after a record and before its effect, after an effect and
//! before its record.

use std::{env, time::Instant};

use rollout_live::{
    bed::Image,
    load::{Load, LoadPlan},
    proxy::{Fault, Proxy, Trouble, Which},
    tool::Running,
};
use tokio::time::{Duration, sleep};

use super::{Operated, WAIT_MAX, is_complete};

/// Kills in all, unless this variable says another number.
const KILLS: u32 = 16;
const KILLS_VARIABLE: &str = "ROLLOUT_KILLS";
/// Kills of one rollout, at most: its last operator is to end it.
const KILLS_EACH: u32 = 8;

/// How an operator that is to be killed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    /// The rollout was through before the write came.
    Spared,
}

/// What the `nth` kill comes at, and which of these writes it is: mostly a record that is durable already, or never
/// will be; else an effect whose record is.
fn boundary(nth: u32) -> Fault {
    let records = || Which::WritesTo("/rolloutjournals".to_owned());
    let (trouble, which) = match nth % 4 {
        0 => (Trouble::HoldAnswer, records()),
        1 => (Trouble::Silence, records()),
        2 => (Trouble::HoldAnswer, Which::WritesTo("/replicasets/".to_owned())),
        _ => (Trouble::HoldAnswer, Which::WritesTo("/pods/".to_owned())),
    };
    Fault::next(1, trouble, which).sparing(nth / 4 % 4)
}

/// Lets `copy` run until `fault` meets a write, and kills it there.
async fn killed_at(operated: &Operated, proxy: &Proxy, fault: Fault, copy: Running) -> Fate {
    let (before, trouble) = (proxy.seen().len(), fault.trouble);
    proxy.inject(fault);
    let begun = Instant::now();
    let held = loop {
        let seen = proxy.seen().split_off(before);
        if let Some(held) = seen.into_iter().find(|seen| seen.trouble == Some(trouble)) {
            break Some(held);
        }
        if is_complete(&operated.rollout()) {
            break None;
        }
        assert!(begun.elapsed() < WAIT_MAX, "nothing is held: {:#}", operated.rollout()["status"]);
        sleep(Duration::from_millis(20)).await;
    };
    // So that the API server has done what is held back.
    sleep(Duration::from_millis(50)).await;
    let ran = copy.kill().expect("it is killed");
    proxy.heal();
    assert_eq!(ran.code, None, "it ended on its own: {}", ran.err);
    let Some(held) = held else { return Fate::Spared };
    println!("killed at {trouble:?} of {} {}", held.method, held.path);
    Fate::Killed
}

#[tokio::test]
async fn killed_at_the_boundaries_of_its_records_it_ends_where_it_should() {
    let wanted = env::var(KILLS_VARIABLE).ok().map(|text| text.parse().expect("a number"));
    let wanted = wanted.unwrap_or(KILLS);
    let mut operated = Operated::new("op-killed").await;
    operated.deploy().await;
    let proxy = Proxy::start(operated.place.cluster()).unwrap_or_else(|why| panic!("{why}"));
    let load = Load::start(operated.place.addr(), LoadPlan::strangers()).expect("the load starts");
    load.reached(100).await;
    let (mut kills, mut image) = (0, Image::V1);
    while kills < wanted {
        image = if image == Image::V1 { Image::V2 } else { Image::V1 };
        operated.want(image);
        for _ in 0..KILLS_EACH.min(wanted - kills) {
            let copy = operated.copy(&proxy.kubeconfig());
            match killed_at(&operated, &proxy, boundary(kills), copy).await {
                Fate::Killed => kills += 1,
                Fate::Spared => break,
            }
        }
        let last = operated.copy_direct();
        operated.until_complete(image).await;
        drop(last);
    }
    let report = load.stop_and_finish().await;
    println!("killed {kills} times; {report}");
    assert_eq!(report.all.failed, 0, "{report}: {:?}", report.moments());
}
