//! Old journals: what an earlier engine wrote, this one reads to the same end.
//!
//! In: `journals/v<version>/*.jsonl`, each the journal of one workload as an engine of that version wrote it.
//! The first line says what happens in it, what the engine was made for and how it stood afterwards; then one
//! record a line. The files are never written again: a new version of the format gets a folder of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "the corpus is kept in files; only tests read them")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rollout_core::{
    engine::{
        Change, Engine, Event, Inventory, Observation, RECORD_VERSION, Record, Setup, Status,
        Tuning,
    },
    id::WorkloadId,
    port::Capabilities,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journals");
/// Journals kept of each version, from version 1 on.
const KEPT: [usize; 2] = [34, 3];
/// Largest file that is still pleasant to keep, in bytes.
const FILE_LIMIT: usize = 60 * 1024;

/// The first line of a journal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    story: String,
    workload: WorkloadId,
    capabilities: Capabilities,
    /// The time of its last look.
    now: Timestamp,
    /// How the engine that wrote it stood then.
    outcome: BTreeMap<String, Value>,
}

struct Kept {
    name: String,
    head: Head,
    lines: Vec<Value>,
    records: Vec<Record>,
}

impl Kept {
    fn setup(&self) -> Setup {
        Setup {
            workload: self.head.workload.clone(),
            capabilities: self.head.capabilities.clone(),
            tuning: Tuning::default(),
        }
    }

    fn replay(&self, records: usize) -> Engine {
        let replayed = Engine::replay(self.setup(), &self.records[..records]);
        replayed.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

fn read(path: &Path) -> Kept {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.len() <= FILE_LIMIT, "{name} has {} bytes", text.len());
    let (head, rest) = text.split_once('\n').unwrap();
    let head = serde_json::from_str(head).unwrap_or_else(|error| panic!("{name}: {error}"));
    let one = |line: &str| serde_json::from_str(line).unwrap();
    let parse = |(seq, line): (usize, &str)| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}, record {seq}: {error}"))
    };
    let records = (1..).zip(rest.lines()).map(parse).collect();
    let lines = rest.lines().map(one).collect();
    Kept { name, head, lines, records }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Every journal of every version; the number of each is asserted, so that none goes missing unseen.
fn corpus() -> Vec<Kept> {
    let mut all = Vec::new();
    for (version, count) in (1..).zip(KEPT) {
        let kept: Vec<Kept> = files(&Path::new(CORPUS).join(format!("v{version}")))
            .iter()
            .map(|path| read(path))
            .collect();
        assert_eq!(kept.len(), count, "journals of version {version}");
        assert!(kept.iter().all(|one| one.head.version == version && !one.head.story.is_empty()));
        all.extend(kept);
    }
    assert_eq!(files(Path::new(CORPUS)).len(), KEPT.len(), "a folder that nothing reads");
    all
}

/// How an engine stands, in the words of the first line.
fn standing(engine: &Engine, status: &Status) -> BTreeMap<String, Value> {
    let pools: BTreeMap<String, Value> = status
        .pools
        .iter()
        .map(|pool| {
            let counts = json!({
                "role": pool.role, "target": pool.target, "created": pool.created,
                "terminating": pool.terminating, "failed": pool.failed,
            });
            (pool.revision.to_string(), counts)
        })
        .collect();
    let standing = json!({
        "seq": engine.seq(), "epoch": engine.epoch(), "attempt": engine.attempt(),
        "stable": engine.stable(), "end": engine.end(), "phase": status.phase,
        "paused": status.paused, "candidate": status.candidate, "desired": status.desired,
        "stage": status.stage, "route": status.route, "cause": status.cause, "pools": pools,
    });
    serde_json::from_value(standing).unwrap()
}

#[test]
fn every_old_journal_replays_to_the_end_it_had() {
    for kept in corpus() {
        let engine = kept.replay(kept.records.len());
        let found = standing(&engine, &engine.status(kept.head.now));
        assert_eq!(found, kept.head.outcome, "{}: {}", kept.name, kept.head.story);
    }
}

#[test]
fn every_beginning_of_an_old_journal_replays_and_is_gone_on_from() {
    for kept in corpus() {
        for records in 0..=kept.records.len() {
            let mut engine = kept.replay(records);
            let epoch = engine.epoch().next();
            let step = engine.step(kept.head.now, Event::Claimed { epoch });
            let vetoes = step.records.iter().any(|one| matches!(one.change, Change::Vetoed(_)));
            assert!(!vetoes, "{} after {records} records: {:?}", kept.name, step.records);
            engine.commit(&step.records);
            assert_eq!(engine.epoch(), epoch, "{} after {records} records", kept.name);
        }
    }
}

/// `records` with all before `cut` folded into a snapshot that was written and read back.
fn folded(records: &[Record], cut: usize) -> Vec<Record> {
    let snapshot = Record::fold(&records[..cut]).unwrap();
    let written = serde_json::to_string(&snapshot).unwrap();
    let read = serde_json::from_str(&written).unwrap();
    assert_eq!(snapshot, read, "{written}");
    let mut folded = vec![read];
    folded.extend_from_slice(&records[cut..]);
    folded
}

#[test]
fn a_snapshot_and_what_follows_it_replay_as_the_whole_journal_does() {
    for kept in corpus() {
        let whole = kept.replay(kept.records.len());
        let expected = format!("{whole:?}");
        for cut in 1..=kept.records.len() {
            let records = folded(&kept.records, cut);
            let engine = Engine::replay(kept.setup(), &records);
            let engine = engine.unwrap_or_else(|error| panic!("{} at {cut}: {error}", kept.name));
            assert_eq!(format!("{engine:?}"), expected, "{} at {cut}", kept.name);
            assert_eq!(Record::last_seq(&records), whole.seq(), "{} at {cut}", kept.name);
            goes_on_alike(&kept, whole.clone(), engine);
        }
    }
}

/// Both begin their reign and look at a world where nothing is left.
fn goes_on_alike(kept: &Kept, mut one: Engine, mut other: Engine) {
    let epoch = one.epoch().next();
    let gone = Observation::Inventory(Inventory { epoch, ..Inventory::default() });
    let events = [Event::Claimed { epoch }, Event::Observed(gone), Event::Woke];
    for event in events {
        let steps = [&mut one, &mut other].map(|engine| {
            let step = engine.step(kept.head.now, event.clone());
            engine.commit(&step.records);
            step
        });
        assert_eq!(steps[0], steps[1], "{}", kept.name);
    }
}

#[test]
fn a_journal_is_compacted_to_its_last_rollout_and_not_twice() {
    let mut shorter = 0;
    for kept in corpus() {
        let records = &kept.records;
        let is_submitted = |it: &Record| matches!(it.change, Change::Submitted { .. });
        let last = records.iter().rposition(is_submitted).unwrap_or(0);
        for keep in [10, records.len()] {
            let from = last.max(records.len().saturating_sub(keep));
            let Some(compacted) = Record::compacted(records, keep).unwrap() else {
                assert!(from < 2, "{}: nothing was saved of {from}", kept.name);
                continue;
            };
            shorter += 1;
            assert_eq!(compacted[1..], records[from..], "{}", kept.name);
            let folded = Record::last_seq(&records[..from]);
            assert_eq!(Record::first_seq(&compacted), folded, "{}", kept.name);
            assert_eq!(Record::last_seq(&compacted), Record::last_seq(records), "{}", kept.name);
            assert_eq!(Record::compacted(&compacted, keep).unwrap(), None, "{}", kept.name);
        }
    }
    assert!(40 < shorter, "{shorter}");
}

#[test]
fn a_snapshot_follows_nothing_and_is_gone_on_from_only_if_it_is_sound() {
    let kept = corpus().remove(0);
    let snapshot = Record::fold(&kept.records).unwrap();
    let twice = [kept.records[0].clone(), snapshot.clone()];
    let error = Engine::replay(kept.setup(), &twice).unwrap_err();
    let text = "record @2 does not follow from the ones before: a snapshot after 1 records";
    assert_eq!(error.to_string(), text);

    let submitted = |kept: &Kept| kept.lines.iter().any(|line| kind(line) == "submitted");
    let kept = corpus().into_iter().find(submitted).unwrap();
    let snapshot = Record::fold(&kept.records).unwrap();
    let mut unsound = serde_json::to_value(&snapshot).unwrap();
    unsound["change"]["snapshot"]["state"]["rollout"]["plan"]["stages"] = json!([]);
    let unsound: Record = serde_json::from_value(unsound).unwrap();
    let error = Engine::replay(kept.setup(), &[unsound]).unwrap_err();
    assert!(error.to_string().contains("a snapshot at stage"), "{error}");
}

/// The name of a change as a journal writes it.
fn kind(record: &Value) -> &str {
    let change = &record["change"];
    let name = || change.as_object().and_then(|fields| fields.keys().next()).map(String::as_str);
    change.as_str().or_else(name).unwrap()
}

#[test]
fn the_corpus_knows_every_change_of_its_version() {
    const V1: [&str; 25] = [
        "aborted",
        "adopted",
        "batch_ended",
        "claimed",
        "dropped",
        "ended",
        "entered",
        "failed",
        "found",
        "gone",
        "intended",
        "lost",
        "passed",
        "paused",
        "progressed",
        "promoted",
        "proven",
        "queued",
        "reached",
        "resumed",
        "retired",
        "settled",
        "submitted",
        "targeted",
        "vetoed",
    ];
    let corpus = corpus();
    let of_first = corpus.iter().filter(|kept| kept.head.version == 1);
    let found: BTreeSet<&str> = of_first.flat_map(|kept| kept.lines.iter().map(kind)).collect();
    let known: BTreeSet<&str> = V1.into_iter().collect();
    assert_eq!(found, known);
}

#[test]
fn a_journal_of_every_version_is_kept() {
    let versions = u32::try_from(KEPT.len()).unwrap();
    assert!(
        RECORD_VERSION <= versions + 1,
        "journals of versions {} to {} are missing",
        versions + 1,
        RECORD_VERSION - 1
    );
}
