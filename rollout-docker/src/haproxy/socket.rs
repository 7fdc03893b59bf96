//! HAProxy's runtime socket: one line of commands goes out, text comes back, the connection ends.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use super::traffic::Address;

/// Longest line sent; HAProxy takes one buffer, 16 KiB less a reserve unless tuned.
const LINE_LIMIT: usize = 8 * 1024;

/// Longest answer read; a server takes about a kilobyte of it.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// A runtime socket and how long to wait for it.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) address: Address,
    pub(super) deadline: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    /// The line never left this side.
    #[error("{0}")]
    NotReached(io::Error),
    /// The line may have been carried out.
    #[error("{0}")]
    NotAnswered(io::Error),
    /// The line may have been carried out.
    #[error("no answer within {0:?}")]
    Late(Duration),
}

impl Socket {
    /// Sends `commands`, as few lines as they fit in, and returns the answers one after the other.
    pub(super) async fn run(&self, commands: &[String]) -> Result<String, SocketError> {
        let mut answers = String::new();
        for line in lines(commands) {
            match tokio::time::timeout(self.deadline, self.send(&line)).await {
                Ok(answer) => answers.push_str(&answer?),
                Err(_) => return Err(SocketError::Late(self.deadline)),
            }
        }
        Ok(answers)
    }

    async fn send(&self, line: &str) -> Result<String, SocketError> {
        match &self.address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(SocketError::NotReached)?;
                exchange(stream, line).await
            }
            Address::Tcp(place) => {
                let stream = TcpStream::connect(place).await.map_err(SocketError::NotReached)?;
                exchange(stream, line).await
            }
        }
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: &str,
) -> Result<String, SocketError> {
    let mut answer = Vec::new();
    async {
        stream.write_all(line.as_bytes()).await?;
        stream.write_all(b"\n").await?;
        stream.take(ANSWER_LIMIT).read_to_end(&mut answer).await
    }
    .await
    .map_err(SocketError::NotAnswered)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// `commands` joined by `;`, none longer than [`LINE_LIMIT`] unless one command alone is.
fn lines(commands: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for command in commands {
        match lines.last_mut() {
            Some(line) if line.len() + command.len() < LINE_LIMIT => {
                line.push(';');
                line.push_str(command);
            }
            Some(_) | None => lines.push(command.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_share_lines_that_fit_a_buffer() {
        let commands: Vec<String> =
            (0..1000).map(|n| format!("set server web/v1:web-{n} weight 1")).collect();
        let lines = lines(&commands);
        assert!(1 < lines.len() && lines.iter().all(|line| line.len() <= LINE_LIMIT));
        assert_eq!(lines.join(";"), commands.join(";"));
    }
}
