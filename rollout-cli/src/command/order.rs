//! `rollout pause`, `resume`, `promote`, `abort`: orders to the engine that runs in another process.

use rollout_runtime::control::{Client, ClientError, Orderer};
use serde_json::json;

use crate::{
    args::{OrderArgs, PromoteArgs},
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

async fn order(
    args: &OrderArgs,
    output: Output,
    done: &str,
    give: impl AsyncFnOnce(&mut Client, Orderer) -> Result<(), ClientError>,
) -> Result<Exit, CliError> {
    let place = Place::of(&args.target)?;
    let mut client = Client::connect(place.socket(), Some(place.workload.clone())).await?;
    let orderer = Orderer { by: args.by.name(), why: args.why.clone() };
    let by = orderer.by.clone();
    give(&mut client, orderer).await?;
    let workload = &place.workload;
    output.result(
        || json!({ "workload": workload, "done": done, "by": by }),
        || format!("{workload}: {done}"),
    )?;
    Ok(Exit::Done)
}
