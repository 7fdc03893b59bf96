//! Answer: the head of an HTTP/1.1 response, read strictly.
//!
//! In: bytes. Out: an [`Answer`], or nothing yet, or a failure. Absent: chunked bodies; neither the
//! server under test nor the load balancer's own errors use them.

use super::Failure;

/// Longest head taken, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status code.
    pub(super) status: u16,
    /// The header `x-version`.
    pub(super) version: Option<String>,
    /// The header `x-instance`.
    pub(super) instance: Option<String>,
    /// Whether the connection ends with it.
    pub(super) close: bool,
    /// Bytes of head and body together; `None`: the body lasts as long as the connection.
    pub(super) length: Option<usize>,
}

/// Reads the head at the start of `bytes`; `None` if it is not complete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Answer>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if HEAD_MAX < bytes.len() { Err(Failure::Malformed) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| Failure::Malformed)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(status_of).ok_or(Failure::Malformed)?;
    let mut answer = Answer { status, version: None, instance: None, close: false, length: None };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Failure::Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("x-version") {
            answer.version = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("x-instance") {
            answer.instance = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("connection") {
            answer.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("content-length") {
            let body: usize = value.parse().map_err(|_| Failure::Malformed)?;
            answer.length = Some((end + 4).saturating_add(body));
        }
    }
    answer.close |= answer.length.is_none();
    Ok(Some(answer))
}

fn status_of(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let text =
            b"HTTP/1.1 200 OK\r\nX-Version: v2\r\nx-instance: a\r\ncontent-length: 3\r\n\r\nv2\n";
        assert_eq!(parse(&text[..20]), Ok(None));
        let answer = parse(text).unwrap().unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.version.as_deref(), Some("v2"));
        assert_eq!(answer.instance.as_deref(), Some("a"));
        assert_eq!(answer.length, Some(text.len()));
        assert!(!answer.close);
    }

    #[test]
    fn a_body_without_length_ends_the_connection() {
        let answer = parse(b"HTTP/1.0 503 Service Unavailable\r\n\r\n").unwrap().unwrap();
        assert!(answer.close);
        assert_eq!(answer.status, 503);
    }

    #[test]
    fn rubbish_is_malformed() {
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), Err(Failure::Malformed));
        assert_eq!(parse(&vec![b'a'; HEAD_MAX + 1]), Err(Failure::Malformed));
    }
}
