//! The API server as it is on a bad day: refusals, lost answers, silence, its own death.

use std::time::Duration;

use rollout_live::{
    bed::{Image, Manners},
    cluster::Component,
    place::Place,
    proxy::{Fault, Proxy, Trouble, Which},
    rig::Life,
};
use tokio::time::sleep;

use crate::{Promise, ended, holds, rolled_out, rolling};

/// How long a trouble that is not counted lasts.
const SPELL: Duration = Duration::from_secs(6);

/// A place whose engine speaks through a proxy, and where version 1 serves.
async fn proxied(name: &str) -> (Place, Life, Proxy) {
    let mut place = Place::new(name, Manners::Abrupt).unwrap_or_else(|why| panic!("{why}"));
    let proxy = Proxy::start(place.cluster()).unwrap_or_else(|why| panic!("{why}"));
    let life = place.engine_through(&proxy.kubeconfig()).await;
    let life = life.unwrap_or_else(|why| panic!("{why}"));
    place.deploy(&life).await.unwrap_or_else(|why| panic!("{why}"));
    (place, life, proxy)
}

/// A rollout through a proxy that does all of `faults` goes well.
async fn survives(name: &str, faults: Vec<Fault>) {
    let (place, life, proxy) = proxied(name).await;
    let before = proxy.seen().len();
    let met: Vec<_> = faults.iter().map(|fault| fault.trouble).collect();
    for fault in faults {
        proxy.inject(fault);
    }
    holds(&place, Promise::DONE, rolled_out(&place, &life, &rolling())).await;
    let seen = proxy.seen().split_off(before);
    for trouble in met {
        let times = seen.iter().filter(|seen| seen.trouble == Some(trouble)).count();
        assert!(0 < times, "nothing met {trouble:?}");
    }
}

/// A trouble that lasts for a while in mid-rollout.
async fn outlives(name: &str, trouble: Trouble, which: Which) {
    let (place, life, proxy) = proxied(name).await;
    holds(&place, Promise::DONE, async {
        place.submit(&life, Image::V2, &rolling()).await?;
        sleep(Duration::from_secs(2)).await;
        proxy.inject(Fault::lasting(trouble, which));
        sleep(SPELL).await;
        proxy.heal();
        ended(&life).await
    })
    .await;
}

#[tokio::test]
async fn refusals_of_writes_cost_time_only() {
    let refuse = |status, retry_after| Trouble::Refuse { status, retry_after };
    survives(
        "refused",
        vec![
            Fault::next(1, refuse(409, None), Which::Writes),
            Fault::next(1, refuse(429, Some(1)), Which::Writes),
            Fault::next(1, refuse(500, None), Which::Writes),
            Fault::next(1, refuse(504, None), Which::Writes),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_answer_lost_after_the_write_is_not_written_twice() {
    survives(
        "lost",
        vec![
            Fault::next(3, Trouble::LoseAnswer, Which::WritesTo("/scale".to_owned())),
            Fault::next(3, Trouble::LoseAnswer, Which::WritesTo("/pods/".to_owned())),
            Fault::next(1, Trouble::LoseAnswer, Which::WritesTo("/replicasets".to_owned())),
        ],
    )
    .await;
}

#[tokio::test]
async fn slow_answers_cost_time_only() {
    survives("slow", vec![Fault::next(10, Trouble::Delay(Duration::from_secs(1)), Which::Writes)])
        .await;
}

#[tokio::test]
async fn a_watch_that_stays_open_and_delivers_nothing_loses_nothing() {
    outlives("silent", Trouble::Silence, Which::Watches).await;
}

#[tokio::test]
async fn a_partition_between_engine_and_api_server_loses_nothing() {
    outlives("cut", Trouble::Cut, Which::All).await;
}

#[tokio::test]
async fn the_api_server_killed_and_restarted_loses_nothing() {
    let (mut place, life) = crate::deployed("killed-api", Manners::Abrupt).await;
    place.submit(&life, Image::V2, &rolling()).await.expect("it is taken");
    sleep(Duration::from_secs(2)).await;
    // Its restart is waited for in the background: the load goes on.
    let cluster = place.cluster();
    cluster.kill(Component::Api).expect("it is killed");
    sleep(Duration::from_secs(2)).await;
    cluster.restart(Component::Api).expect("it comes back");
    holds(&place, Promise::DONE, async { ended(&life).await }).await;
}
