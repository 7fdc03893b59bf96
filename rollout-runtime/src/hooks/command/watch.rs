//! Ends commands that run beyond the deadline of their hook.
//!
//! Absent: any signal to a process that is not known to be of the run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rollout_core::{id::HookRun, time::Span};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::Child,
    time::{sleep, timeout},
};
use tracing::warn;

use super::{super::folder::RunFolder, BEGUN, GROUP, LOCK, Promise};

/// Time between being told to end and being killed.
const GRACE: Duration = Duration::from_secs(5);
/// Time between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for the end of a command that was begun here; ends it after `limit`.
pub(super) async fn begun(mut child: Child, folder: RunFolder, limit: Span) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if timeout(limit.to_std(), child.wait()).await.is_ok() {
        return;
    }
    let Some(group) = group else { return };
    // Nobody has waited for it yet, so its number is still its own.
    tell(group, Signal::TERM);
    // Its shell may end before what it runs, so the lock is asked. While something of the group lives, no
    // other one gets its number.
    if !is_over_within_grace(&folder).await {
        tell(group, Signal::KILL);
    }
    drop(child.wait().await);
}

/// Waits until nothing of a run lives; `false` if something does at the end of the grace.
async fn is_over_within_grace(folder: &RunFolder) -> bool {
    let over = async {
        while folder.is_locked(LOCK).unwrap_or(false) {
            sleep(LOOK).await;
        }
    };
    timeout(GRACE, over).await.is_ok()
}

/// Waits for the deadline of a command that an earlier engine began; ends it then.
pub(super) async fn found(folder: RunFolder, run: HookRun) {
    let Ok(Some(promise)) = folder.read::<Promise>(BEGUN) else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let until = Duration::from_millis(promise.until);
    sleep(until.saturating_sub(now)).await;
    for signal in [Signal::TERM, Signal::KILL] {
        if !folder.is_locked(LOCK).unwrap_or(false) {
            return;
        }
        if let Some(group) = group_of(&folder, &run) {
            tell(group, signal);
        } else {
            warn!(%run, "it runs beyond its deadline, and its process group is not known");
        }
        if is_over_within_grace(&folder).await {
            return;
        }
    }
}

/// The process group of a run, if the process that leads it still says that it is of this run. Its number
/// alone proves nothing: after its end another process may have it.
fn group_of(folder: &RunFolder, run: &HookRun) -> Option<Pid> {
    let group: i32 = folder.text(GROUP).ok()??.trim().parse().ok()?;
    let environment = std::fs::read(format!("/proc/{group}/environ")).ok()?;
    let sign = format!("ROLLOUT_RUN={run}");
    let is_ours = environment.split(|byte| *byte == 0).any(|entry| entry == sign.as_bytes());
    if is_ours { Pid::from_raw(group) } else { None }
}

fn tell(group: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(group, signal) {
        warn!(%error, "a command that runs beyond its deadline could not be told to end");
    }
}
