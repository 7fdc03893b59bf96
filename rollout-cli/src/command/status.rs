//! `rollout status`, `explain` and `history`: where a rollout stands, what it waits for, what can be gone back to.
//!
//! Asked of the engine that runs; where none does, `status` and `history` read the journal. Of a cluster, its
//! `Rollout` object says what the operator knows.

use std::{collections::BTreeSet, time::Duration};

use rollout_core::{
    engine::{Engine, ProvenRevision, Setup, Status, Tuning, Wait},
    port::{Capabilities, Confirmation, Journal as _, Making},
    spec::Counting,
};
use rollout_k8s::remote::Remote;
use rollout_runtime::{
    StartError,
    control::{Client, ClientError},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{replay, run::exit_of};
use crate::{
    args::{StatusArgs, TargetArgs},
    error::CliError,
    exit::Exit,
    output::{Output, object, status, when},
    place::{Place, Where},
};

/// Time between two looks at what goes on.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &StatusArgs, output: Output) -> Result<Exit, CliError> {
    match Where::of(&args.target).await? {
        Where::Here(place) if args.watch => follow(&place, output).await,
        Where::Here(place) => {
            let (status, running) = ask(&place).await?;
            show(&status, running, output)
        }
        Where::Cluster(remote) if args.watch => watch(&remote, output).await,
        Where::Cluster(remote) => {
            let object = remote.read().await?;
            output.result(|| json!(object.status), || object::picture(&object))?;
            Ok(Exit::Done)
        }
    }
}

/// Shows where a rollout of an engine here stands.
fn show(status: &Status, running: bool, output: Output) -> Result<Exit, CliError> {
    let now = when::now();
    let text = || {
        let picture = status::picture(status, now, running);
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

/// Shows what changes until the rollout has ended or no engine runs, then the whole picture.
async fn follow(place: &Place, output: Output) -> Result<Exit, CliError> {
    let mut before = String::new();
    loop {
        let (status, running) = ask(place).await?;
        if status.end.is_some() || !running {
            show(&status, running, output)?;
            return Ok(status.end.as_ref().map_or(Exit::Done, exit_of));
        }
        let line = status::line(&status, when::now());
        if line != before {
            if output.is_json() {
                Output::event(&status)?;
            } else {
                Output::raw(&format!("{line}\n"));
            }
            before = line;
        }
        sleep(LOOK).await;
    }
}

/// Shows what changes until the rollout has ended, then the whole picture.
async fn watch(remote: &Remote, output: Output) -> Result<Exit, CliError> {
    let mut before = String::new();
    let last = remote
        .watch(|object| {
            let is_over = object::end(object).is_some();
            let status = object.status.clone().unwrap_or_default();
            let line = format!("{}: {}", object::headline(object, &status), status.message);
            if line != before && !is_over {
                if output.is_json() {
                    // A status is plain data, and a reader that went away ends nothing.
                    drop(Output::event(&status));
                } else {
                    Output::raw(&format!("{line}\n"));
                }
            }
            before = line;
            is_over
        })
        .await?;
    output.result(|| json!(last.status), || object::picture(&last))?;
    Ok(object::end(&last).unwrap_or(Exit::Done))
}

pub(super) async fn explain(args: &TargetArgs, output: Output) -> Result<Exit, CliError> {
    let place = match Where::of(args).await? {
        Where::Here(place) => place,
        Where::Cluster(remote) => {
            let status = remote.read().await?.status.unwrap_or_default();
            let name = remote.name().to_owned();
            let document = || json!({ "workload": name, "message": status.message });
            output.result(document, || format!("{name}: {}", status.message))?;
            return Ok(Exit::Done);
        }
    };
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
    let place = match Where::of(args).await? {
        Where::Here(place) => place,
        Where::Cluster(remote) => {
            let object = remote.read().await?;
            let history = || object.status.clone().unwrap_or_default().history;
            let document = || json!({ "workload": remote.name(), "history": history() });
            output.result(document, || object::history(&object))?;
            return Ok(Exit::Done);
        }
    };
    let (status, running) = ask(&place).await?;
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
