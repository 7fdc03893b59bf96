//! Cases about the life of an instance: create, start, observe, stop, remove.

use rollout_core::engine::{InstanceState, RefusalKind};

use super::{
    Entry, Stop,
    case::{Case, expect, failed},
};

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "an instance is created, started, stopped and removed, and each is seen",
        run: |case| Box::pin(whole_life(case)),
    },
    Entry {
        name: "every action repeated is applied and changes nothing",
        run: |case| Box::pin(repeated(case)),
    },
    Entry {
        name: "a start does not revive an instance that has ended",
        run: |case| Box::pin(no_revival(case)),
    },
    Entry {
        name: "stop and remove of what is not there are applied",
        run: |case| Box::pin(absent(case)),
    },
    Entry {
        name: "an instance has the name it was given, and only once",
        run: |case| Box::pin(names(case)),
    },
    Entry {
        name: "a start of what is not there is refused as missing",
        run: |case| Box::pin(missing(case)),
    },
    Entry { name: "a killed instance is seen as exited", run: |case| Box::pin(killed(case)) },
    Entry {
        name: "an acknowledged write is in every later observation",
        run: |case| Box::pin(marks(case)),
    },
    Entry { name: "revisions are read back from the world", run: |case| Box::pin(revisions(case)) },
    Entry {
        name: "a pinned template pins to itself, a bad one is refused by its field",
        run: |case| Box::pin(pins(case)),
    },
];

async fn whole_life(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    case.create(&revision, &name).await?;
    let seen = case.instance(&name).await?;
    let created = seen
        .as_ref()
        .is_some_and(|one| one.state == InstanceState::Created && one.revision == revision.id);
    expect(created, || format!("after create: {seen:?}"))?;
    case.must(&case.start(&name)).await?;
    case.until(&name, "running", |seen| {
        seen.is_some_and(|one| one.state == InstanceState::Running)
    })
    .await?;
    case.must(&case.stop(&name)).await?;
    let seen = case.instance(&name).await?;
    let exited = seen.as_ref().is_some_and(|one| matches!(one.state, InstanceState::Exited { .. }));
    expect(exited, || format!("after stop: {seen:?}"))?;
    case.must(&case.remove(&name)).await?;
    let seen = case.instance(&name).await?;
    expect(seen.is_none(), || format!("after remove: {seen:?}"))
}

async fn repeated(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    let create = case.create(&revision, &name).await?;
    case.must(&create).await?;
    expect(case.inventory().await?.instances.len() == 1, || {
        "a repeated create made a second instance".to_owned()
    })?;
    let start = case.start(&name);
    case.must(&start).await?;
    let seen = case
        .until(&name, "running", |seen| {
            seen.is_some_and(|one| one.state == InstanceState::Running && one.address.is_some())
        })
        .await?;
    case.must(&start).await?;
    let again = case.instance(&name).await?;
    let same = again.as_ref().map(|one| (one.address, one.restarts))
        == seen.as_ref().map(|one| (one.address, one.restarts));
    expect(same, || format!("a repeated start: {seen:?} became {again:?}"))?;
    let stop = case.stop(&name);
    case.must(&stop).await?;
    case.must(&stop).await?;
    let remove = case.remove(&name);
    case.must(&remove).await?;
    case.must(&remove).await?;
    Ok(())
}

async fn no_revival(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, _) = case.running(&revision, 1).await?;
    case.bench.kill(&case.workload, &name).await;
    case.until(&name, "exited", |seen| {
        seen.is_some_and(|one| matches!(one.state, InstanceState::Exited { .. }))
    })
    .await?;
    // Whether it is applied or refused is the backend's own; that nothing runs again is not.
    let _outcome = case.attempt(&case.start(&name)).await?;
    case.bench.wait(rollout_core::time::Span::from_millis(500)).await;
    let seen = case.instance(&name).await?;
    let running = seen.as_ref().is_some_and(|one| one.state == InstanceState::Running);
    expect(!running, || format!("it runs again: {seen:?}"))
}

async fn absent(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    case.must(&case.stop(&name)).await?;
    case.must(&case.remove(&name)).await?;
    Ok(())
}

async fn names(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    case.create(&revision, &name).await?;
    let shown: Vec<_> = case.inventory().await?.instances.into_keys().collect();
    expect(shown == [name.clone()], || format!("created {name}, seen {shown:?}"))?;
    let other = case.revision("v2", true).await?;
    let effect =
        rollout_core::engine::Effect::Create { instance: name.clone(), revision: other.id.clone() };
    let action = case.action(effect, Some(&other));
    case.must_refuse(&action, RefusalKind::Conflict).await?;
    let seen = case.instance(&name).await?;
    let kept = seen.as_ref().is_some_and(|one| one.revision == revision.id);
    expect(kept, || format!("a refused create changed it: {seen:?}"))
}

async fn missing(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    case.must_refuse(&case.start(&name), RefusalKind::Missing).await
}

async fn killed(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, _) = case.running(&revision, 1).await?;
    case.bench.kill(&case.workload, &name).await;
    case.until(&name, "exited", |seen| {
        seen.is_some_and(|one| matches!(one.state, InstanceState::Exited { .. }))
    })
    .await?;
    Ok(())
}

async fn marks(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    for number in 1..=5 {
        let name = case.name(&revision, number)?;
        let effect = rollout_core::engine::Effect::Create {
            instance: name.clone(),
            revision: revision.id.clone(),
        };
        let mark = case.must(&case.action(effect, Some(&revision))).await?;
        let inventory = case.inventory().await?;
        let shown = inventory.instances.contains_key(&name);
        expect(shown && mark <= inventory.mark, || {
            format!(
                "{name} was created at {mark}; an observation at {} shows it: {shown}",
                inventory.mark
            )
        })?;
    }
    Ok(())
}

async fn revisions(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let (one, other) = (case.revision("v1", false).await?, case.revision("v2", true).await?);
    case.create(&one, &case.name(&one, 1)?).await?;
    case.create(&other, &case.name(&other, 1)?).await?;
    let read = case.inventory().await?.revisions;
    for wanted in [&one, &other] {
        expect(read.contains(wanted), || {
            format!("{} is not among the revisions read back: {read:?}", wanted.id)
        })?;
    }
    Ok(())
}

pub(super) async fn pins(case: &Case<'_>) -> Result<(), Stop> {
    let backend = case.bench.backend();
    let template = case.bench.template();
    let pin = backend.pin(&case.workload, &template).await;
    let once = pin.map_err(|error| failed(error.to_string()))?;
    let pin = backend.pin(&case.workload, &once).await;
    let twice = pin.map_err(|error| failed(error.to_string()))?;
    expect(once == twice, || format!("{once} was pinned again as {twice}"))?;
    let Some(bad) = case.bench.bad_template() else {
        return Err(Stop::Skipped("every template can be pinned"));
    };
    match backend.pin(&case.workload, &bad).await {
        Ok(pinned) => Err(failed(format!("{bad} was pinned as {pinned}"))),
        Err(error) => expect(!error.field.is_empty() && !error.way_out.is_empty(), || {
            format!("the error names no field or no way out: {error:?}")
        }),
    }
}
