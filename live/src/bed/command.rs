//! Command: runs one program to its end.
//!
//! In: a program and its arguments. Out: what it printed, or an error that shows what it complained of.

use std::process::{Command, Stdio};

use super::BedError;

/// Runs `command` and returns its trimmed standard output.
///
/// # Errors
///
/// [`BedError::Run`] if it cannot be started, [`BedError::Failed`] if it ends with another code than 0.
pub(crate) fn output(command: &mut Command) -> Result<String, BedError> {
    let told = line(command);
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|why| BedError::Run { command: told.clone(), why })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(BedError::Failed { command: told, code: done.status.code(), said })
}

fn line(command: &Command) -> String {
    command
        .get_args()
        .map(|arg| arg.to_string_lossy())
        .fold(command.get_program().to_string_lossy().into_owned(), |line, arg| line + " " + &arg)
}
