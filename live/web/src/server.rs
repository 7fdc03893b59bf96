//! Server: a thread per connection, and an end that loses nothing already begun.
//!
//! In: settings. Out: an open port until SIGTERM. Absent: limits on connections; a test bed opens a
//! few hundred at most.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{connection, health::Judge, settings::Settings, signals};

/// Enough for a head and an answer; keeps a few hundred threads cheap.
const STACK_BYTES: usize = 128 * 1024;
/// Longest wait for what is in flight, well above any `WORK_MS` in use.
const FINISH_DEADLINE: Duration = Duration::from_secs(30);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    settings: Settings,
    judge: Judge,
    stopping: AtomicBool,
    in_flight: Mutex<u64>,
    finished: Condvar,
}

/// A request being answered; counts until dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Server);

/// Serves until told to go.
///
/// # Errors
///
/// The port cannot be opened.
pub(crate) fn serve(settings: Settings) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port))?;
    let port = listener.local_addr()?.port();
    let server = Arc::new(Server::new(settings));
    let asked = Arc::clone(&server);
    signals::on_term(server.settings.on_term, move || {
        asked.stopping.store(true, Ordering::SeqCst);
        // The accept loop sleeps in the kernel; a connection of our own wakes it.
        drop(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    })?;
    accept_until_stopped(&server, &listener)?;
    drop(listener);
    server.finish();
    Ok(())
}

fn accept_until_stopped(server: &Arc<Server>, listener: &TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        if server.is_stopping() {
            break;
        }
        let Ok(stream) = stream else {
            continue; // The client was gone before it was accepted.
        };
        let server = Arc::clone(server);
        thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
            // A broken client is its own concern; the next one is not affected.
            connection::converse(&server, stream).ok();
        })?;
    }
    Ok(())
}

impl Server {
    fn new(settings: Settings) -> Self {
        Self {
            judge: Judge::new(settings.health, settings.bad_share),
            settings,
            stopping: AtomicBool::new(false),
            in_flight: Mutex::new(0),
            finished: Condvar::new(),
        }
    }

    /// Whether this is the end: every answer from now on closes its connection.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Counts a request in until the guard is dropped.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        *self.count() += 1;
        InFlight(self)
    }

    /// The judge of its health.
    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Told in every answer.
    pub(crate) fn version(&self) -> &str {
        &self.settings.version
    }

    /// Told in every answer.
    pub(crate) fn instance(&self) -> &str {
        &self.settings.instance
    }

    /// Wait before an ordinary answer.
    pub(crate) fn work(&self) -> Duration {
        self.settings.work
    }

    fn count(&self) -> MutexGuard<'_, u64> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is in flight.
    fn finish(&self) {
        drop(self.finished.wait_timeout_while(self.count(), FINISH_DEADLINE, |n| 0 < *n));
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut count = self.0.count();
        *count -= 1;
        if *count == 0 {
            self.0.finished.notify_all();
        }
    }
}
