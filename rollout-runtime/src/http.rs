//! A small HTTP client for adapters: one request on a connection of its own, one answer, its body cut.
//!
//! In: an address and what to send. Out: the answer, or how far the attempt got. Absent: TLS, redirects,
//! kept connections, deadlines (they are the driver's) and a second attempt (that is the engine's).

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Uri,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// Most bytes of an answer's body that are kept; the rest is not read.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// The port of an address that names none.
const PORT: u16 = 80;

/// Where to ask, such as `http://jobs:8080/run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url(Uri);

/// An address that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is none.
    #[error("`{url}` is no address: {why}; write it as `http://host:8080/path`")]
    Malformed {
        /// The text as given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// It asks for another protocol.
    #[error(
        "`{url}` asks for `{scheme}`, only plain `http` is spoken here; put a proxy that speaks {scheme} beside the engine, or run a command such as `curl`"
    )]
    Scheme {
        /// The text as given.
        url: String,
        /// The protocol.
        scheme: String,
    },
    /// It holds a user and a password. They are not shown.
    #[error(
        "an address holds a user or a password before `@{host}`; an address is recorded, so put them into a header that is taken from the environment"
    )]
    Credentials {
        /// What stands after them.
        host: String,
    },
}

impl Url {
    /// Reads an address.
    pub(crate) fn read(text: &str) -> Result<Self, UrlError> {
        let malformed =
            |why: &str| UrlError::Malformed { url: text.to_owned(), why: why.to_owned() };
        let authority = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((_, host)) = authority.rsplit_once('@') {
            return Err(UrlError::Credentials { host: host.to_owned() });
        }
        let uri: Uri = text.parse().map_err(|error| malformed(&format!("{error}")))?;
        match uri.scheme_str() {
            Some("http") => (),
            Some(scheme) => {
                return Err(UrlError::Scheme { url: text.to_owned(), scheme: scheme.to_owned() });
            }
            None => return Err(malformed("it does not begin with `http://`")),
        }
        match uri.host() {
            Some(host) if !host.is_empty() => Ok(Self(uri)),
            Some(_) | None => Err(malformed("it names no host")),
        }
    }

    /// Reads an address that may be relative to this one: whole, or a path from the root.
    pub(crate) fn join(&self, text: &str) -> Result<Self, UrlError> {
        let authority = self.0.authority().map(ToString::to_string).unwrap_or_default();
        match text.strip_prefix('/') {
            Some(path) => Self::read(&format!("http://{authority}/{path}")),
            None => Self::read(text),
        }
    }

    /// This address with `query` pairs at its end, each escaped.
    pub(crate) fn with_query(&self, path: &str, pairs: &[(&str, &str)]) -> Result<Self, UrlError> {
        let text = self.to_string();
        let base = text.split('?').next().unwrap_or_default().trim_end_matches('/');
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        Self::read(&format!("{base}{path}?{}", pairs.join("&")))
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Escapes everything but what every address may hold.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

/// What is sent.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, or as much of it as is kept.
    pub(crate) body: Bytes,
    /// Whether the body was longer than what is kept.
    pub(crate) is_cut: bool,
}

/// An attempt without an answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It cannot be sent at all.
    Malformed(String),
    /// It never left this side.
    Unreachable(String),
    /// It may have arrived.
    Broken(String),
}

impl Answer {
    /// The status, and the beginning of the body on one line, for people.
    pub(crate) fn detail(&self) -> String {
        let text = one_line(&String::from_utf8_lossy(&self.body), DETAIL_CHARS_MAX);
        if text.is_empty() {
            return format!("status {}", self.status);
        }
        format!("status {}: {text}", self.status)
    }
}

/// Most characters of a body that are shown.
const DETAIL_CHARS_MAX: usize = 300;

/// The first `limit` characters of `text` on one line, without control characters.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(limit).collect()
}

/// Makes one attempt.
pub(crate) async fn exchange(ask: Ask<'_>) -> Result<Answer, NoAnswer> {
    let uri = &ask.url.0;
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(PORT);
    let request = request(&ask).map_err(|error| NoAnswer::Malformed(error.to_string()))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| NoAnswer::Unreachable(format!("connect to {host}:{port}: {error}")))?;
    let broken = |error: hyper::Error| NoAnswer::Broken(format!("no answer: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Dropping the set hangs up, whatever the answer was, and when the caller gives up as well.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let (parts, body) = response.into_parts();
    let (body, is_cut) = read(body).await.map_err(broken)?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, is_cut })
}

fn request(ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let uri = &ask.url.0;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(ask.method.clone())
        .uri(path)
        .body(Full::new(ask.body.clone()))?;
    let headers = request.headers_mut();
    headers.extend(ask.headers.clone());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    headers.insert(HOST, HeaderValue::try_from(authority)?);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("rollout"));
    Ok(request)
}

/// Reads a body as far as it is kept.
async fn read(mut body: Incoming) -> hyper::Result<(Bytes, bool)> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = BODY_BYTES_MAX - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if room < data.len() {
            return Ok((kept.into(), true));
        }
    }
    Ok((kept.into(), false))
}

/// Reads a header of a spec or an option.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let read = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"));
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value of header `{name}` has a character that none may have"))?;
    value.set_sensitive(true);
    Ok((read?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_the_way_out() {
        for good in ["http://jobs", "http://10.0.0.1:8080/run?x=1", "http://[::1]:80/"] {
            assert!(Url::read(good).is_ok(), "{good}");
        }
        for (bad, words) in [
            ("jobs:8080", "does not begin with `http://`"),
            ("/run", "does not begin with `http://`"),
            ("https://jobs/run", "a proxy that speaks https"),
            ("http://", "is no address"),
            ("http://a b/", "is no address"),
        ] {
            let error = Url::read(bad).unwrap_err().to_string();
            assert!(error.contains(words), "{bad}: {error}");
        }
        let error = Url::read("http://ann:hunter2@jobs/run").unwrap_err().to_string();
        assert!(error.contains("@jobs") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_relative_address_and_a_query_are_joined() {
        let url = Url::read("http://jobs:8080/run?x=1").unwrap();
        assert_eq!(url.join("/runs/7").unwrap().to_string(), "http://jobs:8080/runs/7");
        assert_eq!(url.join("http://other/1").unwrap().to_string(), "http://other/1");
        assert!(url.join("runs/7").is_err());
        let query = url.with_query("/api/v1/query", &[("query", "rate(a{b=\"c\"}[5m])")]).unwrap();
        let text = "http://jobs:8080/run/api/v1/query?query=rate%28a%7Bb%3D%22c%22%7D%5B5m%5D%29";
        assert_eq!(query.to_string(), text);
    }

    #[test]
    fn text_of_others_is_shown_on_one_line() {
        assert_eq!(one_line("a\r\n\x1b[31m  b\tc", 5), "a [31");
    }
}
