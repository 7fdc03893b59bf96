//! The other end of the control socket: what `rollout pause` and its like speak through.

use std::{
    io,
    path::{Path, PathBuf},
};

use rollout_core::{
    engine::{Resolution, Status, Wait},
    id::{GateId, RevisionId, WorkloadId},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Ask, Denied, Orderer, Reply, Request, Told};

/// A request that was not answered as wished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens.
    #[error("no engine is running at {path}: start one with `rollout run`")]
    NotRunning {
        /// Where the socket would be.
        path: PathBuf,
    },
    /// The socket is another user's.
    #[error("the engine at {path} belongs to another user; ask as that user")]
    NotPermitted {
        /// Where the socket is.
        path: PathBuf,
    },
    /// The engine went away in the middle.
    #[error(
        "the engine at {path} hung up before it answered ({why}); it may or may not have done what was asked: see `rollout status`"
    )]
    HungUp {
        /// Where the socket is.
        path: PathBuf,
        /// What was seen instead of an answer.
        why: String,
    },
    /// The engine speaks another language.
    #[error("the engine at {path} answered `{answer}`; use the version it was started with")]
    Strange {
        /// Where the socket is.
        path: PathBuf,
        /// Its answer, cut.
        answer: String,
    },
    /// The engine said no.
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// A connection to an engine that runs in another process.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    workload: Option<WorkloadId>,
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Client {
    /// Connects to the engine behind the socket at `path`. Requests are about `workload`, or about the
    /// only one the engine drives.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotRunning`] if nobody listens, [`ClientError::NotPermitted`] if it is another
    /// user's.
    pub async fn connect(
        path: impl AsRef<Path>,
        workload: Option<WorkloadId>,
    ) -> Result<Self, ClientError> {
        let path = path.as_ref().to_owned();
        let stream = match UnixStream::connect(&path).await {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ClientError::NotPermitted { path });
            }
            Err(error) if is_absent(&error) => return Err(ClientError::NotRunning { path }),
            Err(error) => return Err(hung_up(&path, &error)),
        };
        let (reader, writer) = stream.into_split();
        Ok(Self { path, workload, lines: BufReader::new(reader).lines(), writer })
    }

    /// Where things stand.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if it cannot be had.
    pub async fn status(&mut self) -> Result<Status, ClientError> {
        let reply = self.ask(Ask::Status {}).await?;
        let Reply::Status(status) = reply else {
            return Err(self.strange(&reply));
        };
        Ok(*status)
    }

    /// Every reason why nothing moves now, most important first.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if they cannot be had.
    pub async fn waits(&mut self) -> Result<Vec<Wait>, ClientError> {
        let reply = self.ask(Ask::Waits {}).await?;
        let Reply::Waits(waits) = reply else {
            return Err(self.strange(&reply));
        };
        Ok(waits)
    }

    /// Takes no forward step until resumed.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn pause(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Pause(orderer)).await
    }

    /// Takes forward steps again.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn resume(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Resume(orderer)).await
    }

    /// Passes `gate`, or the one that is waited for, or with `all` every gate that is left.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn promote(
        &mut self,
        all: bool,
        gate: Option<GateId>,
        orderer: Orderer,
    ) -> Result<(), ClientError> {
        self.order(Ask::Promote { all, gate, orderer }).await
    }

    /// Goes back to the stable revision.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn abort(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Abort(orderer)).await
    }

    /// Goes back to a revision that was proven before: `to`, or the last one before the current one.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn undo(
        &mut self,
        to: Option<RevisionId>,
        orderer: Orderer,
    ) -> Result<(), ClientError> {
        self.order(Ask::Undo { to, orderer }).await
    }

    /// Tries the revision again that was taken back last.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn retry(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Retry(orderer)).await
    }

    /// Has `replicas` instances from now on.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn resize(&mut self, replicas: u64, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Resize { replicas, orderer }).await
    }

    /// Replaces every instance by a new one of the same revision.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn restart(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Restart(orderer)).await
    }

    /// Skips to the later stage `to`; the orderer must say why.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn skip(&mut self, to: String, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Skip { to, orderer }).await
    }

    /// Lets nothing go out any more, not even a step back, until resumed.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn halt(&mut self, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Halt(orderer)).await
    }

    /// Leaves the end that needs an operator.
    ///
    /// # Errors
    ///
    /// [`ClientError::Denied`] if the engine refused.
    pub async fn resolve(&mut self, how: Resolution, orderer: Orderer) -> Result<(), ClientError> {
        self.order(Ask::Resolve { how, orderer }).await
    }

    /// Turns the connection into a listener to everything that happens from now on.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the engine refused.
    pub async fn events(mut self) -> Result<Events, ClientError> {
        self.order(Ask::Events {}).await?;
        Ok(Events { client: self })
    }

    async fn order(&mut self, ask: Ask) -> Result<(), ClientError> {
        let reply = self.ask(ask).await?;
        let Reply::Done {} = reply else {
            return Err(self.strange(&reply));
        };
        Ok(())
    }

    async fn ask(&mut self, ask: Ask) -> Result<Reply, ClientError> {
        let request = Request { workload: self.workload.clone(), ask };
        let mut line = serde_json::to_vec(&request).map_err(|why| hung_up(&self.path, &why))?;
        line.push(b'\n');
        let written = self.writer.write_all(&line).await;
        written.map_err(|why| hung_up(&self.path, &why))?;
        match self.read().await? {
            Some(Reply::Error(denied)) => Err(denied.into()),
            Some(reply) => Ok(reply),
            None => Err(hung_up(&self.path, &"end of the connection")),
        }
    }

    /// The next reply, or `None` at the end of the connection.
    async fn read(&mut self) -> Result<Option<Reply>, ClientError> {
        let line = self.lines.next_line().await;
        let Some(line) = line.map_err(|why| hung_up(&self.path, &why))? else {
            return Ok(None);
        };
        let reply = serde_json::from_str(&line).map_err(|_| strange(&self.path, &line))?;
        Ok(Some(reply))
    }

    fn strange(&self, reply: &Reply) -> ClientError {
        strange(&self.path, &format!("{reply:?}"))
    }
}

/// Everything that happens in a workload of another process.
#[derive(Debug)]
pub struct Events {
    client: Client,
}

impl Events {
    /// Waits for the next message; `None` once the engine has stopped.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the connection broke.
    pub async fn next(&mut self) -> Result<Option<Told>, ClientError> {
        match self.client.read().await? {
            None => Ok(None),
            Some(Reply::Event(told)) => Ok(Some(*told)),
            Some(Reply::Error(denied)) => Err(denied.into()),
            Some(other @ (Reply::Done {} | Reply::Status(_) | Reply::Waits(_))) => {
                Err(self.client.strange(&other))
            }
        }
    }
}

/// Whether there is no socket, or nobody behind it.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn hung_up(path: &Path, why: &impl ToString) -> ClientError {
    ClientError::HungUp { path: path.to_owned(), why: why.to_string() }
}

/// Most characters of a strange answer that are shown.
const ANSWER_CHARS_MAX: usize = 120;

fn strange(path: &Path, answer: &str) -> ClientError {
    ClientError::Strange {
        path: path.to_owned(),
        answer: answer.chars().take(ANSWER_CHARS_MAX).collect(),
    }
}
