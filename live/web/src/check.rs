//! Health command: asks the server beside it and tells by exit code, for images without a shell.
//!
//! In: the port. Out: `Ok` when `/health` answered 200. Absent: retries; the caller has its own.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

const DEADLINE: Duration = Duration::from_secs(1);

/// Asks `/health` on this host.
///
/// # Errors
///
/// Whatever kept the answer from being a 200, in one second at most.
pub(crate) fn healthy(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    match &answer {
        b"HTTP/1.1 200" => Ok(()),
        other => Err(io::Error::other(format!(
            "/health answered `{}`",
            String::from_utf8_lossy(other)
        ))),
    }
}
