//! Whole files: what they become, what is told of each field, and what is refused.
//!
//! Files stand in `tests/fixtures`, what came out of each in `tests/golden`, rewritten by
//! `UPDATE_GOLDEN=1`. All of them are the project's own; facts about defaults and rounding come from the
//! sources of the tools.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod coverage;
mod golden;
mod refused;

use std::{fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The files of `tests/fixtures` with their names, sorted.
fn fixtures() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder("fixtures"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}
