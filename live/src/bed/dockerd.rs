//! Engine: the Docker engine of a bed, a running one by its address or one of our own.
//!
//! In: `ROLLOUT_TEST_DOCKER` or `DOCKER_HOST`, else the bed's folder. Out: an address that answers.
//! Our own engine shares nothing with another on the same host: folders, socket, bridge, pools of
//! addresses and namespaces of containerd are its own, and it leaves the packet filter alone.

use std::{
    env,
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{BedError, command::output};

/// Long enough for a first start on a slow disk.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How often a starting engine is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Variables that name a running engine, the first one set wins.
const VARIABLES: [&str; 2] = ["ROLLOUT_TEST_DOCKER", "DOCKER_HOST"];

/// The engine that `ROLLOUT_TEST_DOCKER` or `DOCKER_HOST` names, if any.
pub(super) fn given() -> Option<String> {
    VARIABLES.iter().find_map(|name| env::var(name).ok()).filter(|host| !host.is_empty())
}

/// Starts an engine that keeps everything under `dir`, and returns its address once it answers.
pub(super) fn start(dir: &Path) -> Result<String, BedError> {
    let host = format!("unix://{}", dir.join("docker.sock").display());
    let log_path = dir.join("dockerd.log");
    let log = File::create(&log_path).map_err(|why| BedError::folder(&log_path, why))?;
    let both = log.try_clone().map_err(|why| BedError::folder(&log_path, why))?;
    let tag = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bridge = bridge(dir)?;
    let mut engine = Command::new("dockerd")
        .arg("--data-root")
        .arg(dir.join("data"))
        .arg("--exec-root")
        .arg(dir.join("exec"))
        .arg("--pidfile")
        .arg(dir.join("dockerd.pid"))
        .args(["--host", &host, "--bridge", &bridge, "--iptables=false", "--ip-masq=false"])
        .args(["--default-address-pool", &address_pool(), "--shutdown-timeout", "5"])
        .args(["--containerd-namespace", &tag])
        .args(["--containerd-plugins-namespace", &format!("{tag}-plugins")])
        .env_remove("DOCKER_HOST")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(both)
        .spawn()
        .map_err(|why| BedError::Run { command: "dockerd".to_owned(), why })?;
    await_answer(&mut engine, &host, &log_path)?;
    Ok(host)
}

/// Makes the bridge that containers without a network of their own are on, and notes its name for the
/// reaper.
fn bridge(dir: &Path) -> Result<String, BedError> {
    // Names of devices have 15 letters at most.
    let name = format!("bed{}", std::process::id());
    let file = dir.join("bridge");
    fs::write(&file, &name).map_err(|why| BedError::folder(&file, why))?;
    let address = format!("10.{}.255.1/24", second_octet());
    output(Command::new("ip").args(["link", "add", &name, "type", "bridge"]))?;
    output(Command::new("ip").args(["address", "add", &address, "dev", &name]))?;
    output(Command::new("ip").args(["link", "set", &name, "up"]))?;
    Ok(name)
}

/// A pool of networks that another bed of this host is unlikely to have.
fn address_pool() -> String {
    format!("base=10.{}.0.0/16,size=24", second_octet())
}

/// One of 100, by process.
fn second_octet() -> u32 {
    100 + std::process::id() % 100
}

fn await_answer(engine: &mut Child, host: &str, log: &Path) -> Result<(), BedError> {
    let begun = Instant::now();
    loop {
        if answers(host).is_ok() {
            return Ok(());
        }
        let died = engine.try_wait().is_ok_and(|status| status.is_some());
        if died || START_DEADLINE < begun.elapsed() {
            return Err(BedError::NoStart { program: "dockerd", said: last_lines(log) });
        }
        thread::sleep(ASK_EVERY);
    }
}

/// Asks the engine at `host` for its version.
///
/// # Errors
///
/// Whatever the `docker` command said.
pub(super) fn answers(host: &str) -> Result<String, BedError> {
    output(
        Command::new("docker")
            .args(["version", "--format", "{{.Server.Version}}"])
            .env("DOCKER_HOST", host),
    )
}

/// The end of a log, for an error message.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
