//! Four real pods under 400 requests per second, each over a new connection, behind kube-proxy.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::{Image, Manners},
    load::{Load, LoadPlan, Report},
    place::{Place, REPLICAS},
};
use serde_json::{Value, json};

use crate::{Failure, peer, say};

/// Requests of each rollout: 20 s.
const REQUESTS: u64 = 8_000;
/// Those before it.
const BEFORE: u64 = 400;

/// Who rolls out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Engine,
    Deployment,
    /// A Deployment whose pods sleep for 5 s before they are told to end.
    SleepingDeployment,
}

impl Who {
    const ALL: [Self; 3] = [Self::Engine, Self::Deployment, Self::SleepingDeployment];

    fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Deployment => "Deployment",
            Self::SleepingDeployment => "Deployment, preStop sleep 5 s",
        }
    }
}

/// Rolls out by each in turn, with graceful and with abrupt servers.
pub(crate) async fn measure() -> Result<(), Failure> {
    say("4 real pods, surge 1, unavailable 0, 400 requests per second over new connections:");
    for manners in [Manners::Graceful, Manners::Abrupt] {
        for who in Who::ALL {
            let (took, report) = rolled_out(who, manners).await?;
            let all = report.all;
            say(&format!(
                "  {:<30} {:<9} {:>5.1} s  {:>4} failed of {}",
                who.name(),
                manners.name(),
                took.as_secs_f64(),
                all.failed,
                all.sent(),
            ));
        }
    }
    Ok(())
}

async fn rolled_out(who: Who, manners: Manners) -> Result<(Duration, Report), Failure> {
    let place = Place::new("bench", manners)?;
    let plan = LoadPlan { requests: Some(REQUESTS), ..LoadPlan::strangers() };
    if who == Who::Engine {
        let life = place.engine().await?;
        place.deploy(&life).await?;
        let load = Load::start(place.addr(), plan)?;
        load.reached(BEFORE).await;
        let begun = Instant::now();
        let rolling = json!({ "rolling": { "surge": 1, "unavailable": 0 } });
        place.submit(&life, Image::V2, &rolling).await?;
        life.end().await?;
        return Ok((begun.elapsed(), load.finish().await));
    }
    let budget = (&json!(1), &json!(0));
    peer::apply(&place, template(who, &place, Image::V1), REPLICAS, budget)?;
    peer::completed(&place, REPLICAS).await?;
    place.answers().await?;
    let load = Load::start(place.addr(), plan)?;
    load.reached(BEFORE).await;
    let begun = Instant::now();
    peer::apply(&place, template(who, &place, Image::V2), REPLICAS, budget)?;
    peer::completed(&place, REPLICAS).await?;
    Ok((begun.elapsed(), load.finish().await))
}

fn template(who: Who, place: &Place, image: Image) -> Value {
    let mut template = place.template(image);
    if who == Who::SleepingDeployment {
        template["spec"]["terminationGracePeriodSeconds"] = json!(10);
        template["spec"]["containers"][0]["lifecycle"] =
            json!({ "preStop": { "sleep": { "seconds": 5 } } });
    }
    template
}
