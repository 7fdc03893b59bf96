//! A thousand pods that are only played, a quarter more and a quarter less: how long, and how many writes.

use std::time::Instant;

use rollout_live::{
    bed::Manners,
    cluster::PLAYED_POD,
    place::{Kept, Place, WORKLOAD},
};
use serde_json::{Value, json};

use crate::{Failure, peer, say, writes::Writes};

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
    told("Deployment", begun, &before, &place)?;
    drop(place);

    place = Place::new("many", Manners::Graceful)?;
    let kubeconfig = place.cluster().kubeconfig();
    let life = place.engine_kept(Kept::InCluster, &kubeconfig).await?;
    place.submit_spec(&life, &spec("1")).await?;
    life.end().await?;
    let (before, begun) = (Writes::now(&place)?, Instant::now());
    place.submit_spec(&life, &spec("2")).await?;
    life.end().await?;
    told("engine", begun, &before, &place)
}

fn told(who: &str, begun: Instant, before: &Writes, place: &Place) -> Result<(), Failure> {
    let took = begun.elapsed().as_secs_f64();
    let writes = Writes::now(place)?.since(before);
    say(&format!("  {who:<12} {took:>5.1} s  {writes}"));
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
