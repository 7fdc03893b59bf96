//! A journal in one redb file: crash-safe, one durable commit per append, many workloads.
//!
//! Calls run on tokio's blocking threads: a commit takes 0.2 ms on a quick disk, but a slow one can
//! hold it for seconds, and then no other rollout of the process may stand still. The store's lock
//! goes along into the blocking thread, so an append whose caller was dropped ends before the next
//! load begins. What redb panics on is reported as damage.

mod fault;
mod tables;

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use redb::{Database, StorageBackend};
use rollout_core::{
    engine::Record,
    id::{Seq, WorkloadId},
    port::{Journal, JournalError},
};
use tokio::{sync::Mutex, task};

use tracing::error;

use self::fault::{Fault, damaged, store_error, unusable};

/// Permissions of the file: its owner's alone, for templates may hold secrets.
const MODE: u32 = 0o600;
/// Memory for pages; a journal is written far more often than read.
const CACHE_BYTES: usize = 1 << 20;

/// A journal in a file.
#[derive(Clone, Debug)]
pub struct RedbJournal {
    place: Arc<str>,
    owner: Arc<str>,
    store: Arc<Mutex<Store>>,
}

impl RedbJournal {
    /// Opens the journal at `path`, or makes one, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// [`JournalError::InUse`] if another engine has it open, [`JournalError::Damaged`] if it is no
    /// journal, [`JournalError::Newer`] if a newer engine wrote it, [`JournalError::Store`] if the file
    /// cannot be opened.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        let place: Arc<str> = path.display().to_string().into();
        let storage = {
            let place = Arc::clone(&place);
            move || {
                let file = open_file(&path).map_err(|error| unusable(&place, &error))?;
                let mut builder = Database::builder();
                Ok(builder.set_cache_size(CACHE_BYTES).create_file(file)?)
            }
        };
        Self::begin(place, storage).await
    }

    /// Opens the journal on a storage of the caller, such as one that tears writes in a test; `place`
    /// names it in errors.
    ///
    /// # Errors
    ///
    /// Those of [`RedbJournal::open`].
    pub async fn with_storage(
        place: &str,
        storage: impl StorageBackend,
    ) -> Result<Self, JournalError> {
        let open = move || Ok(Database::builder().create_with_backend(storage)?);
        Self::begin(place.into(), open).await
    }

    async fn begin(
        place: Arc<str>,
        open: impl FnOnce() -> Result<Database, Fault> + Send + 'static,
    ) -> Result<Self, JournalError> {
        let named = Arc::clone(&place);
        let begun = blocking(&place, move || {
            let mut store = Store(Some(open()?));
            store.check()?;
            let owner = tables::introduce(store.database(), &named)?;
            Ok((store, owner))
        });
        let (store, owner) = begun.await?;
        Ok(Self { place, owner: owner.into(), store: Arc::new(Mutex::new(store)) })
    }

    /// Runs `work` on the store, alone, on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database, &str) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        let store = Arc::clone(&self.store).lock_owned().await;
        let place = Arc::clone(&self.place);
        blocking(&self.place, move || work(store.database(), &place)).await
    }
}

#[async_trait]
impl Journal for RedbJournal {
    fn owner(&self) -> String {
        self.owner.as_ref().to_owned()
    }

    async fn append(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<Seq, JournalError> {
        let (workload, records) = (workload.clone(), records.to_vec());
        self.with(move |database, place| {
            tables::append(database, place, &workload, expected, &records)
        })
        .await
    }

    async fn compact(
        &self,
        workload: &WorkloadId,
        expected: Seq,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let (workload, records) = (workload.clone(), records.to_vec());
        self.with(move |database, place| {
            tables::compact(database, place, &workload, expected, &records)
        })
        .await
    }

    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        let workload = workload.clone();
        self.with(move |database, place| tables::load(database, place, &workload)).await
    }

    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        self.with(tables::workloads).await
    }
}

/// Opens the file for its owner alone, and makes its name durable.
fn open_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(MODE))?;
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all()?,
        Some(_) | None => File::open(".")?.sync_all()?,
    }
    Ok(file)
}

/// The open file. Closing a damaged one can make the store panic, and a panic while dropping would take
/// the process along.
#[derive(Debug)]
struct Store(Option<Database>);

impl Store {
    fn database(&self) -> &Database {
        self.0.as_ref().expect("it is open until dropped")
    }

    /// Reads every page once, so that damage is found before anything is decided upon. Whether the
    /// store could mend some is nothing to rely on: the chain of the records says what is whole.
    fn check(&mut self) -> Result<(), Fault> {
        let database = self.0.as_mut().expect("it is open until dropped");
        database.check_integrity()?;
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let database = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            error!("the journal was damaged while in use");
        }
    }
}

/// Runs `work` on a thread that may block; a panic of the store is damage, for on a sound file it
/// has none.
async fn blocking<T: Send + 'static>(
    place: &str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, JournalError> {
    match task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Fault::Known(error))) => Err(error),
        Ok(Err(Fault::Store(error))) => Err(store_error(place, &error)),
        Err(error) if error.is_panic() => Err(damaged(place, 0, "the store gave up on the file")),
        Err(error) => Err(unusable(place, &error)),
    }
}
