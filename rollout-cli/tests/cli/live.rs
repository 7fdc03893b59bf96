//! A whole life of a workload on a real Docker engine, led from a second terminal: deploy, canary with an
//! approval, pause, interrupt, resume, promote, abort.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Ran, command, docker, rollout_in};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// The image: a static busybox and nothing else.
const IMAGE: &str = "rollout-cli-test:1";

/// A folder with specs, and a workload of its own on an engine.
struct Live {
    folder: tempfile::TempDir,
    docker: String,
    workload: String,
}

impl Live {
    fn new(docker: String) -> Self {
        Self::named(docker, "cli")
    }

    fn named(docker: String, name: &str) -> Self {
        make_image(&docker);
        let workload = format!("{name}-{}", std::process::id());
        docker_says(&docker, &["network", "create", &workload]);
        Self { folder: tempfile::tempdir().unwrap(), docker, workload }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the spec of `revision`, with an approval at one of two instances.
    fn spec(&self, revision: &str) {
        let spec = format!(
            "version: 1
workload: {workload}
revision: {revision}
replicas: 2
strategy:
  canary:
    steps:
      - weight: 50
        gates: [approval: {{}}]
health:
  readiness:
    tcp: {{ port: 8080 }}
    period: 100ms
    timeout: 100ms
drain:
  deadline: 1s
  stop_grace: 1s
template:
  image: {IMAGE}
  command: [/bin/busybox, httpd, -f, -p, \"8080\"]
  networks: [{{ name: {workload} }}]
",
            workload = self.workload
        );
        fs::write(self.path().join(format!("{revision}.yaml")), spec).unwrap();
    }

    /// Adds `text` to the spec of `revision`.
    fn add(&self, revision: &str, text: &str) {
        let path = self.path().join(format!("{revision}.yaml"));
        let spec = fs::read_to_string(&path).unwrap();
        fs::write(path, spec + text).unwrap();
    }

    /// The arguments to run a file, with whatever options stand after it.
    fn run_arguments(&self, file: &str) -> String {
        format!("run --backend docker --docker {} {file}", self.docker)
    }

    fn run(&self, revision: &str) -> Ran {
        finished(self.start(&format!("{revision}.yaml")))
    }

    /// Starts a run that is talked to while it lives.
    fn start(&self, file: &str) -> Started {
        let mut run = command(self.path(), &self.run_arguments(file));
        Started(run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Runs `rollout ORDER WORKLOAD OPTIONS` and expects it to be done.
    #[track_caller]
    fn ask(&self, order: &str, options: &str) -> String {
        let ran = rollout_in(self.path(), &format!("{order} {} {options}", self.workload));
        assert_eq!(ran.code, 0, "{order}: {}", ran.err);
        ran.out
    }

    /// Waits until `run` asks for an approval.
    #[track_caller]
    fn await_approval(&self, run: &mut Started) {
        self.await_status(run, |status| {
            status["running"] == true && status.to_string().contains("\"approval\"")
        });
    }

    /// Waits until the status of `run` is as wanted.
    #[track_caller]
    fn await_status(&self, run: &mut Started, is_wanted: impl Fn(&Value) -> bool) {
        let begin = Instant::now();
        loop {
            let ran = rollout_in(self.path(), &format!("status {} --json", self.workload));
            let status: Value = serde_json::from_str(&ran.out).unwrap_or_default();
            if is_wanted(&status) {
                return;
            }
            if run.0.try_wait().unwrap().is_some() {
                let (out, err) = run.told();
                panic!("it ended before it was so: {out}{err}");
            }
            assert!(begin.elapsed() < PATIENCE, "it is not so: {}{}", ran.out, ran.err);
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Names of the images' revisions that run, sorted.
    fn running(&self) -> Vec<String> {
        let label = format!("label=rollout.workload={}", self.workload);
        let names =
            docker_says(&self.docker, &["ps", "--filter", &label, "--format", "{{.Names}}"]);
        let mut revisions: Vec<String> = names
            .split_whitespace()
            .map(|name| name.trim_start_matches(&format!("{}-", self.workload)))
            .filter_map(|rest| rest.split('-').next())
            .map(str::to_owned)
            .collect();
        revisions.sort();
        revisions
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let label = format!("label=rollout.workload={}", self.workload);
        for (list, remove) in [(["ps", "-aq"], ["rm", "-fv"]), (["volume", "ls"], ["volume", "rm"])]
        {
            let quiet: &[&str] = if list[0] == "volume" { &["-q"] } else { &[] };
            let found = docker_says(&self.docker, &[&list, quiet, &["--filter", &label]].concat());
            let names: Vec<&str> = found.split_whitespace().collect();
            if !names.is_empty() {
                docker_says(&self.docker, &[&remove, names.as_slice()].concat());
            }
        }
        docker_says(&self.docker, &["network", "rm", &self.workload]);
    }
}

fn docker_says(host: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("docker");
    let output = command.args(["-H", host]).args(arguments).output();
    String::from_utf8_lossy(&output.expect("the docker command is installed").stdout).into_owned()
}

fn make_image(host: &str) {
    let script =
        "set -e; d=$(mktemp -d); mkdir $d/bin; cp /bin/busybox $d/bin/; tar -C $d -c .; rm -r $d";
    let tar = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(tar.status.success(), "a static busybox is needed: apt-get install busybox-static");
    let mut import = Command::new("docker")
        .args(["-H", host, "import", "-", IMAGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&tar.stdout).unwrap();
    assert!(import.wait().unwrap().success());
}

/// A run that is talked to while it lives; it does not outlive a test that has failed.
struct Started(Child);

impl Started {
    /// What it has printed, once it has ended.
    fn told(&mut self) -> (String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (out, err)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks a run to stop, as Ctrl-C does.
fn interrupt(run: &Started) {
    let sent = Command::new("kill").args(["-INT", &run.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end of a run, which is killed when it does not come.
fn finished(mut run: Started) -> Ran {
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = run.0.try_wait().unwrap() {
            break status;
        }
        if PATIENCE < begin.elapsed() {
            run.0.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    };
    let (out, err) = run.told();
    let code = status.code().unwrap_or(-1); // Killed, by us.
    Ran { code, out, err }
}

#[test]
fn a_rollout_is_led_from_a_second_terminal_interrupted_and_resumed() {
    let Some(docker) = docker() else {
        return;
    };
    let live = Live::new(docker);
    for revision in ["v1", "v2", "v3"] {
        live.spec(revision);
    }
    // There is nothing to compare a first revision with, so nobody is asked.
    let first = live.run("v1");
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    let again = live.run("v1");
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.out.contains("is at v1 already, nothing was done"), "{}", again.out);

    let mut run = live.start("v2.yaml");
    live.await_approval(&mut run);
    assert!(live.ask("explain", "").contains("waits for approval of stage 50%"));
    second_engines_are_refused(&live);
    live.ask("pause", "--by ann --why lunch");
    assert!(live.ask("status", "").contains("paused by ann: lunch"));
    live.ask("resume", "--by ann");
    interrupt(&run);
    let run = finished(run);
    assert_eq!(run.code, 130, "{}{}", run.out, run.err);
    assert!(run.out.contains("resume with `rollout run --backend docker v2.yaml`"), "{}", run.out);
    assert!(live.ask("status", "").contains("no engine runs"));
    assert!(live.ask("replay", "").contains("paused by ann: lunch"));

    let mut run = live.start("v2.yaml");
    live.await_approval(&mut run);
    live.ask("promote", "--by ann");
    let run = finished(run);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("resumed the rollout of"), "{}", run.out);
    assert_eq!(live.running(), ["v2", "v2"]);

    let mut run = live.start("v3.yaml");
    live.await_approval(&mut run);
    live.ask("abort", "--by ann --why doubts");
    let run = finished(run);
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.out.contains("going back: ordered by ann: doubts"), "{}", run.out);
    assert_eq!(live.running(), ["v2", "v2"]);
}

#[test]
fn a_rollout_runs_hooks_reads_metrics_and_is_undone_by_order() {
    let Some(docker) = docker() else {
        return;
    };
    let live = Live::named(docker, "beside");
    live.spec("v1");
    let first = live.run("v1");
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);

    live.spec("v2");
    live.add("v2", "hooks: { before: [{ name: expand, run: { command: [sh, -c, \"echo $ROLLOUT_RUN >> hooks\"] } }] }\n");
    live.add(
        "v2",
        "watch: [{ name: errors, query: \"{candidate}\", interval: 200ms, pass: { below: 1 } }]\n",
    );
    let source = "main=command:./errors";
    write_program(&live.path().join("errors"), "test \"$1\" = v2 && echo 0.01\n");
    let mut run = live.start(&format!("v2.yaml --metrics {source}"));
    live.await_approval(&mut run);
    let kept = fs::read_to_string(live.path().join("hooks")).unwrap();
    assert_eq!(kept.lines().count(), 1, "the hook was begun more than once: {kept}");
    live.ask("resize", "3 --by ann");
    live.await_status(&mut run, |status| {
        status["status"]["desired"] == 3 && status.to_string().contains("\"approval\"")
    });
    let skipped = rollout_in(live.path(), &format!("skip {} nowhere --why seen", live.workload));
    assert_eq!(skipped.code, 1, "{}", skipped.out);
    assert!(skipped.err.contains("no stage `nowhere` ahead"), "{}", skipped.err);
    live.ask("promote", "--by ann");
    let run = finished(run);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(live.running(), ["v2", "v2", "v2"]);
    let history = live.ask("history", "");
    assert!(history.contains("v2") && history.contains("v1"), "{history}");
    assert!(live.ask("replay", "").contains("hook run"), "{}", live.ask("replay", ""));

    // Nothing is submitted, so the engine attends to what is there and takes the order to go back.
    let mut attending = live.start(&format!("v2.yaml --metrics {source} --attend"));
    live.await_status(&mut attending, |status| status["running"] == true);
    live.ask("undo", "--to v1 --by ann");
    live.await_status(&mut attending, |status| {
        status["status"]["stable"] == "v1" && status["status"]["phase"] == "ended"
    });
    interrupt(&attending);
    let attending = finished(attending);
    assert_eq!(attending.code, 3, "{}{}", attending.out, attending.err);
    assert!(attending.out.contains("is at v1 by order, not at v2"), "{}", attending.out);
    assert_eq!(live.running(), ["v1", "v1", "v1"]);
}

fn write_program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// While one engine runs, another one gets neither its journal nor its workload.
fn second_engines_are_refused(live: &Live) {
    let same = live.run("v2");
    assert_eq!(same.code, 5, "{}", same.out);
    assert!(same.err.contains("is in use by another engine"), "{}", same.err);
    let arguments =
        format!("{} --journal other/{}.redb", live.run_arguments("v2.yaml"), live.workload);
    let other = rollout_in(live.path(), &arguments);
    assert_eq!(other.code, 5, "{}", other.out);
    assert!(other.err.contains("belongs to the engine"), "{}", other.err);
    assert!(other.err.contains("--take-over"), "{}", other.err);
}
