//! A journal in one redb file: crash-safe, one durable commit per append, many workloads.
//!
//! Calls run on tokio's blocking threads: a commit takes 0.2 ms on a quick disk, but a slow one can
//! hold it for seconds, and then no other rollout of the process may stand still. The store's lock
//! goes along into the blocking thread, so an append whose caller was dropped ends before the next
//! load begins. What redb panics on is reported as damage.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction,
};
use rollout_core::{
    engine::Record,
    id::{Seq, WorkloadId},
    port::{Journal, JournalError},
};
use tokio::{sync::Mutex, task};

use super::codec::{self, Chain, Unreadable};

/// Records by workload and number.
const RECORDS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("records");
/// Number of records and chain of the last one, by workload.
const HEADS: TableDefinition<&str, (u64, Chain)> = TableDefinition::new("heads");
/// The format of the file and its owner.
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");

/// Version of the layout of the tables; records carry a version of their own.
const FORMAT: u32 = 1;
/// Permissions of the file: its owner's alone, for templates may hold secrets.
const MODE: u32 = 0o600;
/// Memory for pages; a journal is written far more often than read.
const CACHE_BYTES: usize = 1 << 20;

/// A journal in a file.
#[derive(Clone, Debug)]
pub struct RedbJournal {
    place: Arc<str>,
    owner: Arc<str>,
    database: Arc<Mutex<Database>>,
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
                let file = open_file(&path).map_err(|error| unusable(&place, error))?;
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
            let database = open()?;
            let owner = introduce(&database, &named)?;
            Ok((database, owner))
        });
        let (database, owner) = begun.await?;
        Ok(Self { place, owner: owner.into(), database: Arc::new(Mutex::new(database)) })
    }

    /// Runs `work` on the store, alone, on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database, &str) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        let database = Arc::clone(&self.database).lock_owned().await;
        let place = Arc::clone(&self.place);
        blocking(&self.place, move || work(&database, &place)).await
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
        self.with(move |database, place| append(database, place, &workload, expected, &records))
            .await
    }

    async fn load(&self, workload: &WorkloadId) -> Result<Vec<Record>, JournalError> {
        let workload = workload.clone();
        self.with(move |database, place| load(database, place, &workload)).await
    }

    async fn workloads(&self) -> Result<Vec<WorkloadId>, JournalError> {
        self.with(workloads).await
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

/// Checks the format and returns the owner; writes both into a file that is new.
fn introduce(database: &Database, place: &str) -> Result<String, Fault> {
    let write = database.begin_write()?;
    let owner = about(&write, place)?;
    write.commit()?;
    Ok(owner)
}

fn about(write: &WriteTransaction, place: &str) -> Result<String, Fault> {
    let mut about = write.open_table(ABOUT)?;
    write.open_table(RECORDS)?;
    write.open_table(HEADS)?;
    let mut text = |key: &str, new: &dyn Fn() -> String| {
        let found = about.get(key)?;
        if let Some(found) = found.map(|value| value.value().to_owned()) {
            return Ok(found);
        }
        let new = new();
        about.insert(key, new.as_str())?;
        Ok(new)
    };
    let format = text("format", &|| FORMAT.to_string())?;
    let found: u32 = format.parse().map_err(|_| {
        damaged(place, 0, format!("its format is `{format}`, a number was written"))
    })?;
    if FORMAT < found {
        let newer = JournalError::Newer { place: place.to_owned(), found, known: FORMAT };
        return Err(newer.into());
    }
    text("owner", &|| new_owner(place))
}

/// A name no other journal has, for all practical purposes.
fn new_owner(place: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(place.as_bytes());
    hasher.update(&now.as_nanos().to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

fn append(
    database: &Database,
    place: &str,
    workload: &WorkloadId,
    expected: Seq,
    records: &[Record],
) -> Result<Seq, Fault> {
    let write = database.begin_write()?;
    let last = {
        let mut heads = write.open_table(HEADS)?;
        let mut table = write.open_table(RECORDS)?;
        let head = heads.get(workload.as_str())?;
        let (mut seq, mut chain) = head.map_or((0, 0), |head| head.value());
        if seq != expected.0 {
            let moved =
                JournalError::Moved { workload: workload.clone(), expected, found: Seq(seq) };
            return Err(moved.into());
        }
        for record in records {
            let (bytes, next) = codec::encode(record, chain).map_err(|why| unusable(place, why))?;
            (seq, chain) = (seq + 1, next);
            table.insert((workload.as_str(), seq), bytes.as_slice())?;
        }
        heads.insert(workload.as_str(), (seq, chain))?;
        Seq(seq)
    };
    write.commit()?;
    Ok(last)
}

fn load(database: &Database, place: &str, workload: &WorkloadId) -> Result<Vec<Record>, Fault> {
    let read = database.begin_read()?;
    let heads = read.open_table(HEADS)?;
    let table = read.open_table(RECORDS)?;
    let head = heads.get(workload.as_str())?;
    let (last, end) = head.map_or((0, 0), |head| head.value());
    let rows = table.range((workload.as_str(), 0)..=(workload.as_str(), u64::MAX))?;
    let (mut records, mut chain): (Vec<Record>, Chain) = (Vec::new(), 0);
    for row in rows {
        let (key, bytes) = row?;
        let expected = records.len() as u64 + 1;
        let found = key.value().1;
        if found != expected {
            let why = format!("it is missing, record {found} comes next");
            return Err(damaged(place, expected, why).into());
        }
        let (record, next) =
            codec::decode(bytes.value(), chain).map_err(|why| unreadable(place, expected, why))?;
        chain = next;
        records.push(record);
    }
    let count = records.len() as u64;
    if count != last || chain != end {
        let why = format!("{count} records are there, {last} were written");
        return Err(damaged(place, count.min(last) + 1, why).into());
    }
    Ok(records)
}

fn workloads(database: &Database, place: &str) -> Result<Vec<WorkloadId>, Fault> {
    let read = database.begin_read()?;
    let heads = read.open_table(HEADS)?;
    let mut workloads = Vec::new();
    for row in heads.iter()? {
        let (name, _) = row?;
        let name = name.value().to_owned();
        let workload = WorkloadId::new(name).map_err(|error| damaged(place, 0, error))?;
        workloads.push(workload);
    }
    Ok(workloads)
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
        Err(error) => Err(unusable(place, error)),
    }
}

/// What went wrong on the blocking thread.
enum Fault {
    /// The store's own error.
    Store(redb::Error),
    /// One that says it all.
    Known(JournalError),
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::Known(error)
    }
}

macro_rules! from_store {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for Fault {
            fn from(error: redb::$error) -> Self {
                Self::Store(error.into())
            }
        })*
    };
}
from_store!(DatabaseError TransactionError TableError StorageError CommitError);

fn store_error(place: &str, error: &redb::Error) -> JournalError {
    if let redb::Error::DatabaseAlreadyOpen = error {
        return JournalError::InUse { place: place.to_owned() };
    }
    if is_damage(error) {
        return damaged(place, 0, error);
    }
    unusable(place, error)
}

/// Whether the file is not what the store wrote.
fn is_damage(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
        other => matches!(
            other,
            redb::Error::Corrupted(_)
                | redb::Error::RepairAborted
                | redb::Error::TableTypeMismatch { .. }
                | redb::Error::TableIsMultimap(_)
                | redb::Error::TypeDefinitionChanged { .. }
                | redb::Error::TableDoesNotExist(_)
        ),
    }
}

fn unreadable(place: &str, seq: u64, why: Unreadable) -> JournalError {
    match why {
        Unreadable::Damaged(why) => damaged(place, seq, why),
        Unreadable::Newer(found) => JournalError::Newer {
            place: place.to_owned(),
            found,
            known: rollout_core::engine::RECORD_VERSION,
        },
    }
}

/// Damage at record `seq`; at 0 it is the file itself.
fn damaged(place: &str, seq: u64, why: impl ToString) -> JournalError {
    JournalError::Damaged { place: place.to_owned(), seq: Seq(seq), why: why.to_string() }
}

fn unusable(place: &str, why: impl ToString) -> JournalError {
    JournalError::Store { place: place.to_owned(), why: why.to_string() }
}
