//! Connection: one client, request after request, until either side has had enough.
//!
//! In: a socket. Out: answers with exact lengths. Absent: pipelining beyond order, request bodies
//! (a request that announces one is refused).

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    thread,
};

use crate::server::Server;

/// Longest request head taken, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// Answers requests until the client closes, an answer says `close`, or the socket fails.
pub(crate) fn converse(server: &Server, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(1024);
    while let Some(head) = next_head(&mut stream, &mut buffer)? {
        let _in_flight = server.enter();
        let (status, close) = respond(server, &head);
        let close = close || server.is_stopping();
        let said = answer(status, server.version(), server.instance(), close);
        stream.write_all(said.as_bytes())?;
        if close {
            break;
        }
    }
    Ok(())
}

fn respond(server: &Server, head: &str) -> (u16, bool) {
    let close = has_header(head, "connection", "close");
    let Some(path) = head.split(' ').nth(1) else {
        return (400, true);
    };
    if announces_body(head) {
        return (413, true);
    }
    if path == "/health" {
        return (if server.judge().is_well() { 200 } else { 503 }, close);
    }
    let bad = server.judge().spoils_next();
    thread::sleep(server.work());
    (if bad { 500 } else { 200 }, close)
}

fn answer(status: u16, version: &str, instance: &str, close: bool) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        413 => "Content Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let connection = if close { "close" } else { "keep-alive" };
    let length = version.len() + 1;
    format!(
        "HTTP/1.1 {status} {reason}\r\nx-version: {version}\r\nx-instance: {instance}\r\n\
         content-type: text/plain\r\ncontent-length: {length}\r\nconnection: {connection}\r\n\r\n{version}\n"
    )
}

/// The next head without its blank line; `None` at the end of the stream.
fn next_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            return Ok(Some(head));
        }
        if HEAD_MAX < buffer.len() {
            return Err(io::Error::other(format!("request head above {HEAD_MAX} bytes")));
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            n => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}

fn has_header(head: &str, name: &str, value: &str) -> bool {
    header(head, name).is_some_and(|seen| seen.eq_ignore_ascii_case(value))
}

fn announces_body(head: &str) -> bool {
    header(head, "transfer-encoding").is_some()
        || header(head, "content-length").is_some_and(|length| length != "0")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_told_is_the_length_sent() {
        let text = answer(200, "v12", "a", false);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(header(head, "content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(header(head, "X-Version"), Some("v12"));
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\nCONNECTION:  Close";
        assert!(has_header(head, "connection", "close"));
        assert!(!announces_body(head));
        assert!(announces_body("POST / HTTP/1.1\r\nContent-Length: 3"));
    }
}
