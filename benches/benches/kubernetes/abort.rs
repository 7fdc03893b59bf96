//! Abort of a canary: from the order to the first write that takes traffic away, as the API server is asked for it.

use std::time::{Duration, Instant};

use rollout_core::engine::Phase;
use rollout_live::{
    bed::{Image, Manners},
    place::{Place, Way},
    proxy::{Proxy, Seen},
};
use serde_json::json;

use crate::{Failure, say};

/// Aborts of each kind.
const ABORTS: usize = 20;

/// Aborts canaries by weight, and by pods.
pub(crate) async fn measure() -> Result<(), Failure> {
    say(&format!(
        "\nabort of a canary, from the order to the write that takes traffic away, {ABORTS} each:"
    ));
    measured("weight in an HTTPRoute", Way::Gateway, "/httproutes/").await?;
    measured("a pod behind a Service", Way::Service, "/pods/").await
}

/// Aborts canaries that get traffic this way; what takes it away is the first write with `part` in its path.
async fn measured(what: &str, way: Way, part: &str) -> Result<(), Failure> {
    let mut place = Place::by(way, "abort", Manners::Graceful)?;
    let proxy = Proxy::start(place.cluster())?;
    let life = place.engine_through(&proxy.kubeconfig()).await?;
    place.deploy(&life).await?;
    let canary = json!({ "canary": { "steps": [
        { "weight": "25%", "gates": [{ "approval": {} }] },
        { "weight": "100%" },
    ] } });
    let mut all = Vec::new();
    for _ in 0..ABORTS {
        place.submit(&life, Image::V2, &canary).await?;
        life.until("the gate", |status| status.phase == Phase::Gating).await?;
        let ordered = Instant::now();
        life.handle().abort("bench", None).await?;
        let answered = ordered.elapsed();
        life.end().await?;
        let is_it =
            |seen: &&Seen| ordered <= seen.at && seen.has_changed() && seen.path.contains(part);
        let write = proxy.seen().iter().find(is_it).map(|seen| seen.at - ordered);
        all.push((write.ok_or("no write took traffic away")?, answered));
    }
    all.sort_unstable();
    let ms = |of: Duration| of.as_secs_f64() * 1_000.0;
    let at = |percent: usize| all[((all.len() * percent).div_ceil(100)).saturating_sub(1)].0;
    say(&format!(
        "  {what:<24} p50 {:>6.1} ms, p99 {:>6.1} ms, least {:>6.1} ms",
        ms(at(50)),
        ms(at(99)),
        ms(all[0].0)
    ));
    Ok(())
}
