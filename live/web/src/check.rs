//! Health command: asks the server beside it and tells by exit code, for images without a shell.
//!
//! In: a URL. Out: `Ok` when it answered 200. Absent: retries; the caller has its own.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

const DEADLINE: Duration = Duration::from_secs(1);

/// Asks `url`, which must be `http://localhost:PORT/PATH`.
///
/// # Errors
///
/// Whatever kept the answer from being a 200, in one second at most.
pub(crate) fn healthy(url: &str) -> io::Result<()> {
    let (port, path) = place(url).ok_or_else(|| {
        io::Error::other(format!("`{url}` cannot be asked; give http://localhost:PORT/PATH"))
    })?;
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    match &answer {
        b"HTTP/1.1 200" => Ok(()),
        other => {
            Err(io::Error::other(format!("{url} answered `{}`", String::from_utf8_lossy(other))))
        }
    }
}

/// Port and path of a URL of this host.
fn place(url: &str) -> Option<(u16, &str)> {
    let rest = url.strip_prefix("http://localhost:")?;
    let slash = rest.find('/')?;
    Some((rest[..slash].parse().ok()?, &rest[slash..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_asked() {
        assert_eq!(place("http://localhost:8080/health"), Some((8080, "/health")));
        assert_eq!(place("http://example.org:8080/health"), None);
        assert_eq!(place("http://localhost/health"), None);
    }
}
