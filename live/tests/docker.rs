//! Whole rollouts on a real Docker engine behind a real HAProxy, under 400 requests per second over 64
//! connections that never repeat a request; each with a server that ends gracefully, abruptly, or not.

use rollout_live::{
    bed::{Bed, Manners},
    rig::Rig,
    story::Story,
};

/// Tells a story in all manners; none of its promises is broken.
async fn holds(story: Story) {
    for manners in Manners::ALL {
        let bed = Bed::start().expect("the bed starts");
        let rig = Rig::new(bed, manners).expect("HAProxy starts");
        let told = story.tell(&rig).await.unwrap_or_else(|why| panic!("{why}"));
        println!("{}, {told}", manners.name());
        if 0 < told.spoiled() {
            println!("  {} bad answers of {} requests", told.spoiled(), told.exposed());
        }
        assert_eq!(told.broken(), Vec::<String>::new(), "{story:?}, {manners:?}: {told}");
    }
}

#[tokio::test]
async fn rolling_loses_nothing() {
    holds(Story::Rolling).await;
}

#[tokio::test]
async fn blue_green_loses_nothing() {
    holds(Story::BlueGreen).await;
}

#[tokio::test]
async fn canary_loses_nothing() {
    holds(Story::Canary).await;
}

#[tokio::test]
async fn an_abort_in_mid_canary_loses_nothing() {
    holds(Story::Abort).await;
}

#[tokio::test]
async fn a_version_that_never_gets_ready_is_rolled_back_unseen() {
    holds(Story::NeverReady).await;
}

/// It answers one request in five with 500 from its third second on. What it spoils until its probe's
/// verdict is counted, and is all that fails.
#[tokio::test]
async fn a_version_that_fails_once_ready_is_rolled_back() {
    holds(Story::Degrading).await;
}

#[tokio::test]
async fn a_canary_that_fails_spoils_its_own_share_only() {
    holds(Story::DegradingCanary).await;
}
