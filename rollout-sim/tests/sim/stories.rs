//! Stories: counterexamples that are kept with what is told of them, byte by byte the same in every build.
//!
//! Each file of `stories/` begins with the counterexample in one line; the rest is its story. `UPDATE_GOLDEN=1`
//! tells them anew.

use std::{fs, path::PathBuf};

use rollout_sim::counterexample::{Counterexample, story};

/// The files, in the order of their names.
fn kept() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sim/stories");
    let files = fs::read_dir(folder).expect("the folder of stories is there");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("it can be read").path()).collect();
    files.sort();
    files
}

#[test]
fn kept_stories_are_told_byte_by_byte_as_before() {
    let files = kept();
    assert!(3 <= files.len(), "only {} stories are kept", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("it is text");
        let (line, told) = text.split_once('\n').expect("a story follows the counterexample");
        let counterexample: Counterexample = line.parse().expect("the first line is one");
        let now = story(&counterexample);
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            fs::write(&file, format!("{line}\n{now}")).expect("the file can be written");
            continue;
        }
        assert!(now.contains("IS BROKEN HERE"), "{}: nothing is broken any more", file.display());
        assert_eq!(now, told, "{} is told otherwise; UPDATE_GOLDEN=1 and look", file.display());
    }
}
