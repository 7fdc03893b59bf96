//! Tree: every Rust file is part of a program, every test file is run.

use std::collections::BTreeSet;

use super::{Report, file::File};
use crate::{cluster, live};

/// What marks a test; a macro of properties marks its own.
const TEST_MARKS: [&str; 3] = ["#[test]", "#[tokio::test", "proptest!"];

/// Checks that no file was forgotten.
pub(super) fn check(files: &[File], report: &mut Report) {
    let sources: Vec<&File> = files.iter().filter(|file| file.has_extension("rs")).collect();
    for file in &sources {
        if is_root(file) {
            let is_test = file.folder().ends_with("/tests");
            // A file that declares others leaves the tests to them.
            let has_some =
                TEST_MARKS.iter().chain(&["\nmod "]).any(|mark| file.text.contains(mark));
            if is_test && !has_some {
                report.breach(file, 1, "a test file without a test");
            }
        } else if !sources.iter().any(|parent| declares(parent, file)) {
            report.breach(file, 1, "no other file declares it with `mod`; it is not compiled");
        }
    }
    live_targets(files, report);
}

/// Whether cargo finds the file by itself.
fn is_root(file: &File) -> bool {
    let folder = file.folder().rsplit('/').next().unwrap_or_default();
    matches!(file.name(), "lib.rs" | "main.rs" | "build.rs")
        || matches!(folder, "tests" | "benches" | "bin" | "examples")
}

/// Whether `parent` says `mod` to `file`.
fn declares(parent: &File, file: &File) -> bool {
    let own_name = file.name().trim_end_matches(".rs");
    let (folder, name) = match own_name {
        "mod" => file.folder().rsplit_once('/').unwrap_or_default(),
        name => (file.folder(), name),
    };
    let is_parent = match parent.name() {
        "mod.rs" | "lib.rs" | "main.rs" => parent.folder() == folder,
        other => {
            let own_folder = format!("{}/{}", parent.folder(), other.trim_end_matches(".rs"));
            own_folder == folder || (is_root(parent) && parent.folder() == folder)
        }
    };
    let declaration = format!("mod {name};");
    is_parent && parent.text.lines().any(|line| line.trim_end().ends_with(&declaration))
}

/// Test targets that need an engine are left out of `cargo test`; the live command must know them all.
fn live_targets(files: &[File], report: &mut Report) {
    let Some(manifest) = files.iter().find(|file| file.path == "live/Cargo.toml") else {
        return;
    };
    let run: BTreeSet<&str> =
        live::TARGETS.into_iter().chain(cluster::TARGETS).chain(cluster::OWN_TARGETS).collect();
    let left_out: BTreeSet<&str> = left_out(&manifest.text).into_iter().collect();
    for name in left_out.symmetric_difference(&run) {
        report.breach(
            manifest,
            1,
            &format!("test `{name}` must stand both here with `test = false` and in a `cargo xtask live …`"),
        );
    }
}

/// Names of the test targets with `test = false`.
fn left_out(manifest: &str) -> Vec<&str> {
    manifest
        .split("[[test]]")
        .skip(1)
        .filter(|section| section.lines().any(|line| line == "test = false"))
        .filter_map(|section| section.split('"').nth(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::file::example, *};

    fn breaches(files: &[File]) -> Vec<String> {
        let mut report = Report::default();
        check(files, &mut report);
        report.breaches
    }

    #[test]
    fn a_file_nobody_declares_is_found() {
        let files = [
            example("a/src/lib.rs", "pub mod b;\nmod c;\n"),
            example("a/src/b.rs", ""),
            example("a/src/c/mod.rs", "mod d;\n"),
            example("a/src/c/d.rs", ""),
            example("a/src/c/e.rs", ""),
        ];
        let found = breaches(&files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a/src/c/e.rs"), "{found:?}");
    }

    #[test]
    fn a_test_file_without_a_test_is_found() {
        let files = [example("a/tests/b.rs", "fn c() {}"), example("a/tests/d.rs", "#[test]")];
        assert_eq!(breaches(&files), ["a/tests/b.rs:1: a test file without a test"]);
    }

    #[test]
    fn targets_left_out_are_read_from_the_manifest() {
        let manifest = "[[test]]\nname = \"a\"\ntest = false\n\n[[test]]\nname = \"b\"\n";
        assert_eq!(left_out(manifest), ["a"]);
    }
}
