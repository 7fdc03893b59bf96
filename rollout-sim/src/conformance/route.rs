//! Cases about sharing traffic among revisions.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{Admission, Route},
    weight::Weight,
};

use super::{
    Entry, Stop,
    case::{Case, expect, failed},
};

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "a weighted route is in force exactly as it was set, and again when repeated",
        run: |case| Box::pin(weighted(case)),
    },
    Entry {
        name: "a route by replicas is in force as it was set",
        run: |case| Box::pin(by_replicas(case)),
    },
];

async fn in_force(case: &Case<'_>) -> Result<Option<Route>, Stop> {
    let seen = case.router()?.observe(&case.workload).await;
    Ok(seen.map_err(|error| failed(error.to_string()))?.route)
}

async fn weighted(case: &Case<'_>) -> Result<(), Stop> {
    case.router()?;
    case.claim("suite", false).await?;
    let (stable, candidate) = (case.revision("v1", false).await?, case.revision("v2", true).await?);
    for revision in [&stable, &candidate] {
        let (name, address) = case.running(revision, 1).await?;
        if case.enrolment().is_ok() {
            let enrol = case.enrol(revision, &name, address, Admission::Standby);
            case.must(&enrol).await?;
        }
    }
    // Quarters: every router that knows weights can say them.
    for quarters in [0, 1, 2, 4, 1] {
        let share = Weight::share(quarters, 4);
        let route = Route::weighted(BTreeMap::from([
            (stable.id.clone(), share.rest()),
            (candidate.id.clone(), share),
        ]));
        let action = case.route(route.clone());
        for _ in 0..2 {
            let mark = case.must(&action).await?;
            let seen = case.router()?.observe(&case.workload).await;
            let seen = seen.map_err(|error| failed(error.to_string()))?;
            let same = [&stable, &candidate].iter().all(|revision| {
                let shown = seen.route.as_ref().and_then(|one| one.weight_of(&revision.id));
                shown == route.weight_of(&revision.id)
            });
            expect(same && mark <= seen.mark, || {
                format!("set {route} at {mark}, in force is {seen:?}")
            })?;
        }
    }
    Ok(())
}

async fn by_replicas(case: &Case<'_>) -> Result<(), Stop> {
    case.router()?;
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, address) = case.running(&revision, 1).await?;
    if case.enrolment().is_ok() {
        let enrol = case.enrol(&revision, &name, address, Admission::Serving);
        case.must(&enrol).await?;
    }
    case.must(&case.route(Route::ByReplicas)).await?;
    let seen = in_force(case).await?;
    expect(seen == Some(Route::ByReplicas), || format!("set by replicas, in force is {seen:?}"))
}
