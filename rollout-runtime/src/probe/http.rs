//! The HTTP probe: one GET on a connection of its own; a status of 200 to 399 is healthy.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use rollout_core::spec::HttpProbe;
use tokio::{net::TcpStream, task::JoinSet};

use super::Answer;

/// Most bytes of an answer's body that are read; what is longer is cut.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Sends one GET and judges the status.
pub(super) async fn ask(address: IpAddr, probe: &HttpProbe) -> Answer {
    let request = match request(address, probe) {
        Ok(request) => request,
        Err(error) => return Answer::unhealthy(format!("the probe makes no request: {error}")),
    };
    let stream = match TcpStream::connect((address, probe.port)).await {
        Ok(stream) => stream,
        Err(error) => {
            return Answer::unhealthy(format!("connect to port {}: {error}", probe.port));
        }
    };
    match exchange(stream, request).await {
        Ok(status) if (200..400).contains(&status) => Answer::healthy(format!("status {status}")),
        Ok(status) => Answer::unhealthy(format!("status {status}")),
        Err(error) => Answer::unhealthy(format!("no answer: {error}")),
    }
}

fn request(
    address: IpAddr,
    probe: &HttpProbe,
) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let mut request = Request::get(&probe.path).body(Empty::new())?;
    let host = SocketAddr::new(address, probe.port).to_string();
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(host)?);
    headers.insert(USER_AGENT, HeaderValue::from_static("rollout-probe"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in &probe.headers {
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(request)
}

/// Returns the status of the answer, once its body was read or cut.
async fn exchange(stream: TcpStream, request: Request<Empty<Bytes>>) -> hyper::Result<u16> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Dropping the set hangs up, whatever the answer was, and when the caller gives up as well.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    read_body(response).await?;
    Ok(status)
}

async fn read_body(response: Response<Incoming>) -> hyper::Result<()> {
    match Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await {
        Ok(_) => Ok(()),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(broken) => Err(*broken),
            Err(_) => Ok(()), // Longer than the limit: the status has said enough.
        },
    }
}
