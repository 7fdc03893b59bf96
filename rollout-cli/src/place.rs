//! Where an engine keeps its journal and is spoken to: worked out from a file or a name.

use std::{
    fs::{self, DirBuilder},
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
    /// The place of a workload whose spec stands in `file`, unless `journal` says otherwise. In two namespaces
    /// of a cluster one name is two workloads.
    pub(crate) fn beside(
        file: &Path,
        namespace: Option<&str>,
        workload: &WorkloadId,
        journal: Option<PathBuf>,
    ) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        let place = || default_journal(folder, namespace, workload);
        Self { workload: workload.clone(), journal: journal.unwrap_or_else(place) }
    }

    /// The place of what was named by a file or by the workload itself.
    pub(crate) fn of(target: &TargetArgs) -> Result<Self, CliError> {
        let path = Path::new(&target.target);
        let (folder, workload) = if path.is_file() || is_path(path) {
            let source = source::read(path, &target.compose)?;
            (path.parent().unwrap_or(Path::new("")), source.spec.workload.clone())
        } else {
            let workload = WorkloadId::new(target.target.as_str());
            let workload = workload.map_err(|why| CliError::Target {
                target: target.target.clone(),
                why: why.to_string(),
            })?;
            (Path::new(""), workload)
        };
        let journal = match &target.journal {
            Some(journal) => journal.clone(),
            None => find_journal(folder, &workload)?,
        };
        Ok(Self { workload, journal })
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

/// The journal of a workload, of a cluster's `namespace` or of none, whose spec stands in `folder`.
fn default_journal(folder: &Path, namespace: Option<&str>, workload: &WorkloadId) -> PathBuf {
    let journals = folder.join(FOLDER).join(namespace.unwrap_or_default());
    journals.join(format!("{workload}.redb"))
}

/// The journal of a workload that somebody has started from a spec in `folder`: the one that is there, else
/// where one of no namespace would be.
pub(crate) fn find_journal(folder: &Path, workload: &WorkloadId) -> Result<PathBuf, CliError> {
    let plain = default_journal(folder, None, workload);
    let mut found: Vec<PathBuf> = fs::read_dir(folder.join(FOLDER))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|namespace| default_journal(folder, Some(&namespace), workload))
        .chain([plain.clone()])
        .filter(|journal| journal.is_file())
        .collect();
    found.sort();
    match found.as_slice() {
        [] => Ok(plain),
        [one] => Ok(one.clone()),
        [..] => Err(CliError::SeveralJournals { workload: workload.clone(), found }),
    }
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
        let place = Place::beside(Path::new("services/web.yaml"), None, &web, None);
        assert_eq!(place.journal, Path::new("services/.rollout/web.redb"));
        assert_eq!(place.socket(), Path::new("services/.rollout/web.redb.sock"));
        let place = Place::beside(Path::new("web.yaml"), Some("shop"), &web, Some("/var/j".into()));
        assert_eq!(place.journal, Path::new("/var/j"));
    }

    #[test]
    fn one_name_in_two_namespaces_has_two_journals() {
        let folder = tempfile::tempdir().unwrap();
        let (web, file) = (WorkloadId::new("web").unwrap(), folder.path().join("web.yaml"));
        let plain = folder.path().join(".rollout/web.redb");
        assert_eq!(find_journal(folder.path(), &web).unwrap(), plain);
        let [shop, lab] = ["shop", "lab"].map(|namespace| {
            let place = Place::beside(&file, Some(namespace), &web, None);
            place.make_folder().unwrap();
            place.journal
        });
        assert_ne!(shop, lab);
        fs::write(&shop, "").unwrap();
        assert_eq!(find_journal(folder.path(), &web).unwrap(), shop);
        fs::write(&lab, "").unwrap();
        let error = find_journal(folder.path(), &web).unwrap_err().to_string();
        assert!(error.contains("/lab/web.redb, ") && error.contains("--journal"), "{error}");
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
