//! Cases about pools of a backend that makes instances by count: sizes, and who goes first.

use std::collections::BTreeSet;

use rollout_core::{
    engine::{Effect, EnrolState, RefusalKind},
    port::Confirmation,
};

use super::{
    Entry, Stop,
    case::{Case, expect},
    lifecycle,
};

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "a pool is made, grows, shrinks and empties, and each is seen",
        run: |case| Box::pin(whole_life(case)),
    },
    Entry {
        name: "a size repeated is applied and changes nothing",
        run: |case| Box::pin(repeated(case)),
    },
    Entry { name: "what was drained goes first", run: |case| Box::pin(drained_first(case)) },
    Entry {
        name: "an instance that is lost is replaced, and its replacement gets traffic",
        run: |case| Box::pin(heals(case)),
    },
    Entry {
        name: "an acknowledged size is in every observation of its mark",
        run: |case| Box::pin(marks(case)),
    },
    Entry { name: "nothing of what was never made is applied", run: |case| Box::pin(absent(case)) },
    Entry { name: "instances are not made or ended by name", run: |case| Box::pin(by_name(case)) },
    Entry { name: "revisions are read back from the world", run: |case| Box::pin(revisions(case)) },
    Entry {
        name: "a pinned template pins to itself, a bad one is refused by its field",
        run: |case| Box::pin(lifecycle::pins(case)),
    },
];

async fn whole_life(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    for size in [2, 4, 1, 0] {
        case.must(&case.scale(&revision, size)).await?;
        case.until_pool(&revision, &format!("{size} ready"), |pool, seen| {
            let counts = [pool.replicas, pool.created, pool.ready, pool.available];
            counts == [size; 4]
                && pool.terminating == 0
                && u64::try_from(seen.instances.len()) == Ok(size)
        })
        .await?;
    }
    Ok(())
}

async fn repeated(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let two = case.scale(&revision, 2);
    case.must(&two).await?;
    case.must(&two).await?;
    let first = case.until_pool(&revision, "2 ready", |pool, _| pool.ready == 2).await?;
    case.must(&two).await?;
    let again = case.until_pool(&revision, "2 ready", |pool, _| pool.ready == 2).await?;
    let names = |seen: &rollout_core::engine::Inventory| -> Vec<_> {
        seen.instances.keys().cloned().collect()
    };
    expect(names(&first) == names(&again), || format!("{first:?} became {again:?}"))
}

async fn drained_first(case: &Case<'_>) -> Result<(), Stop> {
    let enrolment = case.enrolment()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    case.must(&case.scale(&revision, 4)).await?;
    let seen = case.until_pool(&revision, "4 ready", |pool, _| pool.ready == 4).await?;
    let drained: BTreeSet<_> = seen.instances.keys().step_by(2).cloned().collect();
    for name in &drained {
        let mark = case.must(&case.drain(name)).await?;
        let shown = case.enrolled_since(name, mark).await?;
        let drains = shown.is_some_and(|one| one.state == EnrolState::Draining);
        expect(drains, || format!("after drain: {shown:?}"))?;
    }
    match enrolment.confirmation() {
        Confirmation::Observed => {
            for name in &drained {
                case.until_drained(name).await?;
            }
        }
        Confirmation::Elapsed(bound) => case.bench.wait(bound).await,
    }
    case.must(&case.scale(&revision, 2)).await?;
    let left = case
        .until_pool(&revision, "2", |pool, seen| pool.replicas == 2 && seen.instances.len() == 2)
        .await?;
    let gone = drained.iter().all(|name| !left.instances.contains_key(name));
    expect(gone, || format!("drained were {drained:?}, left are {:?}", left.instances.keys()))
}

async fn heals(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (lost, _) = case.running(&revision, 1).await?;
    case.until_pool(&revision, "ready", |pool, _| pool.ready == 1).await?;
    case.bench.kill(&case.workload, &lost).await;
    let seen = case
        .until_pool(&revision, "ready again", |pool, seen| {
            pool.ready == 1 && !seen.instances.contains_key(&lost)
        })
        .await?;
    let Some(name) = seen.instances.keys().next() else {
        return Err(Stop::Failed(format!("no instance is told of: {seen:?}")));
    };
    if case.enrolment().is_ok() {
        let shown = case.enrolled(name).await?;
        let is_in = shown.is_some_and(|one| one.state == EnrolState::In);
        expect(is_in, || format!("the replacement {name} is {shown:?}"))?;
    }
    let reached = case.bench.gets_traffic(&case.workload, name).await;
    expect(reached != Some(false), || format!("the replacement {name} gets nothing"))
}

async fn marks(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    for size in 1..=3 {
        let mark = case.must(&case.scale(&revision, size)).await?;
        let seen = case.until_pool(&revision, "of that mark", |_, seen| mark <= seen.mark).await?;
        let pool = seen.pools.get(&revision.id).cloned().unwrap_or_default();
        expect(pool.replicas == size, || {
            format!("told {size} at {mark}; an observation at {} shows {pool:?}", seen.mark)
        })?;
    }
    Ok(())
}

async fn absent(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    case.must(&case.scale(&revision, 0)).await?;
    let seen = case.inventory().await?;
    expect(seen.instances.is_empty(), || format!("something was made: {seen:?}"))
}

async fn by_name(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let instance = case.name(&revision, 1)?;
    let effect = Effect::Create { instance: instance.clone(), revision: revision.id.clone() };
    let create = case.action(effect, Some(&revision));
    for action in [create, case.start(&instance), case.stop(&instance), case.remove(&instance)] {
        case.must_refuse(&action, RefusalKind::Invalid).await?;
    }
    Ok(())
}

async fn revisions(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let (one, other) = (case.revision("v1", false).await?, case.revision("v2", true).await?);
    for revision in [&one, &other] {
        let mark = case.must(&case.scale(revision, 1)).await?;
        case.until_pool(revision, "of that mark", |_, seen| mark <= seen.mark).await?;
    }
    let read = case.inventory().await?.revisions;
    for wanted in [&one, &other] {
        expect(read.contains(wanted), || {
            format!("{} is not among the revisions read back: {read:?}", wanted.id)
        })?;
    }
    Ok(())
}
