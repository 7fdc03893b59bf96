//! Reaper: a process that outlives the bed by as long as it takes to remove what the bed started.
//!
//! In: a script, the bed's folder and tag. Out: nothing left. It waits for the end of a pipe, so that a dropped
//! bed, a panic, Ctrl-C and a kill all end the same way.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::BedError;

/// The process that waits.
#[derive(Debug)]
pub(crate) struct Reaper(Child);

impl Reaper {
    /// Starts to wait; `script` is told `dir` and `tag`, by which it finds everything later on.
    pub(crate) fn watch(script: &str, dir: &Path, tag: &str) -> Result<Self, BedError> {
        Command::new("sh")
            .args(["-c", script, "reaper"])
            .arg(dir)
            .arg(tag)
            .current_dir("/")
            .process_group(0) // Ctrl-C reaches the bed's group only.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|why| BedError::Run { command: "sh reaper.sh".to_owned(), why })
    }

    /// Ends the wait with nothing removed.
    pub(crate) fn dismiss(mut self) {
        // Killed by its handle: the script ignores everything milder. It cannot be gone already.
        self.0.kill().ok();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It has no way to fail that could be told to anyone: it was started, so it ends.
        self.0.wait().ok();
    }
}
