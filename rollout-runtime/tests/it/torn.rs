//! Torn: the power fails at every single write of a journal, with every cut of what was not synced yet, and
//! every byte of a line of text is the last one.

use std::{
    io,
    sync::{Arc, Mutex},
};

use rollout_core::{
    engine::{Change, Record},
    id::{Epoch, Seq, WorkloadId},
    port::{Journal, JournalError},
    time::Timestamp,
};
use rollout_runtime::journal::{RedbJournal, StorageBackend, from_line, to_line};

/// Records of one append.
const BATCH: u64 = 2;
/// Appends of the journal that is torn.
const APPENDS: u64 = 3;

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn records(from: u64, count: u64) -> Vec<Record> {
    let record = |at| Record { at: Timestamp(at), change: Change::Claimed { epoch: Epoch(at) } };
    (from..from + count).map(record).collect()
}

/// What was done to a disk since it was made.
#[derive(Clone, Debug)]
enum Deed {
    Length(usize),
    Wrote(usize, Vec<u8>),
    Synced,
}

/// A disk that remembers everything that was done to it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, Vec<Deed>)>>);

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new((bytes, Vec::new()))))
    }

    fn deeds(&self) -> Vec<Deed> {
        self.0.lock().unwrap().1.clone()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().0.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let source = disk.0.get(offset..offset + out.len());
        out.copy_from_slice(source.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        let len = usize::try_from(len).unwrap();
        disk.0.resize(len, 0);
        disk.1.push(Deed::Length(len));
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.lock().unwrap().1.push(Deed::Synced);
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        disk.0[offset..offset + data.len()].copy_from_slice(data);
        disk.1.push(Deed::Wrote(offset, data.to_vec()));
        Ok(())
    }
}

/// The bytes after the first `count` deeds, of the last of which the first `kept` bytes arrived.
fn torn(deeds: &[Deed], count: usize, kept: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, deed) in deeds[..count].iter().enumerate() {
        match deed {
            Deed::Length(length) => bytes.resize(*length, 0),
            Deed::Wrote(offset, data) => {
                let end = if place + 1 == count { kept.min(data.len()) } else { data.len() };
                bytes[*offset..offset + end].copy_from_slice(&data[..end]);
            }
            Deed::Synced => {}
        }
    }
    bytes
}

/// The deeds of a journal with some appends, and how many of them were done when each was acknowledged.
async fn written() -> (Vec<Deed>, Vec<usize>) {
    let disk = Disk::default();
    let journal = RedbJournal::with_storage("disk", disk.clone()).await.unwrap();
    let mut acknowledged = vec![disk.deeds().len()];
    for append in 0..APPENDS {
        let seq = append * BATCH;
        journal.append(&web(), Seq(seq), &records(seq + 1, BATCH)).await.unwrap();
        acknowledged.push(disk.deeds().len());
    }
    drop(journal);
    (disk.deeds(), acknowledged)
}

/// Tears every write of the appends after every `stride`-th of its bytes, and looks what is left.
async fn tear(stride: usize) -> u64 {
    let (deeds, acknowledged) = written().await;
    let mut cuts = 0;
    for count in acknowledged[0]..deeds.len() {
        let Deed::Wrote(_, data) = &deeds[count] else { continue };
        let whole = acknowledged.iter().filter(|done| **done <= count).count() as u64 - 1;
        let before = torn(&deeds, count, usize::MAX);
        let mut last = None;
        for kept in (0..=data.len()).step_by(stride).chain([data.len()]) {
            let bytes = torn(&deeds, count + 1, kept);
            // A cut that changes nothing was looked at already.
            if last.as_ref() == Some(&bytes) || (bytes == before && 0 < kept) {
                continue;
            }
            last = Some(bytes.clone());
            cuts += 1;
            survives(bytes, whole, &format!("write {count}, {kept} of {} bytes", data.len())).await;
        }
    }
    cuts
}

/// What is left of a torn disk is every append that was acknowledged, at most one more, and it goes on.
async fn survives(bytes: Vec<u8>, whole: u64, cut: &str) {
    let journal = RedbJournal::with_storage("disk", Disk::of(bytes)).await;
    let journal = journal.unwrap_or_else(|error| panic!("{cut}: {error}"));
    let loaded = journal.load(&web()).await.unwrap_or_else(|error| panic!("{cut}: {error}"));
    let count = loaded.len() as u64;
    assert_eq!(loaded, records(1, count), "{cut}: other records");
    let is_whole = count == whole * BATCH || count == (whole + 1) * BATCH;
    assert!(is_whole, "{cut}: {count} records, {whole} appends were acknowledged");
    let next = journal.append(&web(), Seq(count), &records(count + 1, 1)).await;
    assert_eq!(next, Ok(Seq(count + 1)), "{cut}: does not go on");
}

/// Every write of three appends, each cut in a few places.
#[tokio::test]
async fn a_torn_write_loses_no_append_that_was_acknowledged() {
    let cuts = tear(997).await;
    assert!(20 < cuts, "only {cuts} cuts");
}

/// The same after every byte: `cargo xtask deep` walks it.
#[tokio::test]
#[ignore = "minutes; a share of it is part of every run"]
async fn full_grid_of_torn_writes() {
    let cuts = tear(1).await;
    println!("{cuts} cuts, no append lost");
}

/// Every byte of the last line is the last one: what is left is refused, and the lines before are whole.
#[test]
fn a_torn_line_of_text_is_named_whatever_is_left_of_it() {
    let (mut chain, mut lines) = (0, Vec::new());
    for record in records(1, 4) {
        let (line, next) = to_line(&record, chain).unwrap();
        lines.push((line, chain));
        chain = next;
    }
    let (last, before) = lines.last().unwrap();
    assert!(from_line(last, *before).is_ok());
    for end in 0..last.len() {
        let torn = last.get(..end).expect("the line is of plain letters");
        assert!(from_line(torn, *before).is_err(), "{end} bytes of it are taken for a record");
    }
    // A line that belongs elsewhere is no better than a torn one.
    assert!(from_line(last, before ^ 1).is_err());
}

/// A disk that fails once, at each of its deeds in turn: the append is not acknowledged, and a new engine goes on
/// from what was.
#[derive(Debug)]
struct Failing {
    disk: Disk,
    left: Mutex<usize>,
}

impl Failing {
    fn works(&self) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        if *left == 0 {
            return Err(io::Error::other("the disk is full"));
        }
        *left -= 1;
        Ok(())
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.works().and_then(|()| self.disk.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.works().and_then(|()| self.disk.sync_data())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.works().and_then(|()| self.disk.write(offset, data))
    }
}

#[tokio::test]
async fn a_disk_that_fails_at_any_deed_loses_nothing_that_was_acknowledged() {
    let deeds = written().await.0.len();
    let mut failed = 0;
    for left in 0..deeds {
        let disk = Disk::default();
        let failing = Failing { disk: disk.clone(), left: Mutex::new(left) };
        let mut acknowledged = 0;
        let Ok(journal) = RedbJournal::with_storage("disk", failing).await else {
            // It never was a journal: what is there is an empty one, or named.
            is_empty_or_named(&disk, left).await;
            continue;
        };
        while acknowledged < APPENDS * BATCH {
            let next = records(acknowledged + 1, BATCH);
            match journal.append(&web(), Seq(acknowledged), &next).await {
                Ok(Seq(seq)) => acknowledged = seq,
                Err(JournalError::Store { .. }) => break,
                Err(other) => panic!("deed {left}: {other}"),
            }
        }
        drop(journal);
        failed += u64::from(acknowledged < APPENDS * BATCH);
        let bytes = disk.0.lock().unwrap().0.clone();
        survives(bytes, acknowledged / BATCH, &format!("deed {left} fails")).await;
    }
    assert!(0 < failed, "no append ever failed");
}

async fn is_empty_or_named(disk: &Disk, deed: usize) {
    let bytes = disk.0.lock().unwrap().0.clone();
    match RedbJournal::with_storage("disk", Disk::of(bytes)).await {
        Ok(journal) => assert_eq!(journal.load(&web()).await, Ok(Vec::new()), "deed {deed}"),
        Err(JournalError::Damaged { .. } | JournalError::Store { .. }) => {}
        Err(other) => panic!("deed {deed}: {other}"),
    }
}
