//! Load balancer: an HAProxy of the bed's own, in front of whatever the config says.
//!
//! In: a config written for a given place. Out: a port on 127.0.0.1 and an admin socket. Absent: any
//! opinion about backends; see [`plain_config`] for the simplest one.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{BedError, command::output, dockerd::last_lines};

const START_DEADLINE: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(10);
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// Where a load balancer is to live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it takes requests.
    pub listen: SocketAddr,
    /// Path of its admin socket.
    pub admin: PathBuf,
    /// A folder for its map files.
    pub maps: PathBuf,
}

/// A running HAProxy. It dies with its bed, or when dropped.
#[derive(Debug)]
pub struct Haproxy {
    place: Place,
    process: Child,
}

impl Haproxy {
    /// Starts HAProxy in `dir` with the config that `config` writes for its place.
    pub(super) fn start(
        dir: &Path,
        config: impl FnOnce(&Place) -> String,
    ) -> Result<Self, BedError> {
        let place = Place {
            listen: free_port().map_err(|why| BedError::folder(dir, why))?,
            admin: dir.join("haproxy.sock"),
            maps: dir.join("maps"),
        };
        let path = dir.join("haproxy.cfg");
        fs::create_dir_all(&place.maps)
            .and_then(|()| fs::write(&path, config(&place)))
            .map_err(|why| BedError::folder(&path, why))?;
        output(Command::new("haproxy").arg("-c").arg("-f").arg(&path))?;
        let log_path = dir.join("haproxy.log");
        let log = File::create(&log_path).map_err(|why| BedError::folder(&log_path, why))?;
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&path)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|why| BedError::Run { command: "haproxy".to_owned(), why })?;
        fs::write(dir.join("haproxy.pid"), process.id().to_string())
            .map_err(|why| BedError::folder(dir, why))?;
        let mut haproxy = Self { place, process };
        haproxy.await_answer(&log_path)?;
        Ok(haproxy)
    }

    /// Where it takes requests.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.place.listen
    }

    /// Path of its admin socket.
    #[must_use]
    pub fn admin(&self) -> &Path {
        &self.place.admin
    }

    /// Gives one order over the admin socket and returns the answer, trimmed.
    ///
    /// # Errors
    ///
    /// The socket cannot be reached or says nothing within five seconds.
    pub fn order(&self, order: &str) -> io::Result<String> {
        let mut socket = UnixStream::connect(&self.place.admin)?;
        socket.set_read_timeout(Some(ANSWER_DEADLINE))?;
        socket.write_all(order.as_bytes())?;
        socket.write_all(b"\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn await_answer(&mut self, log: &Path) -> Result<(), BedError> {
        let begun = Instant::now();
        while TcpStream::connect(self.place.listen).is_err() || self.order("show info").is_err() {
            let died = self.process.try_wait().is_ok_and(|status| status.is_some());
            if died || START_DEADLINE < begun.elapsed() {
                return Err(BedError::NoStart { program: "haproxy", said: last_lines(log) });
            }
            thread::sleep(ASK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // Already gone is as good; the reaper looks once more.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// One frontend, one backend `web` with no servers; they are added over the admin socket. No retries:
/// what a server does to a request is what its client sees.
#[must_use]
pub fn plain_config(place: &Place) -> String {
    format!(
        "global\n\
         \x20   stats socket {admin} mode 600 level admin\n\
         \x20   maxconn 2000\n\
         defaults\n\
         \x20   mode http\n\
         \x20   timeout connect 2s\n\
         \x20   timeout client 60s\n\
         \x20   timeout server 30s\n\
         \x20   timeout http-keep-alive 60s\n\
         \x20   retries 0\n\
         frontend entry\n\
         \x20   bind {listen}\n\
         \x20   default_backend web\n\
         backend web\n\
         \x20   balance roundrobin\n",
        admin = place.admin.display(),
        listen = place.listen,
    )
}

/// A port of 127.0.0.1 that nobody has now. The kernel hands it out to nobody else for a while.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
