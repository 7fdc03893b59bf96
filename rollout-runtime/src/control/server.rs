//! The engine's end of the control socket.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    task::JoinSet,
};
use tracing::{debug, warn};

use super::{Denied, DeniedKind, Orderer, Reply, Request, Wish};
use crate::{
    handle::{Handle, OrderError},
    runtime::Runtime,
};

/// Most bytes of one request.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// Most connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 64;
/// Permissions of the socket: its owner's alone.
const MODE: u32 = 0o600;
/// The user that may do everything anyway.
const ROOT: u32 = 0;

/// A socket that was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// An engine answers there.
    #[error(
        "an engine answers at the control socket {path}; talk to it with `rollout status`, or stop it"
    )]
    Answered {
        /// Where.
        path: PathBuf,
    },
    /// Something else has the name.
    #[error("{path} is no socket; move it away, or keep the journal elsewhere")]
    NoSocket {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error(
        "the control socket {path} cannot be opened: {why}; keep the journal where sockets can be (a path of at most 107 bytes, on a local disk)"
    )]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
}

/// Answers requests to the workloads of one runtime. Dropping it closes the socket.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    inode: u64,
    _accepting: JoinSet<()>,
}

impl Server {
    /// Opens the socket at `path` for its owner alone. One that a dead engine left is replaced.
    ///
    /// # Errors
    ///
    /// [`BindError`] if an engine answers there already or the socket cannot be opened.
    pub async fn bind(path: impl Into<PathBuf>, runtime: Arc<Runtime>) -> Result<Self, BindError> {
        let path = path.into();
        clear(&path).await?;
        let opened = open(&path);
        let (listener, metadata) =
            opened.map_err(|why| BindError::Io { path: path.clone(), why })?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, metadata.uid(), runtime));
        Ok(Self { path, inode: metadata.ino(), _accepting: accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Another engine may have its socket there by now; that one is left alone.
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            // What cannot be removed is found stale by the next engine.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn open(path: &Path) -> io::Result<(UnixListener, fs::Metadata)> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    let metadata = fs::symlink_metadata(path)?;
    Ok((listener, metadata))
}

/// Removes a socket at which nobody answers.
async fn clear(path: &Path) -> Result<(), BindError> {
    let failed = |why| BindError::Io { path: path.to_owned(), why };
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(BindError::NoSocket { path: path.to_owned() });
        }
        Ok(_) => (),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(BindError::Answered { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

async fn accept(listener: UnixListener, owner: u32, runtime: Arc<Runtime>) {
    let mut connections = JoinSet::new();
    loop {
        while CONNECTIONS_MAX <= connections.len() {
            connections.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                // The permissions of the file guard it only from the moment they were set.
                Ok((stream, _)) if is_permitted(&stream, owner) => {
                    connections.spawn(serve(stream, Arc::clone(&runtime)));
                }
                Ok(_) => warn!("a stranger was turned away from the control socket"),
                Err(error) => {
                    warn!(%error, "control socket");
                    // Out of descriptors, most likely: let some be closed.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => (),
        }
    }
}

fn is_permitted(stream: &UnixStream, owner: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == ROOT)
}

/// Answers one connection until it is closed.
async fn serve(stream: UnixStream, runtime: Arc<Runtime>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut reader).take(REQUEST_BYTES_MAX);
        let done = match limited.read_until(b'\n', &mut line).await {
            Ok(0) => return,
            Ok(_) if line.last() != Some(&b'\n') && REQUEST_BYTES_MAX <= line.len() as u64 => {
                let message = format!("the request is longer than {REQUEST_BYTES_MAX} bytes");
                // The rest of the line is not worth reading: answer and hang up.
                drop(send(&mut writer, &denied(DeniedKind::Malformed, message)).await);
                return;
            }
            Ok(_) => answer(&line, &runtime, &mut writer).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            debug!(%error, "control connection ended");
            return;
        }
    }
}

async fn answer(line: &[u8], runtime: &Runtime, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("the request cannot be read: {error}");
            return send(writer, &denied(DeniedKind::Malformed, message)).await;
        }
    };
    let handle = match find(runtime, &request) {
        Ok(handle) => handle,
        Err(denied) => return send(writer, &Reply::Error(denied)).await,
    };
    let stopped = |why| denied(DeniedKind::Stopped, format!("{why}"));
    let reply = match Wish::from(request.ask) {
        Wish::Status => match handle.status().await {
            Ok(status) => Reply::Status(Box::new(status)),
            Err(why) => stopped(why),
        },
        Wish::Waits => match handle.waits().await {
            Ok(waits) => Reply::Waits(waits),
            Err(why) => stopped(why),
        },
        Wish::Order(kind, Orderer { by, why }) => {
            match handle.order(kind, &by, why.as_deref()).await {
                Ok(()) => Reply::Done {},
                Err(error) => denied(kind_of(&error), error.to_string()),
            }
        }
        Wish::Events => return tell(&handle, writer).await,
    };
    send(writer, &reply).await
}

/// Tells everything that happens until the driver stops or the client hangs up.
async fn tell(handle: &Handle, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut subscription = handle.subscribe();
    // The first line says that nothing from now on is missed.
    send(writer, &Reply::Done {}).await?;
    while let Some(progress) = subscription.next().await {
        send(writer, &Reply::Event(Box::new(progress.into()))).await?;
    }
    writer.shutdown().await
}

/// The handle of the workload that is meant.
fn find(runtime: &Runtime, request: &Request) -> Result<Handle, Denied> {
    let mut handles = runtime.handles();
    let names: Vec<_> = handles.iter().map(|handle| handle.workload.as_str()).collect();
    let here = names.join(", ");
    let found = match &request.workload {
        Some(name) => handles.into_iter().find(|handle| handle.workload == *name),
        None if handles.len() == 1 => handles.pop(),
        None => None,
    };
    found.ok_or_else(|| {
        let message = match &request.workload {
            Some(name) => format!("workload `{name}` is not driven here; driven are: {here}"),
            None => format!("name the workload; driven here are: {here}"),
        };
        Denied { kind: DeniedKind::UnknownWorkload, message }
    })
}

fn kind_of(error: &OrderError) -> DeniedKind {
    match error {
        OrderError::Refused(_) => DeniedKind::Refused,
        OrderError::NotKept(_) => DeniedKind::NotKept,
        OrderError::Stopped(_) => DeniedKind::Stopped,
    }
}

fn denied(kind: DeniedKind, message: String) -> Reply {
    Reply::Error(Denied { kind, message })
}

async fn send(writer: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    writer.write_all(&line).await
}
