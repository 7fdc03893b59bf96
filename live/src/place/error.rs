//! Why a place could not do what a suite asked of it.

use std::{io, path::PathBuf};

use rollout_core::{
    engine::End,
    id::NameError,
    port::JournalError,
    spec::{CheckErrors, ParseError},
};
use rollout_k8s::{client::ConnectError, router::TrafficError};
use rollout_runtime::{OrderError, StartError};

use super::SETTLE_DEADLINE;
use crate::{
    bed::BedError, cluster::ClusterError, load::LoadError, proxy::ProxyError, rig::RigError,
};

/// A story that cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// No cluster runs, or it refuses.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A program does not do what it should.
    #[error(transparent)]
    Bed(#[from] BedError),
    /// There is no client.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The traffic of the spec is refused.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// The load cannot be started.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The proxy cannot be started.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The engine does not do as it is told.
    #[error(transparent)]
    Life(#[from] RigError),
    /// The engine does not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine does not take the order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The spec is no spec.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The spec makes no sense.
    #[error(transparent)]
    Check(#[from] CheckErrors),
    /// The name of the workload is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The folder cannot be made.
    #[error("{path}: {why}", path = path.display())]
    Folder {
        /// Its path.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// The Service has no port on the node.
    #[error("the Service has no port on the node, but `{seen}`")]
    NoPort {
        /// What it has instead.
        seen: String,
    },
    /// Version 1 was not deployed.
    #[error("the first version was not deployed, its rollout ended with: {end}")]
    NotDeployed {
        /// How it ended.
        end: End,
    },
    /// Something takes too long.
    #[error("{what}: not within {} s: {seen}", SETTLE_DEADLINE.as_secs())]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How things stand.
        seen: String,
    },
    /// There were requests lost before anything was done.
    #[error("{failed} requests failed before the story began; the machine is too busy to measure")]
    Noisy {
        /// That many.
        failed: u64,
    },
}

impl PlaceError {
    pub(super) fn late(what: &'static str, seen: String) -> Self {
        Self::Late { what, seen }
    }
}
