//! A command whose output is the value. No shell is involved unless it is the command.
//!
//! It gets the query as its last argument. Text that is a number is the value, no text is no data, anything else
//! and every exit code but 0 is an error.

use std::process::Stdio;

use async_trait::async_trait;
use rollout_core::{
    judge::Reading,
    port::{MetricQuery, Metrics},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

use super::fill::fill;
use crate::http::one_line;

/// Most bytes of output that are read; the rest is thrown away.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;
/// Most characters of an error that are told.
const ERROR_CHARS_MAX: usize = 300;

/// A command that reads metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandMetrics {
    program: String,
    arguments: Vec<String>,
}

impl CommandMetrics {
    /// Runs `program` with `arguments` and the query after them, in the engine's own environment.
    pub fn new(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.into(), arguments }
    }

    async fn ask(&self, query: &MetricQuery) -> Result<Reading, String> {
        let text = fill(query)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(text)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The driver gives up on what takes too long by dropping it.
            .kill_on_drop(true);
        let cannot = |error| format!("`{}` cannot be run: {error}", self.program);
        let mut child = command.spawn().map_err(cannot)?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (out, err) = tokio::join!(read(out), read(err));
        let status = child.wait().await.map_err(cannot)?;
        if !status.success() {
            let code = status.code().map_or(status.to_string(), |code| format!("exit code {code}"));
            return Err(one_line(&format!("{code}: {err}"), ERROR_CHARS_MAX));
        }
        Ok(Reading::of_text(&one_line(&out, ERROR_CHARS_MAX)))
    }
}

/// All of a stream as text, of which no more than the limit is kept.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    // What broke off is judged by the exit code.
    drop((&mut stream).take(OUTPUT_BYTES_MAX).read_to_end(&mut kept).await);
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
    String::from_utf8_lossy(&kept).into_owned()
}

#[async_trait]
impl Metrics for CommandMetrics {
    async fn measure(&self, query: &MetricQuery) -> Reading {
        self.ask(query).await.unwrap_or_else(Reading::Error)
    }
}
