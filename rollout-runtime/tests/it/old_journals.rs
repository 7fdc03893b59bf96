//! Journal files of other versions: an older one is read as it is, a newer one is refused untouched.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use rollout_core::{
    engine::{End, Engine, Phase, RECORD_VERSION, Record, Setup, Tuning},
    id::{Seq, WorkloadId},
    port::{Capabilities, Confirmation, Journal, JournalError, Making},
    spec::Counting,
};
use rollout_runtime::journal::RedbJournal;
use tempfile::TempDir;

/// A file that an engine of version 1 wrote: `web` waits for an approval, `api` was rolled back.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journals/v1.journal");

/// The table of records, as it was in the first version and is now.
const RECORDS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("records");

/// A copy of the file, for opening one writes to it.
fn copy() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    std::fs::copy(FIRST, &path).unwrap();
    (folder, path)
}

fn workload(name: &str) -> WorkloadId {
    WorkloadId::new(name).unwrap()
}

fn replay(name: &str, records: &[Record]) -> Engine {
    let setup = Setup {
        workload: workload(name),
        capabilities: Capabilities {
            making: Making::ByName,
            counting: Counting::Strict,
            enrolment: Some(Confirmation::Observed),
            router: Some(10_000),
            abilities: std::collections::BTreeSet::new(),
        },
        tuning: Tuning::default(),
    };
    Engine::replay(setup, records).unwrap()
}

#[tokio::test]
async fn a_file_of_the_first_version_is_read_and_gone_on_with() {
    let (_folder, path) = copy();
    let journal = RedbJournal::open(&path).await.unwrap();
    assert_eq!(journal.workloads().await, Ok(vec![workload("api"), workload("web")]));

    let records = journal.load(&workload("web")).await.unwrap();
    let web = replay("web", &records);
    assert_eq!((web.seq(), web.attempt().0, web.end()), (Seq(65), 2, None));
    let status = web.status(records.last().unwrap().at);
    assert_eq!(status.phase, Phase::Gating);
    assert_eq!(status.route.unwrap().to_string(), "50% to v1, 50% to v2");

    let records = journal.load(&workload("api")).await.unwrap();
    let api = replay("api", &records);
    assert_eq!((api.seq(), api.attempt().0, api.end()), (Seq(47), 2, Some(&End::RolledBack)));
    assert_eq!(api.stable().unwrap().as_str(), "v1");

    let next = records[..1].to_vec();
    assert_eq!(journal.append(&workload("api"), Seq(47), &next).await, Ok(Seq(48)));
    assert_eq!(journal.load(&workload("api")).await.unwrap()[47..], next);
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused_and_named() {
    let (_folder, path) = copy();
    let newer = RECORD_VERSION + 1;
    write_record(&path, 1, &format!(r#"{{"v":{newer},"at":0,"change":"of another kind"}}"#));
    let journal = RedbJournal::open(&path).await.unwrap();
    let place = path.display().to_string();
    let error = journal.load(&workload("api")).await.unwrap_err();
    let text = format!(
        "the journal {place} was written in format {newer}, this engine reads up to {RECORD_VERSION}; use a newer engine"
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(error, JournalError::Newer { place, found: newer, known: RECORD_VERSION });
}

#[tokio::test]
async fn what_is_appended_to_an_older_file_says_its_version() {
    let (_folder, path) = copy();
    let journal = RedbJournal::open(&path).await.unwrap();
    let records = journal.load(&workload("api")).await.unwrap();
    journal.append(&workload("api"), Seq(47), &records[..1]).await.unwrap();
    drop(journal);
    // An engine of the first version reads every record's version first, and refuses any above its own.
    let versions = versions(&path, "api");
    assert_eq!(versions.len(), 48);
    assert!(versions[..47].iter().all(|version| *version == 1), "{versions:?}");
    assert_eq!(versions[47], u64::from(RECORD_VERSION));
    // The other workload's records are as they were.
    assert!(self::versions(&path, "web").iter().all(|version| *version == 1));
}

/// The version that each record of a workload says it has, read behind the journal's back.
fn versions(path: &Path, workload: &str) -> Vec<u64> {
    let read = Database::open(path).unwrap().begin_read().unwrap();
    let table = read.open_table(RECORDS).unwrap();
    let rows = table.range((workload, 0)..=(workload, u64::MAX)).unwrap();
    let version = |bytes: &[u8]| {
        let record: serde_json::Value = serde_json::from_slice(&bytes[4..]).unwrap();
        record["v"].as_u64().unwrap()
    };
    rows.map(|row| version(row.unwrap().1.value())).collect()
}

/// Writes record `seq` of `api` behind the journal's back, as sound as a newer engine would.
fn write_record(path: &Path, seq: u64, json: &str) {
    let checksum = crc32c::crc32c(json.as_bytes()).to_le_bytes();
    let bytes = [&checksum[..], json.as_bytes()].concat();
    let write = Database::open(path).unwrap().begin_write().unwrap();
    {
        let mut table = write.open_table(RECORDS).unwrap();
        assert!(table.get(("api", seq)).unwrap().is_some());
        table.insert(("api", seq), bytes.as_slice()).unwrap();
    }
    write.commit().unwrap();
}
