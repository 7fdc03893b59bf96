//! Journals as the command meets them: whole, damaged, in use, of another workload; and a live engine
//! behind its control socket.

use std::{fs, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use rollout_core::{
    engine::{Change, Record},
    id::{Epoch, RevisionId, Seq, WorkloadId},
    port::Journal as _,
    time::Timestamp,
};
use rollout_runtime::journal::RedbJournal;
use serde_json::Value;

use crate::{Ran, rollout_in};

/// A folder with a journal of the workload `web` at its default place.
async fn folder() -> (tempfile::TempDir, RedbJournal) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".rollout")).unwrap();
    let journal = RedbJournal::open(folder.path().join(".rollout/web.redb")).await.unwrap();
    let revision = rollout_core::engine::Revision {
        id: RevisionId::new("v1").unwrap(),
        template: serde_json::json!({ "image": "web:1", "env": { "TOKEN": "not to be seen" } }),
    };
    let changes =
        [Change::Claimed { epoch: Epoch(1) }, Change::Adopted { revision: Arc::new(revision) }];
    let records = changes.map(|change| Record { at: Timestamp(1_700_000_000_250), change });
    journal.append(&web(), Seq(0), &records).await.unwrap();
    (folder, journal)
}

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn run(folder: &Path, arguments: &str) -> Ran {
    rollout_in(folder, arguments)
}

#[tokio::test]
async fn a_journal_is_printed_without_templates() {
    let (folder, journal) = folder().await;
    drop(journal);
    let expected = "web: 2 records
     1  2023-11-14T22:13:20.250Z  claimed epoch 1
     2  2023-11-14T22:13:20.250Z  adopted v1
";
    let by_name = run(folder.path(), "replay web");
    assert_eq!(by_name.out, expected, "{}", by_name.err);
    let by_path = run(folder.path(), "replay --journal .rollout/web.redb");
    assert_eq!(by_path.out, expected, "{}", by_path.err);
    let json = run(folder.path(), "replay web --json").out;
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["workloads"][0]["records"][1]["kind"], "adopted");
    assert!(!json.contains("not to be seen"), "{json}");

    let other = run(folder.path(), "replay api --journal .rollout/web.redb");
    assert_eq!(other.code, 1);
    let words = "the journal .rollout/web.redb has no records of `api`, it has: web";
    assert_eq!(other.err, format!("error: {words}\n"));
}

#[tokio::test]
async fn status_without_an_engine_reads_the_journal() {
    let (folder, journal) = folder().await;
    let in_use = run(folder.path(), "status web");
    assert_eq!(in_use.code, 5);
    assert!(in_use.err.contains("in use by another engine"), "{}", in_use.err);
    drop(journal);
    let ran = run(folder.path(), "status web");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("web: idle, stable v1\n"), "{}", ran.out);
    assert!(ran.out.contains("no engine runs"), "{}", ran.out);
    let json: Value = serde_json::from_str(&run(folder.path(), "status web --json").out).unwrap();
    assert_eq!(json["running"], false);
    assert_eq!(json["status"]["stable"], "v1");
}

#[tokio::test]
async fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let (folder, journal) = folder().await;
    drop(journal);
    let path = folder.path().join(".rollout/web.redb");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xA5; 64], 0).unwrap();
    drop(file);
    let before = fs::read(&path).unwrap();
    for command in ["status web", "replay web"] {
        let ran = run(folder.path(), command);
        assert_eq!(ran.code, 4, "{}", ran.err);
        assert!(ran.err.contains("is damaged"), "{}", ran.err);
        assert!(ran.err.contains("restore the file, or move it away"), "{}", ran.err);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}
