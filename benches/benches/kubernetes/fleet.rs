//! Many workloads moved at once by one operator, beside as many Deployments.

use std::time::Instant;

use k8s_openapi::api::apps::v1::Deployment;
use rollout_k8s::crd::Rollout;
use rollout_live::{bed::Manners, cluster::Component, place::Place};

use crate::{
    Failure,
    copy::{Copy, Used},
    objects::{Many, clear, removed},
    say,
    writes::Writes,
};

/// Workloads, unless another number is asked for.
pub(crate) const WORKLOADS: usize = 500;
/// Pods of each of them.
const REPLICAS: u64 = 4;

/// Moves `count` workloads by Deployments, then by an operator.
pub(crate) async fn measure(count: usize) -> Result<(), Failure> {
    say(&format!("\n{count} workloads of {REPLICAS} played pods, surge 1, changed at once:"));
    deployments(count).await?;
    rollouts(count).await
}

async fn deployments(count: usize) -> Result<(), Failure> {
    let mut place = Place::new("fleet", Manners::Graceful)?;
    let many: Many<Deployment> = Many::new(&mut place, count, REPLICAS).await?;
    many.apply("1").await?;
    many.through(Instant::now()).await?;
    let used = |place: &mut Place| {
        let pid = place.cluster().pid(Component::Controllers).ok_or("no controllers run")?;
        Used::of(pid)
    };
    let (before, began_with) = (Writes::now(&place)?, used(&mut place)?);
    let begun = Instant::now();
    many.apply("2").await?;
    let took = many.through(begun).await?;
    let used = used(&mut place)?.since(began_with);
    let writes = Writes::now(&place)?.since(&before);
    say(&format!("  Deployments  {:>5.1} s  {}", took.as_secs_f64(), writes.each(count)));
    say(&format!("               all controllers: {used}"));
    removed(place)
}

async fn rollouts(count: usize) -> Result<(), Failure> {
    let mut place = Place::new("fleet", Manners::Graceful)?;
    place.define().await?;
    let copy = Copy::start(&mut place)?;
    let many: Many<Rollout> = Many::new(&mut place, count, REPLICAS).await?;
    let (before, began_with) = (Writes::now(&place)?, copy.used()?);
    let begun = Instant::now();
    many.apply("1").await?;
    let first = many.through(begun).await?;
    let used = copy.used()?.since(began_with);
    let writes = Writes::now(&place)?.since(&before);
    say(&format!("  first deploy {:>5.1} s  {}", first.as_secs_f64(), writes.each(count)));
    say(&format!("               the operator: {used}"));
    let (before, began_with) = (Writes::now(&place)?, copy.used()?);
    let begun = Instant::now();
    many.apply("2").await?;
    let took = many.through(begun).await?;
    let used = copy.used()?.since(began_with);
    let writes = Writes::now(&place)?.since(&before);
    say(&format!("  Rollouts     {:>5.1} s  {}", took.as_secs_f64(), writes.each(count)));
    say(&format!("               the operator: {used}"));
    clear(&place)?;
    drop(copy);
    removed(place)
}
