//! `operator`: one copy of the operator, until it is told to stop.

use std::{
    env,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rollout_k8s::{
    backend::{self, Scope, Watches},
    client,
    operator::{ClusterPorts, Operator, OperatorOptions, in_cluster},
};
use rollout_runtime::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{args::OperatorArgs, beside, error::CliError, exit::Exit};

/// Renewals of a lease within its length, so that one or two may be lost.
const RENEWALS: u32 = 3;
/// What is logged where `RUST_LOG` says nothing.
const LOGGED: &str = "info,kube=warn,hyper=warn,tower=warn";

/// Runs until interrupted or terminated.
pub(super) async fn run(args: OperatorArgs) -> Result<Exit, CliError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let connect =
        client::Options { kubeconfig: args.kubeconfig, context: args.context, namespace: None };
    let (client, own) = client::connect(&connect).await?;
    // Of its own, for the other one has a queue.
    let (for_leases, _) = client::connect(&connect).await?;
    let mut options = OperatorOptions::new(args.lease_namespace.unwrap_or(own), name());
    options.leases.shards = args.shards;
    options.leases.length = args.lease.to_std().max(Duration::from_secs(1));
    options.leases.every = options.leases.length / RENEWALS;
    options.listen = Some(args.listen);
    options.namespace.clone_from(&args.namespace);
    let scope = match args.namespace {
        Some(namespace) => Scope::Namespace(namespace),
        None => Scope::Cluster,
    };
    let journals = in_cluster(client.clone());
    let watches = Watches::start(client.clone(), &scope);
    let cluster =
        backend::Options { confirmation: args.confirmation, ..backend::Options::default() };
    let ports = ClusterPorts::new(client.clone(), watches, cluster, journals)
        .with_metrics(beside::named(args.metrics));
    let operator = Operator::new(client, options, Arc::new(ports), Arc::new(SystemClock::new()));
    operator.with_leases_by(for_leases).run(told_to_stop()).await?;
    Ok(Exit::Done)
}

/// A name of this run, another for every run: the machine's, which is the pod's, and the time.
fn name() -> String {
    let host = env::var("HOSTNAME").unwrap_or_else(|_| "operator".to_owned());
    let plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let host: String = host.to_lowercase().chars().filter(plain).take(40).collect();
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{:x}", host.trim_matches('-'), passed.as_millis())
}

/// Returns when the process is interrupted or terminated.
async fn told_to_stop() {
    let wait = async |kind: SignalKind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        // Where no signal can be waited for, none ends it early.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => (),
        () = wait(SignalKind::terminate()) => (),
    }
}
