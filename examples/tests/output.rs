//! Output: every example does what it says.
//!
//! Examples in virtual time print the same bytes each time, which `golden/` keeps; `UPDATE_GOLDEN=1`
//! rewrites them. Of those in real time the facts are checked. Cargo builds the examples before the tests
//! of a package, unless a single test target is named.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What an example prints.
fn output_of(name: &str) -> String {
    let program = program(name);
    assert!(
        program.exists(),
        "{} is not there; `cargo test -p rollout-examples` builds it",
        program.display()
    );
    let output = Command::new(&program).output().expect("the example runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("examples print text")
}

/// Examples lie beside the folder of the tests.
fn program(name: &str) -> PathBuf {
    let own = env::current_exe().expect("a test knows its own path");
    let built = own.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    built.join("examples").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// What an example prints, which is what `golden/` says.
fn golden(name: &str) -> String {
    let output = output_of(name);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.txt"));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &output).expect("the golden text can be written");
    }
    let wanted = fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(
        output,
        wanted,
        "{} differs; UPDATE_GOLDEN=1 rewrites it, if that is meant",
        golden.display()
    );
    output
}

#[test]
fn hello_rolls_without_a_failed_request() {
    let output = golden("hello");
    assert_eq!(output.matches("\ncompleted\n").count(), 2, "{output}");
    assert_eq!(output.matches(" sent, 0 failed\n").count(), 1, "{output}");
    assert!(output.contains("lowest    4 instances"), "{output}");
}

#[test]
fn library_deploys() {
    assert!(golden("library").ends_with("v1: completed\n"));
}

#[test]
fn canary_goes_back_by_itself() {
    let output = golden("canary_rollback");
    assert!(output.contains("\nrolled back\n"), "{output}");
    assert!(output.contains("going back: 1 of 1 candidate instances failed"), "{output}");
    assert!(output.contains("never more than 10% of the traffic"), "{output}");
}

#[test]
fn crashes_leave_nothing_behind() {
    let output = golden("crash_resume");
    assert_eq!(output.matches("resumes, moving").count(), 8, "{output}");
    assert!(output.contains(" sent, 0 failed\n"), "{output}");
    assert!(output.ends_with("left      4 v2 running\n"), "{output}");
}

#[test]
fn expand_contract_fails_visibly_in_the_wrong_order() {
    let output = golden("expand_contract");
    let runs: Vec<&str> = output.split("\n\n").collect();
    let [around, missing, both_before, ..] = runs.as_slice() else {
        panic!("three rollouts are told: {output}");
    };
    assert!(around.contains("completed; the schema has first_name\n"), "{around}");
    assert!(around.contains("0 instances of v1 refused"), "{around}");
    assert!(around.contains("0 instances of v2 refused"), "{around}");
    assert!(missing.contains("rolled back; the schema has name\n"), "{missing}");
    assert!(missing.contains("0 instances of v1 refused"), "{missing}");
    assert!(!missing.contains("0 instances of v2 refused"), "{missing}");
    assert!(both_before.contains("3 instances of v1 refused"), "{both_before}");
}

#[test]
fn own_backend_conforms_and_rolls() {
    let output = output_of("own_backend");
    let count = |start: &str| output.lines().filter(|line| line.starts_with(start)).count();
    // What it has no port for is skipped: five cases of enrolment, two of routing.
    assert_eq!(count("skipped"), 7, "{output}");
    assert!(14 <= count("passed"), "{output}");
    assert!(output.contains("greeter to v1: completed"), "{output}");
    assert!(output.contains("greeter to v2: completed"), "{output}");
    for revision in ["v1", "v2"] {
        let said = format!("says: hello from {revision}\n");
        assert_eq!(output.matches(&said).count(), 3, "{output}");
    }
}
