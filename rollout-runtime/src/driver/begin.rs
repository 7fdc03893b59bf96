//! How a reign begins: load, replay, claim. The same at the first start, after a crash, and when the
//! journal failed in between.

use rollout_core::{
    engine::{Engine, Setup},
    id::WorkloadId,
    port::{Claim, ClaimError, ObserveError},
    time::Timestamp,
};
use tracing::info;

use super::{StartError, reign::Reign};
use crate::{clock::ReignTime, options::Options, ports::Ports};

/// Begins a reign over `workload`. Touches nothing but the claim.
pub(crate) async fn begin(
    workload: &WorkloadId,
    ports: &Ports,
    options: &Options,
) -> Result<Reign, StartError> {
    let records = ports.journal.load(workload).await?;
    let setup = Setup {
        workload: workload.clone(),
        capabilities: ports.capabilities(),
        tuning: options.tuning,
    };
    let engine = Engine::replay(setup, &records)
        .map_err(|why| StartError::Replay { workload: workload.clone(), why })?;
    let last = records.iter().map(|record| record.at).max();
    let time = ReignTime::after(ports.clock.clone(), last.unwrap_or(Timestamp(0)));
    let claim = Claim {
        owner: ports.journal.owner(),
        epoch: engine.epoch().next(),
        take_over: options.take_over,
    };
    let claimed = ports.backend.claim(workload, &claim);
    let limit = options.observe_deadline;
    let epoch = match time.within(limit, claimed).await {
        Some(claimed) => claimed?,
        None => return Err(no_answer(limit).into()),
    };
    info!(%workload, epoch = epoch.0, records = records.len(), "claimed");
    Ok(Reign::new(workload, ports, options, time, engine, epoch, records.len()))
}

fn no_answer(limit: rollout_core::time::Span) -> ClaimError {
    ClaimError::Unreachable(ObserveError {
        what: "the backend".to_owned(),
        why: format!("no answer to the claim within {limit}"),
        way_out: "see whether it is overloaded or cut off".to_owned(),
    })
}
