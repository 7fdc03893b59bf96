//! Many workloads at rest under one operator: what it costs to look after them.

use std::time::{Duration, Instant};

use rollout_k8s::crd::Rollout;
use rollout_live::{bed::Manners, place::Place};
use tokio::time::sleep;

use crate::{
    Failure,
    copy::Copy,
    objects::{Many, clear, removed},
    say,
    writes::{Reads, Writes},
};

/// Workloads, unless another number is asked for.
pub(crate) const WORKLOADS: usize = 1_000;
/// Longer than a driver is kept for one that has nothing to do.
const UNTIL_REST: Duration = Duration::from_secs(60);
const MEASURED_FOR: Duration = Duration::from_secs(60);

/// Rolls out `count` workloads of one pod each, waits until all rest, and measures for a minute: once the
/// operator that did it, once one that has just begun.
pub(crate) async fn measure(count: usize) -> Result<(), Failure> {
    say(&format!("\n{count} workloads at rest:"));
    let mut place = Place::new("idle", Manners::Graceful)?;
    place.define().await?;
    let copy = Copy::start(&mut place)?;
    let many: Many<Rollout> = Many::new(&mut place, count, 1).await?;
    let begun = Instant::now();
    many.apply("1").await?;
    let took = many.through(begun).await?;
    let used = copy.used()?;
    say(&format!("  first deploy {:>7.1} s, the operator: {used}", took.as_secs_f64()));
    rests("after it", &place, &copy).await?;
    drop(copy);
    let copy = Copy::start(&mut place)?;
    rests("begun anew", &place, &copy).await?;
    clear(&place)?;
    drop(copy);
    removed(place)
}

async fn rests(who: &str, place: &Place, copy: &Copy) -> Result<(), Failure> {
    sleep(UNTIL_REST).await;
    let (writes, reads) = (Writes::now(place)?, Reads::now(place)?);
    let began_with = copy.used()?;
    sleep(MEASURED_FOR).await;
    let used = copy.used()?.since(began_with);
    let (writes, reads) = (Writes::now(place)?.since(&writes), Reads::now(place)?.since(&reads));
    let seconds = MEASURED_FOR.as_secs();
    say(&format!("  {who:<12} {seconds} s of rest: {used}; {writes}; {reads}"));
    Ok(())
}
