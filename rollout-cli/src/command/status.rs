//! `rollout status`, `explain` and `history`: where a rollout stands, what it waits for, what can be gone back to.
//!
//! Asked of the engine that runs; where none does, `status` and `history` read the journal.

use std::collections::BTreeSet;

use rollout_core::{
    engine::{Engine, ProvenRevision, Setup, Status, Tuning, Wait},
    port::{Capabilities, Confirmation, Journal as _, Making},
    spec::Counting,
};
use rollout_runtime::{
    StartError,
    control::{Client, ClientError},
};
use serde_json::{Value, json};

use super::replay;
use crate::{
    args::TargetArgs,
    error::CliError,
    exit::Exit,
    output::{Output, status, when},
    place::Place,
};

pub(super) async fn run(args: &TargetArgs, output: Output) -> Result<Exit, CliError> {
    let (status, running) = ask(&Place::of(args)?).await?;
    let now = when::now();
    let text = || {
        let picture = status::picture(&status, now, running);
        if running {
            picture
        } else {
            format!(
                "{picture}no engine runs; this is what the journal says, `rollout run` goes on\n"
            )
        }
    };
    output.result(|| json!({ "running": running, "status": status }), text)?;
    Ok(Exit::Done)
}

pub(super) async fn explain(args: &TargetArgs, output: Output) -> Result<Exit, CliError> {
    let place = Place::of(args)?;
    let mut client = Client::connect(place.socket(), Some(place.workload.clone())).await?;
    let waits = client.waits().await?;
    let status = client.status().await?;
    let now = when::now();
    let document = || {
        let one = |wait: &Wait| {
            json!({
                "wait": wait,
                "since": when::point(wait.since),
                "until": wait.until.as_ref().map(|(until, _)| when::point(*until)),
                "text": status::waiting(wait, now),
            })
        };
        let all: Vec<Value> = waits.iter().map(one).collect();
        json!({ "workload": place.workload, "waits": all, "eta": status.eta })
    };
    let text = || {
        if waits.is_empty() {
            return format!("{}: it waits for nothing, it moves", place.workload);
        }
        let told = |wait: &Wait| status::explained(&place.workload, wait, now);
        let eta = status.eta.as_ref().map(|eta| {
            let when = status::if_resumed(&status);
            format!("{}: takes {eta} more{when}\n", place.workload)
        });
        waits.iter().map(told).chain(eta).collect()
    };
    output.result(document, text)?;
    Ok(Exit::Done)
}

pub(super) async fn history(args: &TargetArgs, output: Output) -> Result<Exit, CliError> {
    let (status, running) = ask(&Place::of(args)?).await?;
    let document = || {
        let one = |proven: &ProvenRevision| {
            json!({
                "revision": proven.revision,
                "proven_at": when::point(proven.at),
                "proven_at_ms": proven.at,
                "stable": status.stable.as_ref() == Some(&proven.revision),
            })
        };
        let all: Vec<Value> = status.history.iter().map(one).collect();
        json!({ "workload": status.workload, "running": running, "history": all })
    };
    output.result(document, || status::history(&status))?;
    Ok(Exit::Done)
}

/// Where a rollout stands, and whether an engine that runs says so.
async fn ask(place: &Place) -> Result<(Status, bool), CliError> {
    match Client::connect(place.socket(), Some(place.workload.clone())).await {
        Ok(mut client) => Ok((client.status().await?, true)),
        Err(ClientError::NotRunning { .. }) => Ok((from_journal(place).await?, false)),
        Err(error) => Err(error.into()),
    }
}

/// Where the rollout stood when the last engine stopped.
async fn from_journal(place: &Place) -> Result<Status, CliError> {
    let journal = replay::open(&place.journal).await?;
    let records = journal.load(&place.workload).await?;
    if records.is_empty() {
        let known = journal.workloads().await?;
        return Err(replay::not_in(&place.journal, &place.workload, &known));
    }
    // What the ports can do changes what is decided next, not what stands in the journal.
    let capabilities = Capabilities {
        making: Making::ByName,
        counting: Counting::Strict,
        enrolment: Some(Confirmation::Observed),
        router: None,
        abilities: BTreeSet::new(),
    };
    let workload = place.workload.clone();
    let setup = Setup { workload: workload.clone(), capabilities, tuning: Tuning::default() };
    let engine =
        Engine::replay(setup, &records).map_err(|why| StartError::Replay { workload, why })?;
    let mut status = engine.status(when::now());
    // Without an engine nothing is waited for.
    status.waits.clear();
    Ok(status)
}
