//! Four real pods under 400 requests per second, each over a new connection: by the engine, behind kube-proxy and
//! behind Envoy, and by a Deployment with the same budget.

use rollout_core::engine::Phase;
use rollout_live::{
    bed::{Image, Manners},
    place::{Place, REPLICAS, Way},
};
use serde_json::{Value, json};

use crate::{
    Failure, peer,
    run::{Run, Told},
    say,
};

/// What the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Rolling,
    BlueGreen,
    CanaryAborted,
    /// Through Envoy: 10, 50 and 100 %, each for 2 s.
    Gateway,
    GatewayAborted,
}

impl Story {
    const ALL: [Self; 5] =
        [Self::Rolling, Self::BlueGreen, Self::CanaryAborted, Self::Gateway, Self::GatewayAborted];

    const fn name(self) -> &'static str {
        match self {
            Self::Rolling => "engine, rolling",
            Self::BlueGreen => "engine, blue-green by a Service",
            Self::CanaryAborted => "engine, canary of 1 pod, aborted",
            Self::Gateway => "engine, canary 10/50/100 % by Envoy",
            Self::GatewayAborted => "engine, canary 25 % by Envoy, aborted",
        }
    }

    const fn way(self) -> Way {
        match self {
            Self::Rolling | Self::CanaryAborted => Way::Service,
            Self::BlueGreen => Way::Switch,
            Self::Gateway | Self::GatewayAborted => Way::Gateway,
        }
    }

    const fn is_aborted(self) -> bool {
        match self {
            Self::CanaryAborted | Self::GatewayAborted => true,
            Self::Rolling | Self::BlueGreen | Self::Gateway => false,
        }
    }

    fn strategy(self) -> Value {
        let step = |weight: &str| json!({ "weight": weight, "gates": [{ "hold": "2s" }] });
        match self {
            Self::Rolling => json!({ "rolling": { "surge": 1, "unavailable": 0 } }),
            Self::BlueGreen => json!({ "blue_green": { "standby": "0s" } }),
            Self::CanaryAborted | Self::GatewayAborted => json!({ "canary": { "steps": [
                { "weight": "25%", "gates": [{ "approval": {} }] },
                { "weight": "100%" },
            ] } }),
            Self::Gateway => {
                let steps = ["10%", "50%", "100%"].map(step);
                json!({ "canary": { "steps": steps } })
            }
        }
    }
}

/// Rolls out by each in turn, with graceful and with abrupt servers.
pub(crate) async fn measure() -> Result<(), Failure> {
    say("4 real pods, surge 1, unavailable 0, 400 requests per second over new connections.\n\
         alone: from the order until the last answer of the version that goes; told: until the one who rolls out\n\
         says that it is done; gone: until no pod of it is left.");
    say(&format!("  {:<38} {:<9} {}", "", "servers", Told::TITLE));
    for manners in [Manners::Graceful, Manners::Abrupt] {
        for story in Story::ALL {
            let told = by_engine(story, manners).await?;
            say(&format!("  {:<38} {:<9} {told}", story.name(), manners.name()));
        }
        for sleeps in [false, true] {
            let told = by_deployment(sleeps, manners).await?;
            let name = if sleeps { "Deployment, preStop sleep 5 s" } else { "Deployment" };
            say(&format!("  {name:<38} {:<9} {told}", manners.name()));
        }
    }
    Ok(())
}

async fn by_engine(story: Story, manners: Manners) -> Result<Told, Failure> {
    let place = Place::by(story.way(), "bench", manners)?;
    let life = place.engine().await?;
    place.deploy(&life).await?;
    let mut run = Run::start(&place).await?;
    place.submit(&life, Image::V2, &story.strategy()).await?;
    if story.is_aborted() {
        life.until("the gate", |status| status.phase == Phase::Gating).await?;
        run.answered(4_000).await;
        run.begins();
        life.handle().abort("bench", None).await?;
    }
    life.end().await?;
    let goes = if story.is_aborted() { Image::V2 } else { Image::V1 };
    run.told(&place, goes).await
}

async fn by_deployment(sleeps: bool, manners: Manners) -> Result<Told, Failure> {
    let place = Place::new("bench", manners)?;
    let budget = (&json!(1), &json!(0));
    peer::apply(&place, template(sleeps, &place, Image::V1), REPLICAS, budget)?;
    peer::completed(&place)?;
    place.answers().await?;
    let mut run = Run::start(&place).await?;
    peer::apply(&place, template(sleeps, &place, Image::V2), REPLICAS, budget)?;
    // The time of `kubectl` itself is not the controller's.
    run.begins();
    peer::completed(&place)?;
    run.told(&place, Image::V1).await
}

fn template(sleeps: bool, place: &Place, image: Image) -> Value {
    let mut template = place.template(image);
    if sleeps {
        template["spec"]["terminationGracePeriodSeconds"] = json!(10);
        template["spec"]["containers"][0]["lifecycle"] =
            json!({ "preStop": { "sleep": { "seconds": 5 } } });
    }
    template
}
