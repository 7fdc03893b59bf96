//! Arguments of `operator`: which cluster, which part of the work, and where it can be asked how it is.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use rollout_core::time::Span;

use crate::beside::MetricsSource;

/// Arguments of `operator`.
#[derive(Debug, Args)]
pub(crate) struct OperatorArgs {
    /// A kubeconfig file [default: `KUBECONFIG`, `~/.kube/config`, or the pod's own account]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Look after the objects of this namespace only [default: of all]
    #[arg(long, short, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Where the copies share work by leases [default: the account's own namespace]
    #[arg(long, value_name = "NAME")]
    pub(crate) lease_namespace: Option<String>,
    /// Parts that the work is split into, the same for every copy
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) shards: u32,
    /// How long a copy that says nothing keeps its part
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    pub(crate) lease: Span,
    /// Where `/metrics`, `/healthz` and `/readyz` answer
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    pub(crate) listen: SocketAddr,
    /// How long every proxy takes to learn that a pod left, at most: nobody can be asked
    #[arg(long, value_name = "SPAN", default_value = "5s")]
    pub(crate) confirmation: Span,
    /// A source of metrics and its name: `NAME=prometheus:http://HOST:PORT` or `NAME=command:PROGRAM`; may be
    /// given several times
    #[arg(long, value_name = "NAME=KIND:WHERE")]
    pub(crate) metrics: Vec<MetricsSource>,
}
