//! Whole rollouts on a real Kubernetes, under 400 requests per second, each over a new connection: told as they
//! should go, and with everything that can go wrong there.

mod api;
mod gate;
mod in_place;
mod killed;
mod operator;
mod people;
mod pods;
mod stories;

use std::{future::Future, time::Duration};

use rollout_core::engine::{End, Phase};
use rollout_live::{
    bed::{Image, Manners},
    load::Report,
    place::{Place, PlaceError, Way},
    rig::Life,
};
use serde_json::{Value, json};
use tokio::time::sleep;

/// New before old, one more than wanted.
fn rolling() -> Value {
    json!({ "rolling": { "surge": 1, "unavailable": 0 } })
}

/// How a rollout must end.
#[derive(Clone, Debug)]
struct Promise {
    end: End,
    serving: Image,
}

impl Promise {
    const DONE: Self = Self { end: End::Completed, serving: Image::V2 };
    const BACK: Self = Self { end: End::RolledBack, serving: Image::V1 };
}

/// Does `work` under load: it ends as promised, nothing is left over, and no request is lost.
async fn holds(
    place: &Place,
    promise: Promise,
    work: impl Future<Output = Result<End, PlaceError>>,
) -> Report {
    let report = ends(place, promise, work).await;
    assert_eq!(report.all.failed, 0, "{report}: {:?}", report.moments());
    report
}

/// The same, but requests may be lost.
async fn ends(
    place: &Place,
    promise: Promise,
    work: impl Future<Output = Result<End, PlaceError>>,
) -> Report {
    let (end, took, report) = place.under_load(work).await.unwrap_or_else(|why| panic!("{why}"));
    println!("{}: {:.1} s, {end}; {report}", place.namespace(), took.as_secs_f64());
    assert_eq!(end, promise.end, "{report}");
    let wanted = place.wanted(promise.serving);
    assert_eq!(place.settled(&wanted).await.expect("the cluster answers"), wanted);
    report
}

/// A place where version 1 serves, and its engine.
async fn deployed(name: &str, manners: Manners) -> (Place, Life) {
    deployed_by(Way::Service, name, manners).await
}

/// The same with another way to the pods.
async fn deployed_by(way: Way, name: &str, manners: Manners) -> (Place, Life) {
    let place = Place::by(way, name, manners).unwrap_or_else(|why| panic!("{why}"));
    let life = place.engine().await.unwrap_or_else(|why| panic!("{why}"));
    place.deploy(&life).await.unwrap_or_else(|why| panic!("{why}"));
    (place, life)
}

/// Submits version 2 and waits for the end.
async fn rolled_out(place: &Place, life: &Life, strategy: &Value) -> Result<End, PlaceError> {
    place.submit(life, Image::V2, strategy).await?;
    ended(life).await
}

/// A canary of a quarter that a person aborts after it was `watched` for so long: nothing is lost, and version 1 serves.
async fn aborted(place: &Place, life: &Life, watched: Duration) -> Report {
    let canary = json!({ "canary": { "steps": [
        { "weight": "25%", "gates": [{ "approval": {} }] },
        { "weight": "100%" },
    ] } });
    holds(place, Promise::BACK, async {
        place.submit(life, Image::V2, &canary).await?;
        life.until("the gate", |status| status.phase == Phase::Gating).await?;
        sleep(watched).await;
        life.handle().abort("live", Some("as the story goes")).await?;
        ended(life).await
    })
    .await
}

/// Waits for the end; says why if it is not the good one.
async fn ended(life: &Life) -> Result<End, PlaceError> {
    let end = life.end().await?;
    if end != End::Completed {
        let cause = life.handle().status().await.map(|status| status.cause);
        println!("{end}, because: {cause:?}");
    }
    Ok(end)
}
