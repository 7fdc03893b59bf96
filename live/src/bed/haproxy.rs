//! Load balancer: an HAProxy of the bed's own, in front of whatever the config says.
//!
//! In: the config of `examples/docker`. Out: a port on 127.0.0.1, an admin socket, and one backend `web`
//! with no servers. Absent: retries; what a server does to a request is what its client sees.

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

/// It takes its place from the environment.
const CONFIG: &str = include_str!("../../../examples/docker/haproxy.cfg");
const START_DEADLINE: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(10);
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// A running HAProxy. It dies with its bed, or when dropped.
#[derive(Debug)]
pub struct Haproxy {
    addr: SocketAddr,
    admin: PathBuf,
    process: Child,
}

impl Haproxy {
    /// Starts HAProxy in `dir`.
    pub(super) fn start(dir: &Path) -> Result<Self, BedError> {
        let addr = free_port().map_err(|why| BedError::folder(dir, why))?;
        let admin = dir.join("haproxy.sock");
        let config = dir.join("haproxy.cfg");
        fs::write(&config, CONFIG).map_err(|why| BedError::folder(&config, why))?;
        let haproxy = || {
            let mut command = Command::new("haproxy");
            command.env("HAPROXY_ADMIN", &admin).env("HAPROXY_LISTEN", addr.to_string());
            command.arg("-f").arg(&config);
            command
        };
        output(haproxy().arg("-c"))?;
        let log_path = dir.join("haproxy.log");
        let log = File::create(&log_path).map_err(|why| BedError::folder(&log_path, why))?;
        let process = haproxy()
            .arg("-db")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|why| BedError::Run { command: "haproxy".to_owned(), why })?;
        fs::write(dir.join("haproxy.pid"), process.id().to_string())
            .map_err(|why| BedError::folder(dir, why))?;
        let mut haproxy = Self { addr, admin, process };
        haproxy.await_answer(&log_path)?;
        Ok(haproxy)
    }

    /// Where it takes requests.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Path of its admin socket.
    #[must_use]
    pub fn admin(&self) -> &Path {
        &self.admin
    }

    /// Gives one order over the admin socket and returns the answer, trimmed.
    ///
    /// # Errors
    ///
    /// The socket cannot be reached or says nothing within five seconds.
    pub fn order(&self, order: &str) -> io::Result<String> {
        let mut socket = UnixStream::connect(&self.admin)?;
        socket.set_read_timeout(Some(ANSWER_DEADLINE))?;
        socket.write_all(order.as_bytes())?;
        socket.write_all(b"\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn await_answer(&mut self, log: &Path) -> Result<(), BedError> {
        let begun = Instant::now();
        while TcpStream::connect(self.addr).is_err() || self.order("show info").is_err() {
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

/// A port of 127.0.0.1 that nobody has now. The kernel hands it out to nobody else for a while.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
