//! Cases about reigns: who may act, and what an older engine may do no more.

use rollout_core::{
    engine::{Action, RefusalKind},
    id::Epoch,
    port::{Claim, ClaimError, Making},
};

use super::{
    Entry, Stop,
    case::{Case, expect, failed},
};

pub(super) const CASES: &[Entry] = &[
    Entry {
        name: "every claim is granted an epoch above all before",
        run: |case| Box::pin(epochs_rise(case)),
    },
    Entry {
        name: "an action of an older epoch is refused as fenced after a new claim",
        run: |case| Box::pin(fenced(case)),
    },
    Entry {
        name: "a foreign claim is refused unless it takes over",
        run: |case| Box::pin(foreign_claim(case)),
    },
    Entry {
        name: "an observation shows the highest epoch",
        run: |case| Box::pin(epoch_shown(case)),
    },
];

async fn epochs_rise(case: &Case<'_>) -> Result<(), Stop> {
    let mut last = Epoch(0);
    for _ in 0..3 {
        let granted = case.claim("suite", false).await?;
        expect(last < granted, || format!("{granted} was granted after {last}"))?;
        last = granted;
    }
    Ok(())
}

async fn fenced(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    let (name, _) = case.running(&revision, 1).await?;
    let (harmful, good): (Vec<Action>, Action) = match case.making() {
        Making::ByCount => {
            let drained = case.enrolment().map(|_| case.drain(&name)).into_iter();
            (drained.chain([case.scale(&revision, 0)]).collect(), case.scale(&revision, 0))
        }
        Making::InPlace { .. } => {
            let drained = case.enrolment().map(|_| case.drain(&name)).into_iter();
            let divided = case.divide(&revision, rollout_core::engine::Reach::Vacated);
            let harmful = drained.chain([divided.clone(), case.remove(&name)]);
            (harmful.collect(), divided)
        }
        Making::ByName | _ => (vec![case.stop(&name), case.remove(&name)], case.stop(&name)),
    };
    let granted = case.claim("suite", false).await?;
    for action in &harmful {
        case.must_refuse(action, RefusalKind::Fenced).await?;
    }
    let seen = case.instance(&name).await?;
    let runs =
        seen.as_ref().is_some_and(|one| one.state == rollout_core::engine::InstanceState::Running);
    expect(runs, || format!("a fenced action had an effect: {seen:?}"))?;
    case.must(&Action { epoch: granted, ..good }).await?;
    Ok(())
}

async fn foreign_claim(case: &Case<'_>) -> Result<(), Stop> {
    let ours = case.claim("suite", false).await?;
    let claim = Claim { owner: "another suite".to_owned(), epoch: ours.next(), take_over: false };
    match case.bench.backend().claim(&case.workload, &claim).await {
        Ok(epoch) => return Err(failed(format!("a foreign claim was granted {epoch}"))),
        Err(ClaimError::Owned { owner, .. }) => {
            expect(owner == "suite", || format!("the owner was named `{owner}`, it is `suite`"))?;
        }
        Err(other) => return Err(failed(format!("the claim failed otherwise: {other}"))),
    }
    let revision = case.revision("v1", false).await?;
    case.make(&revision).await?;
    let granted = case.claim("another suite", true).await?;
    expect(ours < granted, || format!("{granted} was granted after {ours}"))
}

async fn epoch_shown(case: &Case<'_>) -> Result<(), Stop> {
    case.claim("suite", false).await?;
    let granted = case.claim("suite", false).await?;
    let revision = case.revision("v1", false).await?;
    case.make(&revision).await?;
    let shown = case.inventory().await?.epoch;
    expect(shown == granted, || format!("granted {granted}, shown {shown}"))
}
