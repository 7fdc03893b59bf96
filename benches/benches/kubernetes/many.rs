//! A thousand pods that are only played, a quarter more and a quarter less: how long, and how many writes.

use std::time::{Duration, Instant};

use rollout_core::engine::{PoolStatus, Status};
use rollout_live::{
    bed::Manners,
    cluster::PLAYED_POD,
    place::{Kept, Place, WORKLOAD},
};
use serde_json::{Value, json};

use crate::{Failure, objects::removed, peer, say, writes::Writes};

const REPLICAS: u64 = 1_000;

/// Rolls out by the engine and by a Deployment.
pub(crate) async fn measure() -> Result<(), Failure> {
    say(
        "\n1,000 played pods, ready after 1 to 3 s, surge 25 %, unavailable 25 %; the engine's journal is in the cluster:",
    );
    let mut place = Place::new("many", Manners::Graceful)?;
    let budget = (&json!("25%"), &json!("25%"));
    peer::apply(&place, template("1"), REPLICAS, budget)?;
    peer::completed(&place)?;
    let before = Writes::now(&place)?;
    peer::apply(&place, template("2"), REPLICAS, budget)?;
    let begun = Instant::now();
    peer::completed(&place)?;
    let took = begun.elapsed();
    told("Deployment", (took, took), &before, &place)?;
    // A thousand pods that are being deleted would be in the way of what is measured next.
    removed(place)?;

    place = Place::new("many", Manners::Graceful)?;
    let kubeconfig = place.cluster().kubeconfig();
    let life = place.engine_kept(Kept::InCluster, &kubeconfig).await?;
    place.submit_spec(&life, &spec("1")).await?;
    life.end().await?;
    let (before, begun) = (Writes::now(&place)?, Instant::now());
    place.submit_spec(&life, &spec("2")).await?;
    life.until("new pods", is_new).await?;
    let new = begun.elapsed();
    life.end().await?;
    told("engine", (new, begun.elapsed()), &before, &place)
}

/// Whether all pods of the attempt's revision are available; in the end it is the stable one.
fn is_new(status: &Status) -> bool {
    let is_all = |pool: &PoolStatus| {
        Some(&pool.revision) == status.candidate.as_ref() && pool.available == REPLICAS
    };
    status.pools.iter().any(is_all)
}

/// Tells how long it took until all new pods were available, and until it was told as done. A Deployment tells it
/// at once, when its last old pods are told to go; the engine, when those are drained and told to go.
fn told(
    who: &str,
    (new, done): (Duration, Duration),
    before: &Writes,
    place: &Place,
) -> Result<(), Failure> {
    let [new, done] = [new, done].map(|it| it.as_secs_f64());
    let writes = Writes::now(place)?.since(before);
    say(&format!("  {who:<12} all new {new:>5.1} s, done {done:>5.1} s  {writes}"));
    Ok(())
}

fn spec(version: &str) -> Value {
    json!({
        "version": 1,
        "workload": WORKLOAD,
        "replicas": REPLICAS,
        "strategy": { "rolling": { "surge": "25%", "unavailable": "25%" } },
        "drain": { "deadline": "0s" },
        "template": template(version),
    })
}

/// A pod that exists in the API only.
fn template(version: &str) -> Value {
    let mut spec: Value = serde_json::from_str(PLAYED_POD).expect("it is JSON");
    spec["containers"] = json!([{ "name": "web", "image": format!("none:{version}") }]);
    json!({ "metadata": { "labels": { "app": WORKLOAD } }, "spec": spec })
}
