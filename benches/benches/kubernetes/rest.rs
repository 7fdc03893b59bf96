//! Steady state: what an engine asks of the API server while nothing is under way, beside its watches.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rollout_live::{
    bed::Manners,
    place::{Kept, Place, Way},
    proxy::Proxy,
};
use tokio::time::sleep;

use crate::{Failure, say};

/// Time until whatever a rollout left to do is done.
const SETTLES: Duration = Duration::from_secs(10);
/// Time that is looked at.
const LOOKS: Duration = Duration::from_secs(60);

/// Looks at an engine at rest, with each way of sharing traffic.
pub(crate) async fn measure() -> Result<(), Failure> {
    say(&format!("\nat rest, requests to the API server in {} s:", LOOKS.as_secs()));
    for (name, way) in [
        ("Service", Way::Service),
        ("Service that is switched", Way::Switch),
        ("HTTPRoute", Way::Gateway),
    ] {
        let mut place = Place::by(way, "rest", Manners::Graceful)?;
        let proxy = Proxy::start(place.cluster())?;
        let life = place.engine_kept(Kept::InCluster, &proxy.kubeconfig()).await?;
        place.deploy(&life).await?;
        sleep(SETTLES).await;
        let begun = Instant::now();
        sleep(LOOKS).await;
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        for seen in proxy.seen().iter().filter(|seen| begun <= seen.at) {
            let kind = match (seen.is_watch, seen.is_write()) {
                (true, _) => "watches begun anew",
                (false, true) => "writes",
                (false, false) => "reads",
            };
            *asked.entry(kind).or_default() += 1;
        }
        say(&format!("  {name:<26} {asked:?}"));
    }
    Ok(())
}
