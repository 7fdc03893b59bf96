//! A connection to a cluster: which one, as whom, and what to do when it cannot be made.

use std::{path::PathBuf, time::Duration};

use kube::{
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::limit::ConcurrencyLimitLayer;

/// Which cluster, and which namespace of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A kubeconfig file; `None`: `KUBECONFIG`, `~/.kube/config`, or the pod's own account, in this order.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; `None`: its current one.
    pub context: Option<String>,
    /// The namespace; `None`: the context's, or `default`.
    pub namespace: Option<String>,
}

/// A cluster that cannot be talked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No usable configuration.
    #[error(
        "no cluster to talk to: {why}; give `--kubeconfig FILE` and `--context NAME`, set KUBECONFIG, or run inside a pod"
    )]
    Config {
        /// What is wrong with it.
        why: String,
    },
    /// The client could not be made.
    #[error(
        "cannot talk to the cluster {server}: {why}; check the certificates and the user of the context"
    )]
    Client {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
}

/// Time that the server has for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Requests that wait for an answer at once; further ones wait for their turn. Each has a connection of its own, for
/// the client speaks HTTP/1.1, and a server that is asked more at once answers none of it sooner. A watch counts
/// until it has begun.
const ABREAST: usize = 32;

/// Connects as `options` say. Returns the client and the namespace. The engine retries, so the client does
/// not.
///
/// # Errors
///
/// [`ConnectError`] if there is no configuration, or it makes no client. The cluster is not asked yet.
pub async fn connect(options: &Options) -> Result<(kube::Client, String), ConnectError> {
    let config = |why: &dyn std::fmt::Display| ConnectError::Config { why: why.to_string() };
    let chosen = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let mut made = match &options.kubeconfig {
        Some(file) => {
            let read = Kubeconfig::read_from(file).map_err(|error| config(&error))?;
            kube::Config::from_custom_kubeconfig(read, &chosen)
                .await
                .map_err(|error| config(&error))?
        }
        None if options.context.is_some() => {
            kube::Config::from_kubeconfig(&chosen).await.map_err(|error| config(&error))?
        }
        None => kube::Config::infer().await.map_err(|error| config(&error))?,
    };
    made.default_retry = false;
    made.connect_timeout = Some(ANSWER_WITHIN);
    let namespace = options.namespace.clone().unwrap_or_else(|| made.default_namespace.clone());
    let server = made.cluster_url.to_string();
    let client = ClientBuilder::try_from(made)
        .map_err(|error| ConnectError::Client { server, why: error.to_string() })?;
    Ok((client.with_layer(&ConcurrencyLimitLayer::new(ABREAST)).build(), namespace))
}
