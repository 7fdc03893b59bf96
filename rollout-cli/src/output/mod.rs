//! The one place that writes: text or JSON on standard output, errors on standard error.
//!
//! Absent: what to say, which is each command's. A reader that went away, as with `| head`, is no error.

pub(crate) mod live;
pub(crate) mod object;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod when;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::error::CliError;

/// Where and how to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Writes text, or with `json` JSON.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is wanted.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person watches standard output as it grows.
    pub(crate) fn is_watched(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Writes what a command came to: `text`, or `document` if JSON is wanted.
    pub(crate) fn result<T: Serialize>(
        self,
        document: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json {
            write_out(&format!("{}\n", pretty(&document())?));
        } else {
            write_out(&format!("{}\n", text().trim_end()));
        }
        Ok(())
    }

    /// Writes one line of JSON.
    pub(crate) fn event<T: Serialize>(event: &T) -> Result<(), CliError> {
        let line = serde_json::to_string(event).map_err(|why| unwritable(&why))?;
        write_out(&format!("{line}\n"));
        Ok(())
    }

    /// Writes `text` as it is.
    pub(crate) fn raw(text: &str) {
        write_out(text);
    }

    /// Writes a line beside the result, for people.
    pub(crate) fn aside(line: &str) {
        write_err(&format!("{line}\n"));
    }

    /// Writes why a command did not do what was asked.
    pub(crate) fn error(self, error: &CliError) {
        match serde_json::to_string(&error.json()) {
            Ok(line) if self.json => write_err(&format!("{line}\n")),
            Ok(_) | Err(_) => {
                for line in error.to_string().lines() {
                    write_err(&format!("error: {line}\n"));
                }
            }
        }
    }
}

fn pretty<T: Serialize>(document: &T) -> Result<String, CliError> {
    serde_json::to_string_pretty(document).map_err(|why| unwritable(&why))
}

fn unwritable(why: &serde_json::Error) -> CliError {
    CliError::System { what: "the answer cannot be written as JSON", why: why.to_string() }
}

fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody is left to tell.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn write_err(text: &str) {
    // Nobody is left to tell.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
