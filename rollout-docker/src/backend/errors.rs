//! The one table from the Docker client's errors to outcomes.
//!
//! "Already so" never comes this far, except as 304. What was answered with a refusal was not done;
//! what was not answered, or answered with a failure of the daemon itself, is unknown.

use std::{error::Error as _, io};

use bollard::errors::Error;
use rollout_core::{
    engine::{Outcome, RefusalKind, Retry},
    id::Mark,
};

/// What an error means for the attempt that got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is so already.
    AlreadySo,
    /// It was not done.
    Refused(RefusalKind, Retry),
    /// Nobody knows.
    Unknown,
}

/// The table.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the client's errors differ with its features; whatever is not named here is unknown"
)]
pub(crate) fn meaning(error: &Error) -> Meaning {
    match error {
        Error::DockerResponseServerError { status_code, .. } => of_status(*status_code),
        Error::SocketNotFoundError(_) | Error::UnsupportedURISchemeError { .. } => {
            Meaning::Refused(RefusalKind::Unreachable, Retry::Backoff)
        }
        // The request could not be written down, so it was never sent.
        Error::JsonSerdeError { .. }
        | Error::URLEncodedError { .. }
        | Error::URLParseError { .. }
        | Error::InvalidURIError { .. }
        | Error::InvalidURIPartsError { .. } => {
            Meaning::Refused(RefusalKind::Invalid, Retry::Never)
        }
        Error::HyperLegacyError { err } if err.is_connect() => {
            if refused_by_permission(err) {
                Meaning::Refused(RefusalKind::Denied, Retry::Backoff)
            } else {
                Meaning::Refused(RefusalKind::Unreachable, Retry::Backoff)
            }
        }
        // Timeouts, broken connections and answers nobody can read: it may have been done.
        _ => Meaning::Unknown,
    }
}

/// What an HTTP status of the daemon means.
fn of_status(status: u16) -> Meaning {
    match status {
        304 => Meaning::AlreadySo,
        400 | 405 | 406 | 413 | 415 | 422 => Meaning::Refused(RefusalKind::Invalid, Retry::Never),
        401 | 403 => Meaning::Refused(RefusalKind::Denied, Retry::Never),
        404 | 410 => Meaning::Refused(RefusalKind::Missing, Retry::Never),
        409 => Meaning::Refused(RefusalKind::Conflict, Retry::Backoff),
        429 | 503 => Meaning::Refused(RefusalKind::Busy, Retry::Backoff),
        // 500 covers both "not done" and "half done", such as a start whose process ran and died.
        _ => Meaning::Unknown,
    }
}

/// Whether the socket is there but may not be used.
fn refused_by_permission(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return io.kind() == io::ErrorKind::PermissionDenied;
        }
        cause = error.source();
    }
    false
}

/// The outcome of an attempt that got `error`; `mark` is that of an acknowledged write.
pub(crate) fn outcome(error: &Error, mark: impl FnOnce() -> Mark) -> Outcome {
    match meaning(error) {
        Meaning::AlreadySo => Outcome::Applied { mark: mark() },
        Meaning::Refused(kind, retry) => Outcome::refused(kind, words(error), retry),
        Meaning::Unknown => Outcome::unknown(words(error)),
    }
}

/// The daemon's own words, on one line.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error says itself what it is")]
pub(crate) fn words(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { status_code, message } => {
            format!("docker answered {status_code}: {message}")
        }
        Error::SocketNotFoundError(path) => format!("there is no docker socket at {path}"),
        Error::RequestTimeoutError => "docker did not answer in time".to_owned(),
        other => {
            let mut text = other.to_string();
            let mut cause = other.source();
            while let Some(error) = cause {
                let more = error.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                cause = error.source();
            }
            text
        }
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16) -> Error {
        Error::DockerResponseServerError { status_code, message: "so\n it is".to_owned() }
    }

    #[test]
    fn every_status_has_its_meaning() {
        use Meaning::{AlreadySo, Refused, Unknown};
        for (status, expected) in [
            (304, AlreadySo),
            (400, Refused(RefusalKind::Invalid, Retry::Never)),
            (401, Refused(RefusalKind::Denied, Retry::Never)),
            (403, Refused(RefusalKind::Denied, Retry::Never)),
            (404, Refused(RefusalKind::Missing, Retry::Never)),
            (409, Refused(RefusalKind::Conflict, Retry::Backoff)),
            (429, Refused(RefusalKind::Busy, Retry::Backoff)),
            (500, Unknown),
            (502, Unknown),
            (503, Refused(RefusalKind::Busy, Retry::Backoff)),
            (504, Unknown),
        ] {
            assert_eq!(meaning(&answer(status)), expected, "{status}");
        }
    }

    #[test]
    fn not_reached_and_not_answered_differ() {
        assert_eq!(
            meaning(&Error::SocketNotFoundError("/x".to_owned())),
            Meaning::Refused(RefusalKind::Unreachable, Retry::Backoff)
        );
        assert_eq!(meaning(&Error::RequestTimeoutError), Meaning::Unknown);
        assert_eq!(words(&answer(500)), "docker answered 500: so it is");
        assert_eq!(outcome(&answer(304), || Mark(7)), Outcome::Applied { mark: Mark(7) });
    }
}
