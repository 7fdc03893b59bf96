//! Error: why there is no cluster, and the way out.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::bed::BedError;

/// A cluster that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Containers, bridges and packet filters are root's.
    #[error(
        "a cluster starts containers and writes packet filter rules, which needs root; run it as root"
    )]
    NotRoot,
    /// Programs are not installed.
    #[error(
        "`{programs}` not found; on Debian `apt-get install {packages}`, or run `cargo xtask cluster up`, which does so"
    )]
    Missing {
        /// The programs, separated by `, `.
        programs: String,
        /// The Debian packages they come from.
        packages: String,
    },
    /// There is one already, and a host has room for one.
    #[error(
        "a cluster runs already; use it with `export KUBECONFIG={kubeconfig}`, or remove it with `cargo xtask cluster down`",
        kubeconfig = kubeconfig.display()
    )]
    RunsAlready {
        /// How to reach it.
        kubeconfig: PathBuf,
    },
    /// None was started, or it is gone.
    #[error("no cluster runs on this host; start one with `cargo xtask cluster up`")]
    NoneRuns,
    /// Two kube-proxies write the same chains.
    #[error(
        "another Kubernetes is on this host: its packet filter chain `{chain}` would be overwritten; stop it first"
    )]
    Another {
        /// A chain of its.
        chain: String,
    },
    /// A part was started and never got ready.
    #[error("{what} is not ready after {} s: {seen}", deadline.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long it had.
        deadline: Duration,
        /// How things stand: the last refusal, or the end of a log.
        seen: String,
    },
    /// A part ended by itself.
    #[error("{part} ended by itself; the end of {log}: {said}", log = log.display())]
    Ended {
        /// The part.
        part: &'static str,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        said: String,
    },
    /// Something was not removed.
    #[error("something of the cluster is left; {} tells what, and removing it again may help", log.display())]
    Left {
        /// What was done, command by command.
        log: PathBuf,
    },
    /// A module is not the one that was looked at when its version was chosen.
    #[error(
        "the module {module} has the checksum `{sum}`, not `{known}`; ask who serves it, or update live/kubernetes/routers/modules"
    )]
    OtherSum {
        /// Module and version.
        module: String,
        /// Its checksum.
        sum: String,
        /// The one that is known.
        known: String,
    },
    /// A module has no definition of this name any more.
    #[error("no resource definition is called `{name}` in {file}", file = file.display())]
    NoDefinition {
        /// The name.
        name: String,
        /// Where it was looked for.
        file: PathBuf,
    },
    /// A command failed.
    #[error(transparent)]
    Command(#[from] BedError),
    /// A file cannot be used.
    #[error("{path}: {why}", path = path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
}

impl ClusterError {
    /// An error of the file at `path`, to be given to `map_err`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::File { path: path.to_owned(), why }
    }
}
