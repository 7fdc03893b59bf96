//! Journals: what was appended is what is loaded, or one clear error says why not.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;
use redb::{Database, ReadableTable, TableDefinition};
use rollout_core::{
    engine::{Change, Record},
    id::{Epoch, Seq, WorkloadId},
    port::{Journal, JournalError},
    time::Timestamp,
};
use rollout_runtime::journal::{MemoryJournal, RedbJournal, StorageBackend};

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn records(from: u64, count: u64) -> Vec<Record> {
    let record = |at| Record { at: Timestamp(at), change: Change::Claimed { epoch: Epoch(at) } };
    (from..from + count).map(record).collect()
}

async fn keeps_its_promises(journal: &dyn Journal) {
    let api = WorkloadId::new("api").unwrap();
    assert_eq!(journal.load(&web()).await, Ok(Vec::new()));
    assert_eq!(journal.append(&web(), Seq(0), &records(1, 3)).await, Ok(Seq(3)));
    assert_eq!(journal.append(&api, Seq(0), &records(7, 1)).await, Ok(Seq(1)));
    assert_eq!(journal.append(&web(), Seq(3), &records(4, 2)).await, Ok(Seq(5)));
    let moved = JournalError::Moved { workload: web(), expected: Seq(3), found: Seq(5) };
    assert_eq!(journal.append(&web(), Seq(3), &records(9, 1)).await, Err(moved));
    assert_eq!(journal.load(&web()).await, Ok(records(1, 5)));
    assert_eq!(journal.load(&api).await, Ok(records(7, 1)));
    assert_eq!(journal.workloads().await, Ok(vec![api.clone(), web()]));

    let moved = JournalError::Moved { workload: web(), expected: Seq(4), found: Seq(5) };
    let short = Record::compacted(&records(1, 5), 2).unwrap().unwrap();
    assert_eq!(short.len(), 3);
    assert_eq!(journal.compact(&web(), Seq(4), &short).await, Err(moved));
    assert_eq!(journal.load(&web()).await, Ok(records(1, 5)));
    assert_eq!(journal.compact(&web(), Seq(5), &short).await, Ok(()));
    assert_eq!(journal.load(&web()).await, Ok(short.clone()));
    assert_eq!(journal.append(&web(), Seq(5), &records(6, 2)).await, Ok(Seq(7)));
    assert_eq!(journal.load(&web()).await, Ok([short, records(6, 2)].concat()));
    let whole = Record::compacted(&[records(1, 7)].concat(), 0).unwrap().unwrap();
    assert_eq!(journal.compact(&web(), Seq(7), &whole).await, Ok(()));
    assert_eq!(journal.load(&web()).await, Ok(whole));
    assert_eq!(journal.append(&web(), Seq(7), &records(8, 1)).await, Ok(Seq(8)));
    assert_eq!(journal.load(&api).await, Ok(records(7, 1)));
}

#[tokio::test]
async fn both_journals_keep_their_promises() {
    keeps_its_promises(&MemoryJournal::new("me")).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path().join("journal")).await;
    keeps_its_promises(&journal.unwrap()).await;
}

#[tokio::test]
async fn a_file_opened_again_has_its_records_and_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = RedbJournal::open(&path).await.unwrap();
    journal.append(&web(), Seq(0), &records(1, 4)).await.unwrap();
    let owner = journal.owner();
    drop(journal);

    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others could read templates");
    let again = RedbJournal::open(&path).await.unwrap();
    assert_eq!(again.owner(), owner);
    assert_eq!(again.load(&web()).await, Ok(records(1, 4)));
    let other = RedbJournal::open(folder.path().join("other")).await.unwrap();
    assert_ne!(other.owner(), owner);
}

#[tokio::test]
async fn a_second_engine_is_told_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let _journal = RedbJournal::open(&path).await.unwrap();
    let place = path.display().to_string();
    let second = RedbJournal::open(&path).await.err();
    assert_eq!(second, Some(JournalError::InUse { place }));
}

#[tokio::test]
async fn a_file_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere").join("journal");
    let error = RedbJournal::open(&path).await.err();
    assert!(matches!(error, Some(JournalError::Store { .. })), "{error:?}");

    let path = folder.path().join("letter");
    std::fs::write(&path, "dear journal, today nothing happened".repeat(100)).unwrap();
    let error = RedbJournal::open(&path).await.err();
    assert!(matches!(error, Some(JournalError::Damaged { .. })), "{error:?}");
}

/// Opens the file as its store does, behind the journal's back.
fn meddle(path: &Path, work: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    work(&write);
    write.commit().unwrap();
}

const RECORDS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("records");
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");

#[tokio::test]
async fn a_record_that_is_missing_changed_or_swapped_is_named() {
    type Meddling = fn(&redb::WriteTransaction);
    let cases: [(&str, u64, Meddling); 4] = [
        ("missing in the middle", 2, |write| {
            write.open_table(RECORDS).unwrap().remove(("web", 2)).unwrap();
        }),
        ("missing at the end", 4, |write| {
            write.open_table(RECORDS).unwrap().remove(("web", 4)).unwrap();
        }),
        ("changed", 3, |write| {
            let mut table = write.open_table(RECORDS).unwrap();
            let mut bytes = table.get(("web", 3)).unwrap().unwrap().value().to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            table.insert(("web", 3), bytes.as_slice()).unwrap();
        }),
        ("swapped", 2, |write| {
            let mut table = write.open_table(RECORDS).unwrap();
            let bytes = |seq: u64| table.get(("web", seq)).unwrap().unwrap().value().to_vec();
            let (two, three) = (bytes(2), bytes(3));
            table.insert(("web", 2), three.as_slice()).unwrap();
            table.insert(("web", 3), two.as_slice()).unwrap();
        }),
    ];
    for (name, record, meddling) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = RedbJournal::open(&path).await.unwrap();
        journal.append(&web(), Seq(0), &records(1, 4)).await.unwrap();
        drop(journal);
        meddle(&path, meddling);
        let journal = RedbJournal::open(&path).await.unwrap();
        match journal.load(&web()).await {
            Err(JournalError::Damaged { seq, .. }) => assert_eq!(seq, Seq(record), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    drop(RedbJournal::open(&path).await.unwrap());
    meddle(&path, |write| {
        write.open_table(ABOUT).unwrap().insert("format", "3").unwrap();
    });
    let newer = JournalError::Newer { place: path.display().to_string(), found: 3, known: 2 };
    assert_eq!(RedbJournal::open(&path).await.err(), Some(newer));
}

#[tokio::test]
async fn a_flipped_bit_is_harmless_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = RedbJournal::open(&path).await.unwrap();
    for seq in 0..8 {
        journal.append(&web(), Seq(seq), &records(seq + 1, 1)).await.unwrap();
    }
    drop(journal);
    let sound = std::fs::read(&path).unwrap();
    let mut random = Pcg32::seed_from_u64(7);
    let (mut harmless, mut named) = (0, 0);
    for round in 0..200 {
        // Half of them in the first pages, where the store keeps what it must believe.
        let end = if round % 2 == 0 { 32 * 1024 } else { sound.len() };
        let at = below(&mut random, end.min(sound.len()));
        let mut bad = sound.clone();
        bad[at] ^= 1 << (round % 8);
        std::fs::write(&path, &bad).unwrap();
        let loaded = match RedbJournal::open(&path).await {
            Ok(journal) => journal.load(&web()).await,
            Err(error) => Err(error),
        };
        match loaded {
            Ok(loaded) => {
                assert_eq!(loaded, records(1, 8), "byte {at}: other records");
                harmless += 1;
            }
            Err(JournalError::Damaged { .. } | JournalError::Store { .. }) => named += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(0 < harmless && 0 < named, "{harmless} harmless, {named} named");
}

fn below(random: &mut Pcg32, limit: usize) -> usize {
    let limit = u32::try_from(limit).unwrap();
    usize::try_from(random.next_u32() % limit).unwrap()
}

/// A disk whose power can fail: what was not synced may be there, in part, or not at all.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Writes since the last sync, in order.
    pending: Vec<(usize, Vec<u8>)>,
    /// Writes until the power fails.
    power: Option<u32>,
}

impl Disk {
    fn fail_after(&self, writes: u32) {
        self.0.lock().unwrap().power = Some(writes);
    }

    /// The disk after the power came back: of each write that was not synced a part may have survived.
    fn restored(&self, random: &mut Pcg32) -> Self {
        let old = self.0.lock().unwrap();
        let mut bytes = old.synced.clone();
        for (offset, data) in &old.pending {
            let kept = below(random, data.len() + 1);
            let end = (offset + kept).max(bytes.len());
            bytes.resize(end, 0);
            if !random.next_u32().is_multiple_of(3) {
                bytes[*offset..offset + kept].copy_from_slice(&data[..kept]);
            }
        }
        let platter = Platter { synced: bytes.clone(), bytes, ..Platter::default() };
        Self(Arc::new(Mutex::new(platter)))
    }

    fn powered<T>(&self, work: impl FnOnce(&mut Platter) -> T) -> io::Result<T> {
        let mut platter = self.0.lock().unwrap();
        match platter.power.as_mut() {
            Some(0) => return Err(io::Error::other("no power")),
            Some(writes) => *writes -= 1,
            None => (),
        }
        Ok(work(&mut platter))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let source = platter.bytes.get(offset..offset + out.len());
        out.copy_from_slice(source.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.powered(|platter| {
            let len = usize::try_from(len).unwrap();
            platter.bytes.resize(len, 0);
            platter.synced.resize(len, 0);
        })
    }
    fn sync_data(&self) -> io::Result<()> {
        self.powered(|platter| {
            platter.synced.clone_from(&platter.bytes);
            platter.pending.clear();
        })
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.powered(|platter| {
            let offset = usize::try_from(offset).unwrap();
            platter.bytes[offset..offset + data.len()].copy_from_slice(data);
            platter.pending.push((offset, data.to_vec()));
        })
    }
}

#[tokio::test]
async fn a_power_failure_loses_nothing_that_was_acknowledged() {
    let mut cut = 0;
    for seed in 0..120 {
        let mut random = Pcg32::seed_from_u64(seed);
        let disk = Disk::default();
        let journal = RedbJournal::with_storage("disk", disk.clone()).await.unwrap();
        disk.fail_after(random.next_u32() % 60);
        let mut acknowledged = 0;
        let error = loop {
            let next = records(acknowledged + 1, 2);
            match journal.append(&web(), Seq(acknowledged), &next).await {
                Ok(Seq(seq)) => acknowledged = seq,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, JournalError::Store { .. }), "seed {seed}: {error}");
        drop(journal);
        let restored = disk.restored(&mut random);
        let journal = RedbJournal::with_storage("disk", restored).await;
        let journal = journal.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let loaded = journal.load(&web()).await;
        let loaded = loaded.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let count = loaded.len() as u64;
        assert_eq!(loaded, records(1, count), "seed {seed}: other records");
        let whole = count == acknowledged || count == acknowledged + 2;
        assert!(whole, "seed {seed}: {count} of {acknowledged} acknowledged");
        cut += u32::from(count == acknowledged);
        let seq = journal.append(&web(), Seq(count), &records(count + 1, 1)).await;
        assert_eq!(seq, Ok(Seq(count + 1)), "seed {seed}: does not go on");
    }
    assert!(0 < cut, "no append was ever cut");
}
