//! Client: one connection at a time that sends each request once.
//!
//! In: an address, whether connections are kept. Out: an answer or the cause of its absence. A connection that the server closed
//! while nothing was asked is reopened before the next request; once a byte was sent, the outcome
//! counts. Absent: retries.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use super::{
    Failure, Reuse,
    answer::{Answer, parse},
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: web.test\r\nuser-agent: rollout-live\r\n\r\n";
const LAST_REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nhost: web.test\r\nuser-agent: rollout-live\r\nconnection: close\r\n\r\n";
/// Addresses that strangers come from, without the host's own and that of all.
const SOURCES: u32 = (1 << 24) - (1 << 17);

/// How many strangers came so far. Each process begins elsewhere.
static STRANGERS: LazyLock<AtomicU32> =
    LazyLock::new(|| AtomicU32::new(process::id().wrapping_mul(65_521)));

/// One connection, open or to be opened.
#[derive(Debug)]
pub(super) struct Client {
    addr: SocketAddr,
    reuse: Reuse,
    stream: Option<TcpStream>,
    opened: u64,
}

impl Client {
    /// A client that connects when it is first needed.
    pub(super) fn new(addr: SocketAddr, reuse: Reuse) -> Self {
        Self { addr, reuse, stream: None, opened: 0 }
    }

    /// Connections opened after the first though they were to be kept.
    pub(super) fn reopened(&self) -> u64 {
        match self.reuse {
            Reuse::Kept => self.opened.saturating_sub(1),
            Reuse::Never => 0,
        }
    }

    /// Drops the connection: its answer is not awaited any more.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Sends one request and reads its answer.
    pub(super) async fn ask(&mut self) -> Result<Answer, Failure> {
        // The stream comes back only after a whole answer: a cancelled or failed request ends it.
        let mut stream = match self.stream.take().filter(is_quiet) {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let request = match self.reuse {
            Reuse::Kept => REQUEST,
            Reuse::Never => LAST_REQUEST,
        };
        stream.write_all(request).await.map_err(|_| Failure::Send)?;
        let answer = read_answer(&mut stream).await?;
        if !answer.close && self.reuse == Reuse::Kept {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    async fn connect(&mut self) -> Result<TcpStream, Failure> {
        self.opened += 1;
        let stream = match self.reuse {
            Reuse::Kept => TcpStream::connect(self.addr).await,
            Reuse::Never => connect_as_stranger(self.addr).await,
        };
        let stream = stream.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        Ok(stream)
    }
}

/// Connects from an address that nobody has come from for long.
async fn connect_as_stranger(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source(STRANGERS.fetch_add(1, Ordering::Relaxed)), 0).into())?;
    socket.connect(addr).await
}

/// Address `n` of 127.1.0.0 to 127.254.255.255.
fn source(n: u32) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 0));
    Ipv4Addr::from(first + n % SOURCES)
}

/// Whether the connection is open with nothing to read, as it must be between two requests.
fn is_quiet(stream: &TcpStream) -> bool {
    let nothing = stream.try_read(&mut [0]);
    matches!(nothing, Err(why) if why.kind() == ErrorKind::WouldBlock)
}

async fn read_answer(stream: &mut TcpStream) -> Result<Answer, Failure> {
    let mut bytes = Vec::with_capacity(512);
    loop {
        if let Some(answer) = parse(&bytes)? {
            match answer.length {
                None => return Ok(answer), // Up to the end of the stream, which nobody waits for.
                Some(length) if bytes.len() == length => return Ok(answer),
                Some(length) if length < bytes.len() => return Err(Failure::Malformed),
                Some(_) => (),
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(_) => (),
            Err(why) => return Err(cause(&why)),
        }
    }
}

fn cause(why: &io::Error) -> Failure {
    if why.kind() == ErrorKind::ConnectionReset { Failure::Reset } else { Failure::Closed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_of_this_host_and_never_the_host_itself() {
        assert_eq!(source(0), Ipv4Addr::new(127, 1, 0, 0));
        assert_eq!(source(SOURCES - 1), Ipv4Addr::new(127, 254, 255, 255));
        assert_eq!(source(SOURCES), source(0));
    }
}
