//! The tables of the file and what is done on them, each within one transaction.

use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use rollout_core::{
    engine::Record,
    id::{Seq, WorkloadId},
    port::JournalError,
};

use super::fault::{Fault, damaged, unreadable, unusable};
use crate::journal::codec::{self, Chain};

/// Records by workload and number.
const RECORDS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("records");
/// Number of records and chain of the last one, by workload.
const HEADS: TableDefinition<&str, (u64, Chain)> = TableDefinition::new("heads");
/// The format of the file and its owner.
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");

/// Version of the layout of the tables that this engine reads up to; records carry a version of their own.
const FORMAT: u32 = 2;
/// Version that a new file says it has: the first one, until something is compacted.
const FORMAT_FIRST: u32 = 1;

/// Checks the format and returns the owner; writes both into a file that is new.
pub(super) fn introduce(database: &Database, place: &str) -> Result<String, Fault> {
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
    let format = text("format", &|| FORMAT_FIRST.to_string())?;
    let found: u32 = format.parse().map_err(|_| {
        damaged(place, 0, &format!("its format is `{format}`, a number was written"))
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

pub(super) fn append(
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
        let head = head_at(&heads, workload, expected)?;
        let head = insert(&mut table, place, workload, head, records)?;
        heads.insert(workload.as_str(), head)?;
        Seq(head.0)
    };
    write.commit()?;
    Ok(last)
}

/// Puts `records` in place of all there are, with a chain of their own.
pub(super) fn compact(
    database: &Database,
    place: &str,
    workload: &WorkloadId,
    expected: Seq,
    records: &[Record],
) -> Result<(), Fault> {
    let write = database.begin_write()?;
    {
        let mut heads = write.open_table(HEADS)?;
        let mut table = write.open_table(RECORDS)?;
        head_at(&heads, workload, expected)?;
        let all = (workload.as_str(), 0)..=(workload.as_str(), u64::MAX);
        table.retain_in(all, |_, _| false)?;
        let before = Record::first_seq(records).0.saturating_sub(1);
        let head = insert(&mut table, place, workload, (before, 0), records)?;
        heads.insert(workload.as_str(), head)?;
        // An engine that knows no snapshots would take the first numbers for missing.
        write.open_table(ABOUT)?.insert("format", FORMAT.to_string().as_str())?;
    }
    write.commit()?;
    Ok(())
}

type Heads<'a> = redb::Table<'a, &'static str, (u64, Chain)>;
type Rows<'a> = redb::Table<'a, (&'static str, u64), &'static [u8]>;

/// The head of a workload's records, whose last one is to be `expected`.
fn head_at(heads: &Heads<'_>, workload: &WorkloadId, expected: Seq) -> Result<(u64, Chain), Fault> {
    let head = heads.get(workload.as_str())?;
    let head = head.map_or((0, 0), |head| head.value());
    let found = Seq(head.0);
    if found != expected {
        let workload = workload.clone();
        return Err(JournalError::Moved { workload, expected, found }.into());
    }
    Ok(head)
}

/// Writes `records` after `head` and returns the new one.
fn insert(
    table: &mut Rows<'_>,
    place: &str,
    workload: &WorkloadId,
    (mut seq, mut chain): (u64, Chain),
    records: &[Record],
) -> Result<(u64, Chain), Fault> {
    for record in records {
        let (bytes, next) = codec::encode(record, chain).map_err(|why| unusable(place, &why))?;
        (seq, chain) = (seq + 1, next);
        table.insert((workload.as_str(), seq), bytes.as_slice())?;
    }
    Ok((seq, chain))
}

pub(super) fn load(
    database: &Database,
    place: &str,
    workload: &WorkloadId,
) -> Result<Vec<Record>, Fault> {
    let read = database.begin_read()?;
    let heads = read.open_table(HEADS)?;
    let table = read.open_table(RECORDS)?;
    let head = heads.get(workload.as_str())?;
    let (last, end) = head.map_or((0, 0), |head| head.value());
    let rows = table.range((workload.as_str(), 0)..=(workload.as_str(), u64::MAX))?;
    let (mut records, mut chain): (Vec<Record>, Chain) = (Vec::new(), 0);
    for row in rows {
        let (key, bytes) = row?;
        let found = key.value().1;
        // The number of the first one is its own to say.
        let next = if records.is_empty() { found } else { Record::last_seq(&records).0 + 1 };
        let missing = |seq| {
            let why = format!("it is missing, record {found} comes next");
            damaged(place, seq, &why)
        };
        if found != next {
            return Err(missing(next).into());
        }
        let (record, after) =
            codec::decode(bytes.value(), chain).map_err(|why| unreadable(place, found, why))?;
        chain = after;
        records.push(record);
        if Record::last_seq(&records).0 != found {
            return Err(missing(1).into());
        }
    }
    let count = Record::last_seq(&records).0;
    if count != last || chain != end {
        let why = format!("the last record is {count}, {last} was written");
        return Err(damaged(place, count.min(last) + 1, &why).into());
    }
    Ok(records)
}

pub(super) fn workloads(database: &Database, place: &str) -> Result<Vec<WorkloadId>, Fault> {
    let read = database.begin_read()?;
    let heads = read.open_table(HEADS)?;
    let mut workloads = Vec::new();
    for row in heads.iter()? {
        let (name, _) = row?;
        let name = name.value().to_owned();
        let workload = WorkloadId::new(name).map_err(|error| damaged(place, 0, &error))?;
        workloads.push(workload);
    }
    Ok(workloads)
}
