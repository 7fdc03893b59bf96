//! `rollout pause`, `undo` and every other order to the engine that runs in another process.

use rollout_core::engine::Resolution;
use rollout_runtime::control::{Client, ClientError, Orderer};
use serde_json::json;

use crate::{
    args::{OrderArgs, PromoteArgs, ResizeArgs, ResolveArgs, SkipArgs, TargetArgs, UndoArgs},
    error::CliError,
    exit::Exit,
    output::Output,
    place::Place,
};

pub(super) async fn pause(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, output, "paused", async |client, orderer| client.pause(orderer).await).await
}

pub(super) async fn resume(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, output, "resumed", async |client, orderer| client.resume(orderer).await).await
}

pub(super) async fn promote(args: &PromoteArgs, output: Output) -> Result<Exit, CliError> {
    let all = args.all;
    let done = if all { "promoted past every gate" } else { "promoted" };
    let give = async |client: &mut Client, orderer| client.promote(all, orderer).await;
    order(&args.order, output, done, give).await
}

pub(super) async fn abort(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    let done = "going back to the stable revision";
    order(args, output, done, async |client, orderer| client.abort(orderer).await).await
}

pub(super) async fn undo(args: &UndoArgs, output: Output) -> Result<Exit, CliError> {
    let done = match &args.to {
        Some(to) => format!("going back to {to}"),
        None => "going back to the revision proven before".to_owned(),
    };
    let give = async |client: &mut Client, orderer| client.undo(args.to.clone(), orderer).await;
    order(&args.order, output, &done, give).await
}

pub(super) async fn retry(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    let done = "trying again what was taken back";
    order(args, output, done, async |client, orderer| client.retry(orderer).await).await
}

pub(super) async fn resize(args: &ResizeArgs, output: Output) -> Result<Exit, CliError> {
    let replicas = args.replicas;
    let done = format!("going to {replicas} instances");
    let give = async |client: &mut Client, orderer| client.resize(replicas, orderer).await;
    order(&args.order, output, &done, give).await
}

pub(super) async fn restart(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    let done = "replacing every instance";
    order(args, output, done, async |client, orderer| client.restart(orderer).await).await
}

pub(super) async fn skip(args: &SkipArgs, output: Output) -> Result<Exit, CliError> {
    let done = format!("skipping to stage {}", args.to);
    let orderer = Orderer { by: args.by.name(), why: Some(args.why.clone()) };
    let give = async |client: &mut Client, orderer| client.skip(args.to.clone(), orderer).await;
    ask(&args.target, orderer, output, &done, give).await
}

pub(super) async fn halt(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    let done = "halted; nothing goes out until `rollout resume`";
    order(args, output, done, async |client, orderer| client.halt(orderer).await).await
}

pub(super) async fn resolve(args: &ResolveArgs, output: Output) -> Result<Exit, CliError> {
    let (how, done) = match &args.how.adopt {
        Some(Some(revision)) => {
            let how = Resolution::Adopt { revision: Some(revision.clone()) };
            (how, format!("{revision} is stable, and everything is brought to it"))
        }
        Some(None) => {
            let done = "what serves most is stable, and everything is brought to it";
            (Resolution::Adopt { revision: None }, done.to_owned())
        }
        None => (Resolution::GoOn, "going on".to_owned()),
    };
    let give = async |client: &mut Client, orderer| client.resolve(how.clone(), orderer).await;
    order(&args.order, output, &done, give).await
}

/// Gives an order and says what it came to.
async fn order(
    args: &OrderArgs,
    output: Output,
    done: &str,
    give: impl AsyncFnOnce(&mut Client, Orderer) -> Result<(), ClientError>,
) -> Result<Exit, CliError> {
    let orderer = Orderer { by: args.by.name(), why: args.why.clone() };
    ask(&args.target, orderer, output, done, give).await
}

async fn ask(
    target: &TargetArgs,
    orderer: Orderer,
    output: Output,
    done: &str,
    give: impl AsyncFnOnce(&mut Client, Orderer) -> Result<(), ClientError>,
) -> Result<Exit, CliError> {
    let place = Place::of(target)?;
    let mut client = Client::connect(place.socket(), Some(place.workload.clone())).await?;
    let by = orderer.by.clone();
    give(&mut client, orderer).await?;
    let workload = &place.workload;
    output.result(
        || json!({ "workload": workload, "done": done, "by": by }),
        || format!("{workload}: {done}"),
    )?;
    Ok(Exit::Done)
}
