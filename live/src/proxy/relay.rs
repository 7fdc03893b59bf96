//! Relay: takes requests in, passes them on, and brings the answers back, unless a fault says otherwise.
//!
//! In: connections. Out: answers, and notes of what was seen.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::sync::watch;

use super::{
    body::{self, Answer, Broken},
    fault::{Fault, Seen, Trouble, Which},
};

/// What every connection shares.
pub(super) struct Shared {
    client: kube::Client,
    faults: Mutex<Vec<Fault>>,
    seen: Mutex<Vec<Seen>>,
    mood: watch::Sender<Mood>,
}

/// What happens to watches under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mood {
    /// They end.
    pub(super) is_cut: bool,
    /// They wait.
    pub(super) is_silent: bool,
    /// How often the proxy was healed.
    pub(super) heals: u64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("faults", &self.faults).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(client: kube::Client) -> Self {
        let (faults, seen) = (Mutex::default(), Mutex::default());
        Self { client, faults, seen, mood: watch::Sender::default() }
    }

    pub(super) fn inject(&self, fault: Fault) {
        let mut faults = lock(&self.faults);
        faults.push(fault);
        self.mood.send_modify(|mood| mood.follow(&faults));
    }

    pub(super) fn heal(&self) {
        lock(&self.faults).clear();
        self.mood.send_modify(|mood| *mood = Mood { heals: mood.heals + 1, ..Mood::default() });
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// The trouble that `seen` meets; one that is not for ever is used up by it.
    fn trouble(&self, seen: &Seen) -> Option<Trouble> {
        let mut faults = lock(&self.faults);
        let at = faults.iter_mut().position(|fault| fault.takes(seen))?;
        let trouble = faults[at].trouble;
        match faults[at].times.as_mut() {
            None => (),
            Some(times) if 1 < *times => *times -= 1,
            Some(_) => drop(faults.remove(at)),
        }
        self.mood.send_modify(|mood| mood.follow(&faults));
        Some(trouble)
    }

    /// Notes a request that came, and returns its place.
    fn note(&self, seen: Seen) -> usize {
        let mut all = lock(&self.seen);
        all.push(seen);
        all.len() - 1
    }
}

impl Mood {
    /// What lasting faults mean for watches under way.
    fn follow(&mut self, faults: &[Fault]) {
        let has = |trouble: Trouble| {
            faults.iter().any(|fault| {
                let is_about_watches = match fault.which {
                    Which::All | Which::Reads | Which::Watches => true,
                    Which::Writes | Which::WritesTo(_) => false,
                };
                fault.trouble == trouble && fault.times.is_none() && is_about_watches
            })
        };
        (self.is_cut, self.is_silent) = (has(Trouble::Cut), has(Trouble::Silence));
    }
}

/// Takes connections until it is dropped.
pub(super) async fn serve(shared: &Arc<Shared>, listener: std::net::TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return; // Its port is closed, which every client notices.
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue; // The client was gone before it was accepted.
        };
        // An answer's head goes before its body, and would hold it back until it is acknowledged: 40 ms.
        stream.set_nodelay(true).ok();
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let service = service_fn(|request| pass(Arc::clone(&shared), request));
            // A connection that ends badly is what this proxy is for.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// One request. An error ends its connection.
async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Answer>, Broken> {
    let uri = request.uri();
    let mut seen = Seen::new(request.method().as_str(), uri.path(), uri.query());
    seen.trouble = shared.trouble(&seen);
    let place = shared.note(seen.clone());
    let result = harmed(&shared, request, &seen).await;
    let status = result.as_ref().ok().map(|answer| answer.status().as_u16());
    lock(&shared.seen)[place].status = status;
    result
}

async fn harmed(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    seen: &Seen,
) -> Result<Response<Answer>, Broken> {
    match seen.trouble {
        None => (),
        Some(Trouble::Cut) => return Err(Broken),
        Some(Trouble::Refuse { status, retry_after }) => return Ok(refusal(status, retry_after)),
        Some(Trouble::HoldAnswer) => {
            let mut mood = shared.mood.subscribe();
            let answer = forward(shared, request).await?;
            body::until_healed(&mut mood).await;
            return Ok(answer.map(|answer| body::relayed(answer, None)));
        }
        Some(Trouble::LoseAnswer) => {
            // Its answer is read to the end: it was done.
            let answer = forward(shared, request).await?;
            answer.into_body().collect().await.map_err(|_| Broken)?;
            return Err(Broken);
        }
        Some(Trouble::Delay(span)) => tokio::time::sleep(span).await,
        Some(Trouble::Silence) => body::until_healed(&mut shared.mood.subscribe()).await,
    }
    let answer = forward(shared, request).await?;
    let mood = seen.is_watch.then(|| shared.mood.subscribe());
    Ok(answer.map(|answer| body::relayed(answer, mood)))
}

async fn forward(shared: &Shared, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    let (mut parts, incoming) = request.into_parts();
    for header in [HOST, CONNECTION] {
        parts.headers.remove(header);
    }
    let bytes = incoming.collect().await.map_err(|_| Broken)?.to_bytes();
    let request = Request::from_parts(parts, Body::from(bytes));
    shared.client.send(request).await.map_err(|_| Broken)
}

/// A refusal as the API server words it.
fn refusal(status: u16, retry_after: Option<u32>) -> Response<Answer> {
    let reason = match status {
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let text = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "the test bed says so", "reason": reason, "code": status,
        "details": { "retryAfterSeconds": retry_after.unwrap_or_default() },
    });
    let mut answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    if let Some(seconds) = retry_after {
        answer = answer.header(RETRY_AFTER, seconds);
    }
    let whole = body::whole(text.to_string());
    answer.body(whole).expect("a status code of three digits and plain headers")
}

/// Nothing can go wrong in reading a text.
pub(super) fn never(why: Infallible) -> Broken {
    match why {}
}
