//! Every fixture beside its spec and its report.

use std::{env, fmt::Write as _, fs};

use rollout_core::spec::Spec;
use rollout_import::{Import, Options, import, recognises};

use crate::{fixtures, folder};

/// What `rollout import` prints: specs and reports.
fn told(import: &Import) -> String {
    let mut text = String::new();
    for workload in &import.workloads {
        let spec = serde_saphyr::to_string(workload.spec.spec()).unwrap();
        writeln!(text, "---\n{}\n", spec.trim_end()).unwrap();
        for line in &workload.report {
            writeln!(text, "# {line}").unwrap();
        }
    }
    for line in &import.rest {
        writeln!(text, "# {line}").unwrap();
    }
    text
}

#[test]
fn every_file_becomes_what_was_reviewed() {
    let mut wrong = Vec::new();
    for (name, text) in fixtures() {
        assert!(recognises(&text), "{name}");
        let imported = match import(&text, &Options::default()) {
            Ok(imported) => told(&imported),
            Err(errors) => panic!("{name}: {errors}"),
        };
        let path = folder("golden").join(format!("{name}.txt"));
        if env::var("UPDATE_GOLDEN").is_ok() {
            fs::write(&path, &imported).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != imported {
            wrong.push(format!("{name}:\n{imported}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "run again with UPDATE_GOLDEN=1 and look at the difference\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_is_printed_reads_back_as_the_same_spec() {
    for (name, text) in fixtures() {
        for workload in import(&text, &Options::default()).unwrap().workloads {
            let yaml = serde_saphyr::to_string(workload.spec.spec()).unwrap();
            let back =
                Spec::from_yaml(&yaml).unwrap_or_else(|error| panic!("{name}: {error}\n{yaml}"));
            assert_eq!(&back, workload.spec.spec(), "{name}");
        }
    }
}
