//! The total table from the API server's answers to outcomes, for every adapter of this crate.
//!
//! In: one call. Out: its answer, or what the attempt has come to. What was answered with a refusal was not
//! done; what was not answered, or answered with a failure of the server itself, is unknown. "Already so"
//! is not an error here: whoever makes the call knows it by its own. Absent: retries.

mod words;

use std::{error::Error as _, io};

use kube::{Error, core::Status};
use rollout_core::{
    engine::{Outcome, RefusalKind, Retry},
    port::ObserveError,
    time::Span,
};

pub(crate) use self::words::words;

/// Longest wait for one answer of the API server.
pub(crate) const ANSWER_WITHIN: Span = Span::from_secs(10);

/// Wait after "too many requests" where the answer names none: what API Priority and Fairness says in the
/// `Retry-After` header, which the client does not pass on.
const BUSY_FOR: Span = Span::from_secs(1);

/// Why an attempt did not make it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It was not done.
    Refused(RefusalKind, Retry, String),
    /// Nobody knows.
    Unknown(String),
}

impl Failed {
    /// A refusal for good.
    pub(crate) fn never(kind: RefusalKind, why: impl Into<String>) -> Self {
        Self::Refused(kind, Retry::Never, why.into())
    }

    /// A refusal that may be mended by itself.
    pub(crate) fn now(kind: RefusalKind, why: impl Into<String>) -> Self {
        Self::Refused(kind, Retry::Backoff, why.into())
    }

    /// What the attempt has come to.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Refused(kind, retry, why) => Outcome::refused(kind, why, retry),
            Self::Unknown(why) => Outcome::unknown(why),
        }
    }

    /// Why nothing could be observed; `what` was asked.
    pub(crate) fn observe(self, what: impl Into<String>) -> ObserveError {
        let way_out = match &self {
            Self::Refused(RefusalKind::Denied, ..) => {
                "allow it by a Role, or use a context that may"
            }
            Self::Refused(..) | Self::Unknown(_) => {
                "make the cluster answer, or choose another with `--context`"
            }
        };
        let (Self::Refused(_, _, why) | Self::Unknown(why)) = self;
        ObserveError { what: what.into(), why, way_out: way_out.to_owned() }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let why = words(&error);
        match meaning(&error) {
            Some((kind, retry)) => Self::Refused(kind, retry, why),
            None => Self::Unknown(why),
        }
    }
}

/// The answer to one call, or what came of it within [`ANSWER_WITHIN`].
pub(crate) async fn ask<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
    match tokio::time::timeout(ANSWER_WITHIN.to_std(), call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            Err(Failed::Unknown(format!("the API server did not answer within {ANSWER_WITHIN}")))
        }
    }
}

/// The same for what need not be there.
pub(crate) async fn ask_for<T>(
    call: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Failed> {
    ask(async {
        match call.await {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    })
    .await
}

/// The table: kind and retry of a refusal; `None`: nobody knows whether it was done.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the client's errors differ with its features; whatever is not named here is unknown"
)]
fn meaning(error: &Error) -> Option<(RefusalKind, Retry)> {
    match error {
        Error::Api(status) => of_status(status),
        // The request could not be written down, so it was never sent.
        Error::BuildRequest(_) | Error::HttpError(_) | Error::TlsRequired => {
            Some((RefusalKind::Invalid, Retry::Never))
        }
        // The token or the certificate could not be had, so it was never sent.
        Error::Auth(_) => Some((RefusalKind::Denied, Retry::Backoff)),
        Error::ProxyProtocolUnsupported { .. } | Error::ProxyProtocolDisabled { .. } => {
            Some((RefusalKind::Unreachable, Retry::Never))
        }
        Error::Service(cause) if not_reached(&**cause) => {
            Some((RefusalKind::Unreachable, Retry::Backoff))
        }
        Error::HyperError(cause) if not_reached(cause) => {
            Some((RefusalKind::Unreachable, Retry::Backoff))
        }
        // Broken connections and answers nobody can read: it may have been done.
        _ => None,
    }
}

/// What a status of the API server means.
fn of_status(status: &Status) -> Option<(RefusalKind, Retry)> {
    let wait = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let wait = (0 < wait).then(|| Retry::After(Span::from_secs(u64::from(wait))));
    match status.code {
        // Policies answer with what is otherwise a mistake in a field.
        422 if words::is_denial(status) => Some((RefusalKind::Denied, Retry::Backoff)),
        400 | 405 | 406 | 413 | 415 | 422 => Some((RefusalKind::Invalid, Retry::Never)),
        403 if words::is_forbidden_by_role(status) => Some((RefusalKind::Denied, Retry::Never)),
        // Tokens are renewed, and room in a quota comes and goes; a permission does not.
        401 | 403 => Some((RefusalKind::Denied, Retry::Backoff)),
        404 | 410 => Some((RefusalKind::Missing, Retry::Backoff)),
        409 => Some((RefusalKind::Conflict, wait.unwrap_or(Retry::Backoff))),
        429 => Some((RefusalKind::Busy, wait.unwrap_or(Retry::After(BUSY_FOR)))),
        503 => Some((RefusalKind::Busy, wait.unwrap_or(Retry::Backoff))),
        // 500 and 504 cover both "not done" and "done, but the answer was lost on the way".
        _ => None,
    }
}

/// Whether no connection was made, so that nothing was sent.
fn not_reached(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return matches!(
                io.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            );
        }
        if error.to_string().contains("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The error's text with all its causes, each once.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
