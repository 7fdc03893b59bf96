//! One folder per run: what is known of it, durable where a second start must be impossible.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rollout_core::id::HookRun;
use serde::{Serialize, de::DeserializeOwned};

/// Permissions of folders: their owner's alone, for output may hold what nobody else should see.
const FOLDER_MODE: u32 = 0o700;
/// Permissions of files.
const FILE_MODE: u32 = 0o600;

/// A folder of runs that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} of hook runs cannot be used: {why}; give the engine one that it may write to", path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// The system's words.
    pub why: io::Error,
}

/// The folder of all runs.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// The folder of one run.
#[derive(Clone, Debug)]
pub(super) struct RunFolder(PathBuf);

impl Folder {
    /// Makes the folder, if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        // Absolute, for a process may change where it stands.
        let made = std::path::absolute(path).and_then(|path| make(&path).map(|()| path));
        made.map(Self).map_err(|why| FolderError { path: path.to_owned(), why })
    }

    /// The folder of `run`, whether it is there or not. A run's name is a plain one.
    pub(super) fn of(&self, run: &HookRun) -> RunFolder {
        RunFolder(self.0.join(run.as_str()))
    }

    /// The runs there are.
    pub(super) fn runs(&self) -> Result<Vec<HookRun>, FolderError> {
        let names = || {
            let mut runs = Vec::new();
            for entry in fs::read_dir(&self.0)? {
                let name = entry?.file_name().into_string().ok();
                // What has another name is not ours.
                runs.extend(name.and_then(|name| HookRun::new(name).ok()));
            }
            Ok(runs)
        };
        names().map_err(|why| FolderError { path: self.0.clone(), why })
    }
}

impl RunFolder {
    /// Makes the folder, if it is not there.
    pub(super) fn make(&self) -> io::Result<()> {
        make(&self.0)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that is there after a power cut, whole or not at all.
    pub(super) fn write<T: Serialize>(&self, name: &str, what: &T) -> io::Result<()> {
        let new = self.path(&format!("{name}.new"));
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(FILE_MODE).open(&new)?;
        file.write_all(&serde_json::to_vec(what)?)?;
        file.sync_all()?;
        fs::rename(&new, self.path(name))?;
        File::open(&self.0)?.sync_all()?;
        match self.0.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Reads a file that was written so; `None` if it was not.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The text of a small file; `None` if there is none.
    pub(super) fn text(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file that its owner alone may read, and that grows at its end.
    pub(super) fn growing(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(FILE_MODE).open(self.path(name))
    }

    /// The last `limit` bytes of a file; none if there is none.
    pub(super) fn tail(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Takes the lock that a run holds while it lives; `None` if it is held.
    pub(super) fn lock(&self, name: &str) -> io::Result<Option<File>> {
        drop(self.growing(name)?);
        // Read only, for it becomes what the command reads: nothing.
        let file = File::open(self.path(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether somebody holds the lock.
    pub(super) fn is_locked(&self, name: &str) -> io::Result<bool> {
        match File::open(self.path(name)) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}
