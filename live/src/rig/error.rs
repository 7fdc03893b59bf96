//! Why a rig could not do what a story asked of it.

use std::{io, path::PathBuf, time::Duration};

use rollout_core::{
    engine::End,
    id::NameError,
    port::{JournalError, ObserveError},
    spec::{CheckErrors, ParseError},
};
use rollout_docker::{compose::ComposeError, haproxy::TrafficError};
use rollout_runtime::{OrderError, StartError, Stopped, SubmitError};

use crate::{bed::BedError, load::LoadError};

/// A story that cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// The bed cannot be made or does not answer.
    #[error(transparent)]
    Bed(#[from] BedError),
    /// The load cannot be started.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// `HAProxy`'s socket does not answer.
    #[error("HAProxy's admin socket: {0}")]
    Proxy(#[from] io::Error),
    /// An example cannot be read.
    #[error("{path}: {why}", path = path.display())]
    Example {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// The Compose file is refused.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The spec is no spec.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The spec makes no sense.
    #[error(transparent)]
    Check(#[from] CheckErrors),
    /// The name of the bed is no name of a workload.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The load balancer is refused.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// Docker does not answer.
    #[error(transparent)]
    Docker(#[from] ObserveError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine does not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine does not take the revision.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The engine does not take the order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The engine stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A story takes too long.
    #[error("{what} not reached after {} s: {seen}", deadline.as_secs())]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How long it had.
        deadline: Duration,
        /// How things stand.
        seen: String,
    },
    /// Version 1 was not deployed.
    #[error("the first version was not deployed, its rollout ended with: {end}")]
    NotDeployed {
        /// How it ended.
        end: End,
    },
    /// There were requests lost before anything was done.
    #[error("{failed} requests failed before the story began; the machine is too busy to measure")]
    Noisy {
        /// That many.
        failed: u64,
    },
}
