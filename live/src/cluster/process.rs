//! Process: starts one component, and knows whether it still runs.
//!
//! In: a component. Out: a pid file and a log. A pid is trusted only while its command line names the
//! cluster's folder, because pids are used again.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{ClusterError, component::Component, component::Throttle, layout::Layout};
use crate::bed::{BedError, last_lines, output};

/// Go programs take a proxy from the environment, even to an address of this host.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Set to the cluster's folder for each of its programs: by it the reaper finds all of them, whatever they have
/// started themselves and however little of a pid file there is.
const MARK: &str = "ROLLOUT_CLUSTER";

/// Starts `component`, in a group of its own so that Ctrl-C is left to the reaper.
pub(super) fn start(
    component: Component,
    layout: &Layout,
    throttle: Throttle,
) -> Result<Child, ClusterError> {
    let log_path = layout.path("logs").join(component.name());
    let log = File::options()
        .create(true)
        .append(true)
        .open(&log_path)
        .map_err(ClusterError::file(&log_path))?;
    let both = log.try_clone().map_err(ClusterError::file(&log_path))?;
    let mut command = component.command(layout, throttle);
    for name in PROXIES {
        command.env_remove(name);
    }
    let process = command
        .env(MARK, &layout.dir)
        .current_dir(&layout.dir)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(both)
        .spawn()
        .map_err(|why| BedError::Run { command: component.name().to_owned(), why })?;
    let pid_path = layout.path("pids").join(component.name());
    fs::write(&pid_path, format!("{}\n", process.id())).map_err(ClusterError::file(&pid_path))?;
    Ok(process)
}

/// The pid of `component` if it runs.
pub(super) fn pid(component: Component, layout: &Layout) -> Option<u32> {
    let text = fs::read_to_string(layout.path("pids").join(component.name())).ok()?;
    let pid = text.trim().parse().ok()?;
    is_ours(pid, layout).then_some(pid)
}

/// Whether a process with this pid runs and its command line names the folder.
pub(super) fn is_ours(pid: u32, layout: &Layout) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(&*layout.dir.to_string_lossy())
}

/// Kills `component` as `kill -9` does, and returns when it is gone.
pub(super) fn kill(component: Component, layout: &Layout) -> Result<(), ClusterError> {
    let Some(pid) = pid(component, layout) else {
        return Ok(());
    };
    output(Command::new("kill").args(["-KILL", &pid.to_string()]))?;
    while is_ours(pid, layout) {
        thread::sleep(ASK_EVERY);
    }
    Ok(())
}

/// The end of the log of `component`.
pub(super) fn said(component: Component, layout: &Layout) -> String {
    last_lines(&layout.path("logs").join(component.name()))
}

/// Fails if `component` has ended.
pub(super) fn check(component: Component, layout: &Layout) -> Result<(), ClusterError> {
    if pid(component, layout).is_some() {
        return Ok(());
    }
    Err(ClusterError::Ended {
        part: component.name(),
        log: layout.path("logs").join(component.name()),
        said: said(component, layout),
    })
}
