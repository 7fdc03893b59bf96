//! Commands: begun once, found again, ended in time, their secrets kept.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rollout_core::{engine::HookState, port::Hooks as _};
use rollout_runtime::hooks::{CommandHooks, JobHooks};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{assert_applied, begin, begin_within, ended, failed, run};
use crate::world::web;

fn shell(script: &str) -> Value {
    json!({"command": ["sh", "-c", script]})
}

/// Waits until `file` has a whole line, and returns it.
async fn line(file: &Path) -> String {
    let began = Instant::now();
    loop {
        match fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            Ok(_) | Err(_) => sleep(Duration::from_millis(5)).await,
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{} is not written", file.display());
    }
}

/// Sends `signal` to `target`, a process, or with a minus a group.
fn kill(signal: &str, target: &str) {
    let sent = Command::new("kill").args(["-s", signal, "--", target]).status().unwrap();
    assert!(sent.success(), "kill -s {signal} {target}");
}

#[tokio::test]
async fn a_command_succeeds_or_fails_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = JobHooks::open(folder.path()).unwrap();
    assert_applied(&hooks.apply(&begin("good", &shell("exit 0"))).await);
    assert_eq!(ended(&hooks, "good").await, HookState::Succeeded);
    let words = shell("echo to stdout; echo to stderr >&2; exit 3");
    assert_applied(&hooks.apply(&begin("bad", &words)).await);
    assert_eq!(failed(ended(&hooks, "bad").await), "exit code 3: to stdout to stderr");
    let words = json!({"command": ["/nowhere/at-all"]});
    assert_applied(&hooks.apply(&begin("absent", &words)).await);
    let detail = failed(ended(&hooks, "absent").await);
    assert!(detail.starts_with("exit code 127: "), "{detail}");
    assert!(detail.contains("/nowhere/at-all"), "{detail}");
    assert_eq!(hooks.poll(&web(), &run("other")).await, Ok(HookState::Missing));
}

#[tokio::test]
async fn a_command_is_told_what_it_runs_for_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    let words = json!({
        "command": ["sh", "-c", "env | sort | cut -d= -f1,2; cat; exit 1", "ignored $HOME"],
        "env": {"COLOUR": "blue"}
    });
    assert_applied(&hooks.apply(&begin("web-2-0-0", &words)).await);
    let detail = failed(ended(&hooks, "web-2-0-0").await);
    for told in
        ["COLOUR=blue", "ROLLOUT_ATTEMPT=2", "ROLLOUT_HOOK=smoke", "ROLLOUT_RUN=web-2-0-0", "PATH="]
    {
        assert!(detail.contains(told), "{told} in {detail}");
    }
    assert!(!detail.contains("CARGO_"), "the engine's own environment leaks: {detail}");
}

#[tokio::test]
async fn one_key_is_begun_once_by_however_many_attempts_and_engines() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let action = begin("once", &shell(&format!("echo begun >> {}", count.display())));
    let hooks = CommandHooks::open(folder.path().join("runs")).unwrap();
    let both = tokio::join!(hooks.apply(&action), hooks.apply(&action));
    // The second one may come while the first is at it, and is then to come again.
    assert!(both.0.to_string() == "applied" || both.1.to_string() == "applied", "{both:?}");
    assert_applied(&hooks.apply(&action).await);
    assert_eq!(ended(&hooks, "once").await, HookState::Succeeded);
    assert_applied(&hooks.apply(&action).await);
    drop(hooks);
    let next = CommandHooks::open(folder.path().join("runs")).unwrap();
    assert_applied(&next.apply(&action).await);
    assert_eq!(ended(&next, "once").await, HookState::Succeeded);
    assert_eq!(fs::read_to_string(&count).unwrap(), "begun\n");
}

#[tokio::test]
async fn a_run_of_an_engine_that_died_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, go) = (folder.path().join("begun"), folder.path().join("go"));
    let runs = folder.path().join("runs");
    let script =
        "echo yes > $BEGUN; while ! test -e $GO; do sleep 0.02; done; echo no luck; exit 4";
    let words = json!({"command": ["sh", "-c", script], "env": {"BEGUN": begun, "GO": go}});
    let action = begin("long", &words);
    let first = CommandHooks::open(&runs).unwrap();
    // Nobody hears the answer: the engine dies while it asks.
    let asked = tokio::time::timeout(Duration::from_millis(1), first.apply(&action)).await;
    drop((asked, first));
    line(&begun).await;

    let second = CommandHooks::open(&runs).unwrap();
    assert_applied(&second.apply(&action).await);
    assert_eq!(second.poll(&web(), &run("long")).await, Ok(HookState::Running));
    fs::write(&go, "").unwrap();
    assert_eq!(failed(ended(&second, "long").await), "exit code 4: no luck");
}

#[tokio::test]
async fn a_run_that_was_killed_is_missing_once_nothing_of_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    assert_applied(&hooks.apply(&begin("all", &shell("sleep 1000"))).await);
    let group = line(&folder.path().join("all/group")).await;
    kill("KILL", &format!("-{group}"));
    assert_eq!(ended(&hooks, "all").await, HookState::Missing);

    // Its shell alone is killed: what it had begun still runs.
    let pid = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 1000", pid.display());
    assert_applied(&hooks.apply(&begin("shell", &shell(&script))).await);
    let (group, pid) = (line(&folder.path().join("shell/group")).await, line(&pid).await);
    kill("KILL", &group);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(hooks.poll(&web(), &run("shell")).await, Ok(HookState::Running));
    kill("KILL", &pid);
    assert_eq!(ended(&hooks, "shell").await, HookState::Missing);

    // An engine died between the mark and the start: it counts as lost, and is not begun again.
    fs::create_dir(folder.path().join("half")).unwrap();
    fs::write(folder.path().join("half/begun"), r#"{"secrets":[],"until":0}"#).unwrap();
    assert_applied(&hooks.apply(&begin("half", &shell("exit 0"))).await);
    assert_eq!(ended(&hooks, "half").await, HookState::Missing);
}

#[tokio::test]
async fn a_command_is_ended_at_its_deadline_by_whichever_engine_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    let began = Instant::now();
    let words = shell("sleep 1000 & sleep 1000");
    assert_applied(&hooks.apply(&begin_within("late", &words, "200ms")).await);
    assert_eq!(ended(&hooks, "late").await, HookState::Missing);
    assert!(Duration::from_millis(200) <= began.elapsed());

    assert_applied(&hooks.apply(&begin_within("found", &words, "500ms")).await);
    line(&folder.path().join("found/group")).await;
    drop(hooks);
    let next = CommandHooks::open(folder.path()).unwrap();
    assert_eq!(next.poll(&web(), &run("found")).await, Ok(HookState::Running));
    assert_eq!(ended(&next, "found").await, HookState::Missing);
}

#[tokio::test]
async fn a_command_that_will_not_hear_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    let words = shell("trap '' TERM; while :; do sleep 0.1; done");
    assert_applied(&hooks.apply(&begin_within("deaf", &words, "1500ms")).await);
    let began = Instant::now();
    assert_eq!(ended(&hooks, "deaf").await, HookState::Missing);
    assert!(Duration::from_secs(4) < began.elapsed(), "it was not asked first");
}

#[tokio::test]
async fn secrets_come_by_name_and_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    // A variable that is there wherever this test runs.
    let value = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let script = "test -n \"$CARGO_MANIFEST_DIR\" && echo \"it is $CARGO_MANIFEST_DIR.\"; exit 1";
    let words = json!({"command": ["sh", "-c", script], "secrets": ["CARGO_MANIFEST_DIR"]});
    assert_applied(&hooks.apply(&begin("told", &words)).await);
    assert_eq!(failed(ended(&hooks, "told").await), "exit code 1: it is ***.");
    let kept = fs::read_to_string(folder.path().join("told/begun")).unwrap();
    assert!(kept.contains("CARGO_MANIFEST_DIR") && !kept.contains(&value), "{kept}");

    let words = json!({"command": ["true"], "secrets": ["ROLLOUT_NOBODY_SET_THIS"]});
    let refused = hooks.apply(&begin("unset", &words)).await.to_string();
    assert!(refused.contains("`ROLLOUT_NOBODY_SET_THIS` is not in the environment"), "{refused}");
    assert!(refused.ends_with(", for good"), "{refused}");
    assert!(!folder.path().join("unset").exists(), "something was touched");
}

#[tokio::test]
async fn words_of_another_kind_are_refused_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = JobHooks::open(folder.path()).unwrap();
    for (words, why) in [
        (json!("make"), "names neither a command nor a url"),
        (json!({"command": ["a"], "colour": 1}), "unknown field `colour`"),
    ] {
        let refused = hooks.apply(&begin("odd", &words)).await.to_string();
        assert!(refused.contains(why) && refused.ends_with(", for good"), "{refused}");
    }
    let commands = CommandHooks::open(folder.path()).unwrap();
    let refused = commands.apply(&begin("odd", &json!({"url": "http://jobs"}))).await.to_string();
    assert!(refused.contains("only commands are run here"), "{refused}");
}

#[tokio::test]
async fn a_chatty_command_does_not_fill_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = CommandHooks::open(folder.path()).unwrap();
    let script = "i=0; while test $i -lt 40; do head -c 100000 /dev/zero | tr '\\0' x; \
                  sleep 0.02; i=$((i+1)); done; echo; echo the end; exit 1";
    assert_applied(&hooks.apply(&begin("chatty", &shell(script))).await);
    let detail = failed(ended(&hooks, "chatty").await);
    assert!(detail.starts_with("exit code 1: … ") && detail.ends_with(" the end"), "{detail}");
    let kept = fs::metadata(folder.path().join("chatty/output")).unwrap().len();
    assert!(kept < 3_000_000, "{kept} of 4,000,000 bytes were kept");
}
