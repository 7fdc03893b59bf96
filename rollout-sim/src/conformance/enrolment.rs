//! Cases about taking single instances in and out of traffic.

use rollout_core::{
    engine::{Admission, EnrolState, Route},
    port::{Confirmation, Making},
};

use super::{
    Entry, Stop,
    case::{Case, expect},
};

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "enrolled is in, drained runs empty, detached is absent, each repeated the same",
        run: |case| Box::pin(round_trip(case)),
    },
    Entry {
        name: "drain and detach of what is not enrolled are applied",
        run: |case| Box::pin(absent(case)),
    },
    Entry {
        name: "a drained instance can be enrolled again",
        run: |case| Box::pin(taken_back(case)),
    },
    Entry {
        name: "an instance on standby gets nothing until it is routed to",
        run: |case| Box::pin(standby(case)),
    },
    Entry {
        name: "an acknowledged enrolment or drain is in every observation of its mark",
        run: |case| Box::pin(marks(case)),
    },
];

async fn round_trip(case: &Case<'_>) -> Result<(), Stop> {
    let enrolment = case.enrolment()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, address) = case.running(&revision, 1).await?;
    let enrol = case.enrol(&revision, &name, address, Admission::Serving);
    for _ in 0..2 {
        let mark = case.must(&enrol).await?;
        let seen = case.enrolled_since(&name, mark).await?;
        expect(seen.is_some_and(|one| one.state == EnrolState::In), || {
            format!("after enrol: {seen:?}")
        })?;
    }
    let drain = case.drain(&name);
    for _ in 0..2 {
        let mark = case.must(&drain).await?;
        let seen = case.enrolled_since(&name, mark).await?;
        let drains = seen.is_some_and(|one| one.state == EnrolState::Draining);
        expect(drains, || format!("after drain: {seen:?}"))?;
    }
    match enrolment.confirmation() {
        Confirmation::Observed => case.until_drained(&name).await?,
        Confirmation::Elapsed(bound) => case.bench.wait(bound).await,
    }
    if case.making() != Making::ByName {
        // Nothing is detached there: what was drained goes with the pool's size, or with its place.
        return Ok(());
    }
    let detach = case.detach(&name);
    for _ in 0..2 {
        let mark = case.must(&detach).await?;
        let seen = case.enrolled_since(&name, mark).await?;
        expect(seen.is_none(), || format!("after detach: {seen:?}"))?;
    }
    Ok(())
}

async fn absent(case: &Case<'_>) -> Result<(), Stop> {
    case.enrolment()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let name = case.name(&revision, 1)?;
    case.must(&case.drain(&name)).await?;
    if case.making() == Making::ByName {
        case.must(&case.detach(&name)).await?;
    }
    Ok(())
}

async fn taken_back(case: &Case<'_>) -> Result<(), Stop> {
    case.enrolment()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, address) = case.running(&revision, 1).await?;
    let enrol = |admission| case.enrol(&revision, &name, address, admission);
    case.must(&enrol(Admission::Serving)).await?;
    case.must(&case.drain(&name)).await?;
    let mark = case.must(&enrol(Admission::Serving)).await?;
    let seen = case.enrolled_since(&name, mark).await?;
    expect(seen.is_some_and(|one| one.state == EnrolState::In), || {
        format!("after a second enrol: {seen:?}")
    })
}

async fn standby(case: &Case<'_>) -> Result<(), Stop> {
    case.enrolment()?;
    case.router()?;
    case.claim("suite", false).await?;
    let (stable, candidate) = (case.revision("v1", false).await?, case.revision("v2", true).await?);
    let (old, old_address) = case.running(&stable, 1).await?;
    let (new, new_address) = case.running(&candidate, 1).await?;
    let enrol = case.enrol(&stable, &old, old_address, Admission::Serving);
    case.must(&enrol).await?;
    let all_on = |id: &rollout_core::id::RevisionId| case.route(Route::all_on(id.clone()));
    case.must(&all_on(&stable.id)).await?;
    let enrol = case.enrol(&candidate, &new, new_address, Admission::Standby);
    case.must(&enrol).await?;
    let reached = case.bench.gets_traffic(&case.workload, &new).await;
    expect(reached != Some(true), || "an instance on standby gets traffic".to_owned())?;
    case.must(&all_on(&candidate.id)).await?;
    let reached = case.bench.gets_traffic(&case.workload, &new).await;
    expect(reached != Some(false), || "an instance that is routed to gets nothing".to_owned())
}

async fn marks(case: &Case<'_>) -> Result<(), Stop> {
    case.enrolment()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, address) = case.running(&revision, 1).await?;
    let enrol = case.enrol(&revision, &name, address, Admission::Serving);
    for (action, state) in [(enrol, EnrolState::In), (case.drain(&name), EnrolState::Draining)] {
        let mark = case.must(&action).await?;
        let seen = case.enrolled_since(&name, mark).await?;
        expect(seen.is_some_and(|one| one.state == state), || {
            format!("{action} at {mark}, observed {seen:?}")
        })?;
    }
    Ok(())
}
