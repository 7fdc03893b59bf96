//! Whole rollouts on a real Docker engine behind a real HAProxy, under 400 requests per second over 64
//! connections that never repeat a request; each with a server that ends gracefully, abruptly, or not.

mod rig;

use std::time::Duration;

use rollout_core::engine::{End, Phase};
use rollout_live::bed::{Image, Manners};
use serde_json::{Value, json};

use crate::rig::{Rig, rolling, under_load};

/// Version 1 is replaced by version 2 without a lost request.
async fn completes(name: &str, strategy: Value) {
    for manners in Manners::ALL {
        let rig = Rig::new(manners);
        let life = rig.deployed().await;
        let (end, report) = under_load(name, &rig, async {
            rig.submit(&life, Image::V2, &strategy, Duration::ZERO).await;
            rig.end(&life).await
        })
        .await;
        assert_eq!(end, End::Completed, "{manners:?}");
        assert_eq!(report.all.failed, 0, "{manners:?}: {report}");
        assert!(0 < report.versions["v2"].ok, "{manners:?}: {report}");
        rig.assert_serving(Image::V2);
    }
}

/// The files of `examples/docker`, as a person has them: deployed, replaced, and a bad version taken back.
#[tokio::test]
async fn the_compose_example_loses_nothing() {
    let rig = Rig::new(Manners::Graceful);
    let life = rig.engine().await;
    rig.submit_compose(&life, Image::V1).await;
    assert_eq!(rig.end(&life).await, End::Completed);
    for (image, end, left) in
        [(Image::V2, End::Completed, Image::V2), (Image::Broken, End::RolledBack, Image::V2)]
    {
        let (ended, report) = under_load(&format!("{image:?} from Compose"), &rig, async {
            rig.submit_compose(&life, image).await;
            rig.end(&life).await
        })
        .await;
        assert_eq!(ended, end, "{image:?}");
        assert_eq!(report.all.failed, 0, "{report}");
        rig.assert_serving(left);
    }
}

#[tokio::test]
async fn rolling_loses_nothing() {
    completes("rolling", rolling()).await;
}

#[tokio::test]
async fn blue_green_loses_nothing() {
    completes("blue-green", json!({ "blue_green": { "standby": "0s" } })).await;
}

#[tokio::test]
async fn canary_loses_nothing() {
    let steps = ["25%", "50%", "100%"]
        .map(|weight| json!({ "weight": weight, "gates": [{ "hold": "500ms" }] }));
    completes("canary 25/50/100", json!({ "canary": { "steps": steps } })).await;
}

#[tokio::test]
async fn an_abort_in_mid_canary_loses_nothing() {
    let strategy = json!({ "canary": { "steps": [
        { "weight": "25%", "gates": [{ "approval": {} }] },
        { "weight": "100%" },
    ]}});
    for manners in Manners::ALL {
        let rig = Rig::new(manners);
        let life = rig.deployed().await;
        let (end, report) = under_load("abort in mid-canary", &rig, async {
            rig.submit(&life, Image::V2, &strategy, Duration::ZERO).await;
            rig.until(&life, |status| status.phase == Phase::Gating).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            life.handle.abort("live suite", Some("as the story goes")).await.unwrap();
            rig.end(&life).await
        })
        .await;
        assert_eq!(end, End::RolledBack, "{manners:?}");
        assert_eq!(report.all.failed, 0, "{manners:?}: {report}");
        assert!(0 < report.versions["v2"].ok, "the canary had traffic: {report}");
        rig.assert_serving(Image::V1);
    }
}

#[tokio::test]
async fn a_version_that_never_gets_ready_is_rolled_back_unseen() {
    for manners in Manners::ALL {
        let rig = Rig::new(manners);
        let life = rig.deployed().await;
        let (end, report) = under_load("never ready", &rig, async {
            rig.submit(&life, Image::Broken, &rolling(), Duration::ZERO).await;
            rig.end(&life).await
        })
        .await;
        assert_eq!(end, End::RolledBack, "{manners:?}");
        assert_eq!(report.all.failed, 0, "{manners:?}: {report}");
        assert_eq!(report.versions.keys().collect::<Vec<_>>(), ["v1"], "{report}");
        rig.assert_serving(Image::V1);
    }
}

/// It answers one request in five with 500 from its third second on. Its probe fails three times in
/// 300 ms; what it spoils until then is counted, and is all that fails.
#[tokio::test]
async fn a_version_that_fails_once_ready_is_rolled_back() {
    for manners in Manners::ALL {
        let rig = Rig::new(manners);
        let life = rig.deployed().await;
        let (end, report) = under_load("ready, then failing", &rig, async {
            rig.submit(&life, Image::Degrading, &rolling(), Duration::from_secs(5)).await;
            rig.end(&life).await
        })
        .await;
        assert_eq!(end, End::RolledBack, "{manners:?}");
        let spoiled = report.versions["v4"].failed;
        assert_eq!(report.all.failed, spoiled, "only its own answers failed: {report}");
        assert_eq!(report.versions["v1"].failed, 0, "{report}");
        // At most all four replicas of it, half a second each: 400 × 0.5 × 20 %.
        assert!(spoiled <= 40, "{manners:?}: {report}");
        rig.assert_serving(Image::V1);
    }
}
