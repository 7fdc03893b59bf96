//! Cases about workloads that are replaced in place: places, divisions, and who comes back.

use std::{collections::BTreeSet, sync::Arc};

use rollout_core::{
    engine::{Action, Division, Effect, Inventory, Reach, RefusalKind, Revision},
    id::InstanceId,
    port::{InPlaceOrder, Making},
    time::Span,
};

use super::{
    Entry, Stop,
    case::{Case, expect},
    lifecycle,
};

/// Time in which whoever is taken away would be gone.
const A_WHILE: Span = Span::from_secs(3);

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "another number of places at rest is taken, repeated it changes nothing",
        run: |case| Box::pin(sized(case)),
    },
    Entry {
        name: "a division that takes nobody away touches nobody",
        run: |case| Box::pin(untouched(case)),
    },
    Entry {
        name: "a division takes away those of another revision it reaches, once",
        run: |case| Box::pin(divided(case)),
    },
    Entry {
        name: "whoever is taken away by name comes back as the division says, under another id",
        run: |case| Box::pin(removed(case)),
    },
    Entry {
        name: "a division back takes nobody away, and each can go by name",
        run: |case| Box::pin(back(case)),
    },
    Entry {
        name: "places of one revision are not sized as another's",
        run: |case| Box::pin(of_another(case)),
    },
    Entry {
        name: "a pinned template pins to itself, a bad one is refused by its field",
        run: |case| Box::pin(lifecycle::pins(case)),
    },
];

impl Case<'_> {
    /// The order for a division.
    pub(crate) fn divide(&self, revision: &Arc<Revision>, reach: Reach) -> Action {
        let effect = Effect::Divide(Division { revision: revision.id.clone(), reach });
        self.action(effect, Some(revision))
    }

    /// Whether the backend replaces in an order of its own.
    fn is_ranked(&self) -> bool {
        self.making() == Making::InPlace { order: InPlaceOrder::Ranked }
    }

    /// The division that takes nobody away.
    fn reach_of_nobody(&self) -> Reach {
        if self.is_ranked() { Reach::First(0) } else { Reach::Vacated }
    }

    /// Claims the workload, lets it have `places`, and waits until all are ready.
    async fn placed(&self, places: u64) -> Result<(Arc<Revision>, Inventory), Stop> {
        self.claim("suite", false).await?;
        let revision = self.revision("v1", false).await?;
        self.must(&self.scale(&revision, places)).await?;
        let seen = self.until_places(&revision, places).await?;
        Ok((revision, seen))
    }

    /// Waits until so many places are of `revision` and ready.
    async fn until_places(&self, revision: &Revision, places: u64) -> Result<Inventory, Stop> {
        self.until_pool(revision, &format!("{places} ready places"), |pool, seen| {
            let of_it = seen.instances.values().filter(|one| one.revision == revision.id);
            [pool.replicas, pool.created, pool.ready] == [places; 3]
                && of_it.count() as u64 == places
        })
        .await
    }
}

fn names(seen: &Inventory) -> BTreeSet<InstanceId> {
    seen.instances.keys().cloned().collect()
}

async fn sized(case: &Case<'_>) -> Result<(), Stop> {
    if !case.is_ranked() {
        return Err(Stop::Skipped("its number of places is not the engine's to say"));
    }
    let (revision, three) = case.placed(3).await?;
    let again = case.scale(&revision, 3);
    case.must(&again).await?;
    let seen = case.until_places(&revision, 3).await?;
    expect(names(&three) == names(&seen), || format!("{three:?} became {seen:?}"))?;
    case.must(&case.scale(&revision, 4)).await?;
    let four = case.until_places(&revision, 4).await?;
    expect(names(&three).is_subset(&names(&four)), || format!("{three:?} became {four:?}"))?;
    case.must(&case.scale(&revision, 2)).await?;
    let two = case.until_places(&revision, 2).await?;
    let first = |it: &&InstanceId| four.instances[*it].rank.is_some_and(|rank| rank < 2);
    let gone: BTreeSet<InstanceId> = four.instances.keys().filter(first).cloned().collect();
    expect(names(&two).is_disjoint(&gone), || format!("of {four:?} there are {two:?}"))?;
    let ranks: BTreeSet<Option<u32>> = two.instances.values().map(|one| one.rank).collect();
    expect(ranks == BTreeSet::from([Some(0), Some(1)]), || format!("{two:?}"))
}

async fn untouched(case: &Case<'_>) -> Result<(), Stop> {
    let (_, before) = case.placed(2).await?;
    let other = case.revision("v2", true).await?;
    let reach = case.reach_of_nobody();
    let mark = case.must(&case.divide(&other, reach)).await?;
    let seen = case.until_pool(&other, "of that mark", |_, seen| mark <= seen.mark).await?;
    let wanted = Some(Division { revision: other.id.clone(), reach });
    expect(seen.division == wanted, || format!("the division shown is {:?}", seen.division))?;
    case.bench.wait(A_WHILE).await;
    let after = case.inventory().await?;
    expect(names(&before) == names(&after), || format!("{before:?} became {after:?}"))
}

async fn divided(case: &Case<'_>) -> Result<(), Stop> {
    if !case.is_ranked() {
        let (revision, _) = case.placed(1).await?;
        return case
            .must_refuse(&case.divide(&revision, Reach::First(1)), RefusalKind::Invalid)
            .await;
    }
    let (_, before) = case.placed(3).await?;
    let other = case.revision("v2", true).await?;
    for _ in 0..2 {
        case.must(&case.divide(&other, Reach::First(1))).await?;
        let seen = case.until_places(&other, 1).await?;
        for (name, one) in &seen.instances {
            let is_first = one.rank == Some(0);
            let is_kept = before.instances.contains_key(name);
            expect((one.revision == other.id) == is_first && is_first != is_kept, || {
                format!("{before:?} became {seen:?}")
            })?;
        }
    }
    case.must_refuse(&case.divide(&other, Reach::First(4)), RefusalKind::Invalid).await
}

async fn removed(case: &Case<'_>) -> Result<(), Stop> {
    let (_, before) = case.placed(2).await?;
    let other = case.revision("v2", true).await?;
    case.must(&case.divide(&other, Reach::Vacated)).await?;
    let Some(name) = before.instances.keys().next() else {
        return Err(Stop::Failed(format!("no instance is told of: {before:?}")));
    };
    case.must(&case.remove(name)).await?;
    let seen = case.until_places(&other, 1).await?;
    expect(!seen.instances.contains_key(name), || format!("{name} came back: {seen:?}"))?;
    // Whoever came back is another one: what is meant for the one before does not hit it.
    case.must(&case.remove(name)).await?;
    case.must(&case.drain(name)).await?;
    case.bench.wait(A_WHILE).await;
    let after = case.inventory().await?;
    expect(names(&seen) == names(&after), || format!("{seen:?} became {after:?}"))
}

async fn back(case: &Case<'_>) -> Result<(), Stop> {
    let (first, _) = case.placed(2).await?;
    let other = case.revision("v2", true).await?;
    if case.is_ranked() {
        case.must(&case.divide(&other, Reach::First(2))).await?;
    } else {
        case.must(&case.divide(&other, Reach::Vacated)).await?;
        for name in case.inventory().await?.instances.keys() {
            case.must(&case.remove(name)).await?;
        }
    }
    let taken = case.until_places(&other, 2).await?;
    case.must(&case.divide(&first, Reach::Vacated)).await?;
    case.bench.wait(A_WHILE).await;
    let seen = case.inventory().await?;
    expect(names(&taken) == names(&seen), || format!("{taken:?} became {seen:?}"))?;
    // The last one first: no order holds it back.
    let mut all: Vec<_> = seen.instances.iter().map(|(name, one)| (one.rank, name)).collect();
    all.sort();
    for (count, (_, name)) in all.into_iter().rev().enumerate() {
        case.must(&case.remove(name)).await?;
        case.until_places(&first, count as u64 + 1).await?;
    }
    Ok(())
}

async fn of_another(case: &Case<'_>) -> Result<(), Stop> {
    case.placed(1).await?;
    let other = case.revision("v2", true).await?;
    case.must_refuse(&case.scale(&other, 2), RefusalKind::Invalid).await
}
