//! `rollout pause`, `undo` and every other order: to the engine that runs in another process, or through an
//! object of a cluster to the one that an operator runs.

use std::process;

use rollout_core::engine::{OrderKind, Resolution};
use rollout_k8s::{crd::OrderRequest, remote::Remote};
use rollout_runtime::control::{Client, ClientError, Orderer};
use serde_json::json;

use crate::{
    args::{OrderArgs, PromoteArgs, ResizeArgs, ResolveArgs, SkipArgs, TargetArgs, UndoArgs},
    error::CliError,
    exit::Exit,
    output::{Output, when},
    place::Where,
};

pub(super) async fn pause(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, OrderKind::Pause, output, "paused").await
}

pub(super) async fn resume(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, OrderKind::Resume, output, "resumed").await
}

pub(super) async fn promote(args: &PromoteArgs, output: Output) -> Result<Exit, CliError> {
    let done = if args.all { "promoted past every gate" } else { "promoted" };
    order(&args.order, OrderKind::Promote { all: args.all, gate: args.gate }, output, done).await
}

pub(super) async fn abort(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, OrderKind::Abort, output, "going back to the stable revision").await
}

pub(super) async fn undo(args: &UndoArgs, output: Output) -> Result<Exit, CliError> {
    let done = match &args.to {
        Some(to) => format!("going back to {to}"),
        None => "going back to the revision proven before".to_owned(),
    };
    order(&args.order, OrderKind::Undo { to: args.to.clone() }, output, &done).await
}

pub(super) async fn retry(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, OrderKind::Retry, output, "trying again what was taken back").await
}

pub(super) async fn resize(args: &ResizeArgs, output: Output) -> Result<Exit, CliError> {
    let replicas = args.replicas;
    let done = format!("going to {replicas} instances");
    order(&args.order, OrderKind::Resize { replicas }, output, &done).await
}

pub(super) async fn restart(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    order(args, OrderKind::Restart, output, "replacing every instance").await
}

pub(super) async fn skip(args: &SkipArgs, output: Output) -> Result<Exit, CliError> {
    let done = format!("skipping to stage {}", args.to);
    let orderer = Orderer { by: args.by.name(), why: Some(args.why.clone()) };
    give(&args.target, OrderKind::Skip { to: args.to.clone() }, orderer, output, &done).await
}

pub(super) async fn halt(args: &OrderArgs, output: Output) -> Result<Exit, CliError> {
    let done = "halted; nothing goes out until `rollout resume`";
    order(args, OrderKind::Halt, output, done).await
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
    order(&args.order, OrderKind::Resolve(how), output, &done).await
}

async fn order(
    args: &OrderArgs,
    kind: OrderKind,
    output: Output,
    done: &str,
) -> Result<Exit, CliError> {
    let orderer = Orderer { by: args.by.name(), why: args.why.clone() };
    give(&args.target, kind, orderer, output, done).await
}

/// Gives an order and says what it came to.
async fn give(
    target: &TargetArgs,
    kind: OrderKind,
    orderer: Orderer,
    output: Output,
    done: &str,
) -> Result<Exit, CliError> {
    let by = orderer.by.clone();
    let (workload, done) = match Where::of(target).await? {
        Where::Here(place) => {
            let mut client = Client::connect(place.socket(), Some(place.workload.clone())).await?;
            send(&mut client, kind, orderer).await?;
            (place.workload.to_string(), done.to_owned())
        }
        Where::Cluster(remote) => {
            let told = write(&remote, kind, orderer).await?;
            (remote.name().to_owned(), told.unwrap_or_else(|| done.to_owned()))
        }
    };
    output.result(
        || json!({ "workload": workload, "done": done, "by": by }),
        || format!("{workload}: {done}"),
    )?;
    Ok(Exit::Done)
}

/// Through the control socket.
async fn send(client: &mut Client, kind: OrderKind, orderer: Orderer) -> Result<(), ClientError> {
    match kind {
        OrderKind::Pause => client.pause(orderer).await,
        OrderKind::Resume => client.resume(orderer).await,
        OrderKind::Promote { all, gate } => client.promote(all, gate, orderer).await,
        OrderKind::Abort => client.abort(orderer).await,
        OrderKind::Undo { to } => client.undo(to, orderer).await,
        OrderKind::Retry => client.retry(orderer).await,
        OrderKind::Resize { replicas } => client.resize(replicas, orderer).await,
        OrderKind::Restart => client.restart(orderer).await,
        OrderKind::Skip { to } => client.skip(to, orderer).await,
        OrderKind::Halt => client.halt(orderer).await,
        OrderKind::Resolve(how) => client.resolve(how, orderer).await,
        OrderKind::Submit { .. } | _ => unreachable!("no command of this file submits"),
    }
}

/// Through the object; what the operator answered, if it is asked.
async fn write(
    remote: &Remote,
    kind: OrderKind,
    orderer: Orderer,
) -> Result<Option<String>, CliError> {
    // The number of instances is the spec's there, which an autoscaler writes the same way.
    if let OrderKind::Resize { replicas } = kind {
        remote.resize(replicas).await?;
        return Ok(None);
    }
    let id = format!("cli-{}-{}", when::now().0, process::id());
    let request = OrderRequest { id, order: kind, by: Some(orderer.by), why: orderer.why };
    let told = remote.order(&request).await?;
    Ok(Some(told).filter(|told| !told.is_empty()))
}
