//! `/metrics`, `/healthz` and `/readyz`.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};
use tracing::debug;

use super::{metrics::Metrics, run::OperatorError};

/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A client that says nothing for this long is gone.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// A server that has its address.
pub(super) struct Server {
    listener: TcpListener,
    metrics: Arc<Metrics>,
}

/// Takes the address.
pub(super) async fn listen(
    address: SocketAddr,
    metrics: Arc<Metrics>,
) -> Result<Server, OperatorError> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Server { listener, metrics }),
        Err(error) => Err(OperatorError::Listen { address, why: error.to_string() }),
    }
}

impl Server {
    /// Answers until dropped.
    pub(super) async fn serve(self) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, mostly: some will be free again.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let metrics = Arc::clone(&self.metrics);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(&request, &metrics);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_WITHIN)
                    .serve_connection(TokioIo::new(stream), service);
                if let Err(error) = served.await {
                    debug!(%error, "connection ended");
                }
            });
        }
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let plain = "text/plain; charset=utf-8";
    let (status, kind, body) = match request.uri().path() {
        "/metrics" => (StatusCode::OK, OPEN_METRICS, metrics.text()),
        "/healthz" => (StatusCode::OK, plain, "ok\n".to_owned()),
        "/readyz" if metrics.ready() => (StatusCode::OK, plain, "ok\n".to_owned()),
        "/readyz" => {
            let why = "the rollouts have not been listed yet\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, plain, why)
        }
        _ => {
            let known = "/metrics, /healthz and /readyz are here\n".to_owned();
            (StatusCode::NOT_FOUND, plain, known)
        }
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("it is a header's value"));
    response
}
