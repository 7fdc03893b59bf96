//! Client: one keep-alive connection that sends each request once.
//!
//! In: an address. Out: an answer or the cause of its absence. A connection that the server closed
//! while nothing was asked is reopened before the next request; once a byte was sent, the outcome
//! counts. Absent: retries.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Failure,
    answer::{Answer, parse},
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: web\r\nuser-agent: rollout-live\r\n\r\n";

/// One connection, open or to be opened.
#[derive(Debug)]
pub(super) struct Client {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    opened: u64,
}

impl Client {
    /// A client that connects when it is first needed.
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self { addr, stream: None, opened: 0 }
    }

    /// Connections opened after the first.
    pub(super) fn reopened(&self) -> u64 {
        self.opened.saturating_sub(1)
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
        stream.write_all(REQUEST).await.map_err(|_| Failure::Send)?;
        let answer = read_answer(&mut stream).await?;
        if !answer.close {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    async fn connect(&mut self) -> Result<TcpStream, Failure> {
        self.opened += 1;
        let stream = TcpStream::connect(self.addr).await.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        Ok(stream)
    }
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
