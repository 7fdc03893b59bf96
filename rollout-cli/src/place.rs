//! Where an engine keeps its journal and is spoken to: worked out from a file or a name.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use rollout_core::id::WorkloadId;
use rollout_k8s::{client, remote::Remote};
use rollout_runtime::control::socket_path;

use crate::{args::TargetArgs, error::CliError, source};

/// Folder of the journals, beside the file of the spec.
const FOLDER: &str = ".rollout";
/// Permissions of that folder: its owner's alone, for templates may hold secrets.
const MODE: u32 = 0o700;

/// Where the engine of a workload keeps its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The workload.
    pub(crate) workload: WorkloadId,
    /// The journal.
    pub(crate) journal: PathBuf,
}

/// Where a rollout is asked about.
pub(crate) enum Where {
    /// An engine of this machine.
    Here(Place),
    /// An object of a cluster.
    Cluster(Box<Remote>),
}

impl Where {
    /// Where what was named is; an object of a cluster, if anything of a cluster was named.
    pub(crate) async fn of(target: &TargetArgs) -> Result<Self, CliError> {
        if !target.cluster.is_meant() {
            return Ok(Self::Here(Place::of(target)?));
        }
        if target.journal.is_some() {
            return Err(CliError::NoJournalThere);
        }
        let name = target.target.strip_prefix("rollout/").unwrap_or(&target.target);
        let workload = WorkloadId::new(name).map_err(|why| CliError::Target {
            target: target.target.clone(),
            why: why.to_string(),
        })?;
        let (client, namespace) = client::connect(&target.cluster.options()).await?;
        Ok(Self::Cluster(Box::new(Remote::new(client, namespace, workload.to_string()))))
    }
}

impl Place {
    /// The place of a workload whose spec stands in `file`, unless `journal` says otherwise.
    pub(crate) fn beside(file: &Path, workload: &WorkloadId, journal: Option<PathBuf>) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        Self {
            workload: workload.clone(),
            journal: journal.unwrap_or_else(|| default_journal(folder, workload)),
        }
    }

    /// The place of what was named by a file or by the workload itself.
    pub(crate) fn of(target: &TargetArgs) -> Result<Self, CliError> {
        let path = Path::new(&target.target);
        let journal = target.journal.clone();
        if path.is_file() || is_path(path) {
            let source = source::read(path, &target.compose)?;
            return Ok(Self::beside(path, &source.spec.workload, journal));
        }
        let workload = WorkloadId::new(target.target.as_str()).map_err(|why| CliError::Target {
            target: target.target.clone(),
            why: why.to_string(),
        })?;
        Ok(Self::beside(Path::new(""), &workload, journal))
    }

    /// The control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        socket_path(&self.journal)
    }

    /// The folder of what is known of hooks.
    pub(crate) fn hooks(&self) -> PathBuf {
        let mut path = self.journal.as_os_str().to_owned();
        path.push(".hooks");
        path.into()
    }

    /// Makes the folder of the journal, if it is not there.
    pub(crate) fn make_folder(&self) -> Result<(), CliError> {
        let Some(folder) = self.journal.parent().filter(|folder| !folder.as_os_str().is_empty())
        else {
            return Ok(());
        };
        let made = DirBuilder::new().recursive(true).mode(MODE).create(folder);
        made.map_err(|why| CliError::Folder { path: folder.to_owned(), why: why.to_string() })
    }
}

/// The journal of a workload whose spec stands in `folder`.
pub(crate) fn default_journal(folder: &Path, workload: &WorkloadId) -> PathBuf {
    folder.join(FOLDER).join(format!("{workload}.redb"))
}

/// Whether it was meant as a file, though none is there.
fn is_path(path: &Path) -> bool {
    let is_spec = path.extension().is_some_and(|end| {
        ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known))
    });
    is_spec || 1 < path.components().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_lies_beside_the_spec_and_the_socket_beside_the_journal() {
        let web = WorkloadId::new("web").unwrap();
        let place = Place::beside(Path::new("services/web.yaml"), &web, None);
        assert_eq!(place.journal, Path::new("services/.rollout/web.redb"));
        assert_eq!(place.socket(), Path::new("services/.rollout/web.redb.sock"));
        let place = Place::beside(Path::new("web.yaml"), &web, Some("/var/j".into()));
        assert_eq!(place.journal, Path::new("/var/j"));
    }

    #[test]
    fn what_looks_like_a_file_is_one() {
        for (text, expected) in
            [("web", false), ("web.v2", false), ("web.yaml", true), ("a/web", true)]
        {
            assert_eq!(is_path(Path::new(text)), expected, "{text}");
        }
    }
}
