//! Hooks as requests to a service that runs the job.
//!
//! The service is told the run as `Idempotency-Key` and must begin it once only. What it answers, to the
//! request and to every look at the address it named:
//!
//! | answer | to the request | to a look |
//! |---|---|---|
//! | 202 with `Location` | begun; asked for there | runs |
//! | another 2xx | begun, and ended well | ended well |
//! | 404, 410 | refused for good | not known any more |
//! | 408, 425, 429, 503 | refused for now, for `Retry-After` if it says so | nobody can say |
//! | another 4xx | refused for good: the hook has failed | ended badly |
//! | anything else, or none | nobody knows; asked again with the same key | nobody can say |
//!
//! A JSON body with `state` (`running`, `succeeded` or `failed`) and `detail` says how a run stands where a
//! service answers every look with 200.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
};
use rollout_core::{
    engine::{Action, Effect, HookState, Outcome, RefusalKind, Retry},
    id::{HookRun, Mark, WorkloadId},
    port::{Hooks, ObserveError},
    spec::Hook,
    time::Span,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    folder::{Folder, FolderError},
    invalid, no_run,
    words::{HookWords, RequestMethod, RequestWords, WordsError, secret},
};
use crate::http::{Answer, Ask, NoAnswer, Url, exchange, header, one_line};

/// What the service said when the run was begun.
const ANSWER: &str = "answer";
/// The key by which the service knows a run.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest wait that a service can ask for.
const RETRY_MOST: Span = Span::from_secs(300);
/// Most characters of what a service says of a failure.
const DETAIL_CHARS_MAX: usize = 400;

/// Sends requests. Where a run is asked for stands in a folder of the run's name.
#[derive(Debug)]
pub struct HttpHooks {
    folder: Folder,
}

/// What is known of a run that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    /// How it ended, if it did so at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<HookState>,
    /// Where it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look: Option<String>,
    /// What a look carries.
    headers: BTreeMap<String, String>,
    /// Headers and the variables that hold their values.
    secret_headers: BTreeMap<String, String>,
}

/// What a body may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Said {
    Running,
    Succeeded,
    Failed {
        #[serde(default)]
        detail: String,
    },
}

impl HttpHooks {
    /// Keeps what is known of runs in `folder`, which is made for its owner alone.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if the folder cannot be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, FolderError> {
        Ok(Self { folder: Folder::open(folder.as_ref())? })
    }

    async fn begin(
        &self,
        action: &Action,
        run: &HookRun,
        hook: &Hook,
        words: &RequestWords,
    ) -> Result<Outcome, WordsError> {
        let url = Url::read(&words.url)?;
        let mut headers = headers(&words.headers, &words.secret_headers)?;
        headers.insert(KEY, value(run.as_str()));
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let body = words.body.clone().unwrap_or_else(|| told(action, run, hook));
        let method = match words.method {
            RequestMethod::Post => Method::POST,
            RequestMethod::Put => Method::PUT,
        };
        let ask = Ask { method, url: &url, headers, body: body.to_string().into() };
        let answer = match exchange(ask).await {
            Ok(answer) => answer,
            Err(NoAnswer::Malformed(why)) => return Ok(invalid(&why)),
            Err(NoAnswer::Unreachable(why)) => {
                return Ok(Outcome::refused(RefusalKind::Unreachable, why, Retry::Backoff));
            }
            Err(NoAnswer::Broken(why)) => return Ok(Outcome::unknown(why)),
        };
        let (ended, look) = match begun(&url, &answer) {
            Ok(begun) => begun,
            Err(outcome) => return Ok(outcome),
        };
        let known = Known {
            ended,
            look: look.map(|url| url.to_string()),
            headers: words.headers.clone(),
            secret_headers: words.secret_headers.clone(),
        };
        Ok(self.keep(run, known).await)
    }

    /// Makes durable what the service said. Where that fails, the same key is sent again.
    async fn keep(&self, run: &HookRun, known: Known) -> Outcome {
        let folder = self.folder.of(run);
        let kept = tokio::task::spawn_blocking(move || {
            folder.make().and_then(|()| folder.write(ANSWER, &known))
        });
        match kept.await {
            Ok(Ok(())) => Outcome::Applied { mark: Mark(0) },
            Ok(Err(error)) => {
                Outcome::unknown(format!("it was begun, and not written down: {error}"))
            }
            Err(error) => Outcome::unknown(error.to_string()),
        }
    }
}

#[async_trait]
impl Hooks for HttpHooks {
    async fn apply(&self, action: &Action) -> Outcome {
        let Effect::Run { run, hook } = &action.effect else {
            return no_run(action);
        };
        // Answered before: the service need not be asked whether it remembers.
        if let Ok(Some(_)) = self.folder.of(run).read::<Known>(ANSWER) {
            return Outcome::Applied { mark: Mark(0) };
        }
        match HookWords::read(&hook.run) {
            Ok(HookWords::Request(words)) => match self.begin(action, run, hook, &words).await {
                Ok(outcome) => outcome,
                Err(error) => invalid(&error),
            },
            Ok(HookWords::Command(_)) => {
                invalid(&"`run` names a command, and only requests are sent here")
            }
            Err(error) => invalid(&error),
        }
    }

    async fn poll(&self, _: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        let failed = |why: String| ObserveError {
            what: format!("hook run {run}"),
            why,
            way_out: "see whether the service that runs it answers".to_owned(),
        };
        let folder = self.folder.of(run);
        let path: PathBuf = folder.path(ANSWER);
        let known = folder.read::<Known>(ANSWER);
        let known = known.map_err(|error| failed(format!("{}: {error}", path.display())))?;
        let (look, known) = match known {
            None => return Ok(HookState::Missing),
            Some(Known { ended: Some(state), .. }) => return Ok(state),
            Some(known) => (known.look.clone().unwrap_or_default(), known),
        };
        let url = Url::read(&look).map_err(|error| failed(error.to_string()))?;
        let headers = headers(&known.headers, &known.secret_headers);
        let mut headers = headers.map_err(|error| failed(error.to_string()))?;
        headers.insert(KEY, value(run.as_str()));
        let ask = Ask { method: Method::GET, url: &url, headers, body: Bytes::new() };
        match exchange(ask).await {
            Ok(answer) => looked(&answer).map_err(failed),
            Err(NoAnswer::Malformed(why) | NoAnswer::Unreachable(why) | NoAnswer::Broken(why)) => {
                Err(failed(why))
            }
        }
    }
}

/// What a request carries that says nothing else.
fn told(action: &Action, run: &HookRun, hook: &Hook) -> Value {
    json!({
        "workload": action.workload,
        "attempt": action.attempt,
        "hook": hook.name,
        "run": run,
    })
}

/// How a run stands after the answer to its request, or where to look; an outcome if it was not begun.
fn begun(url: &Url, answer: &Answer) -> Result<(Option<HookState>, Option<Url>), Outcome> {
    let detail = || answer.detail();
    match answer.status {
        202 => {
            let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location else {
                return Err(Outcome::unknown(
                    "status 202 without a `Location` to ask at; answer 200, or say where",
                ));
            };
            let look = url.join(location);
            // It runs, and nobody can ask for it: repeating cannot help.
            let look = look.map_err(|error| invalid(&format!("`Location`: {error}")))?;
            Ok((None, Some(look)))
        }
        200..=299 => Ok((Some(said(answer).unwrap_or(HookState::Succeeded)), None)),
        408 | 425 | 429 | 503 => {
            Err(Outcome::refused(RefusalKind::Busy, detail(), retry_after(answer)))
        }
        400..=499 => Err(Outcome::refused(RefusalKind::Invalid, detail(), Retry::Never)),
        _ => Err(Outcome::unknown(detail())),
    }
}

/// How a run stands after a look, or why nobody can say.
fn looked(answer: &Answer) -> Result<HookState, String> {
    match answer.status {
        202 => Ok(HookState::Running),
        200..=299 => Ok(said(answer).unwrap_or(HookState::Succeeded)),
        404 | 410 => Ok(HookState::Missing),
        408 | 425 | 429 => Err(answer.detail()),
        400..=499 => Ok(HookState::Failed { detail: answer.detail() }),
        _ => Err(answer.detail()),
    }
}

/// What the body says, if it says anything.
fn said(answer: &Answer) -> Option<HookState> {
    let said = serde_json::from_slice(&answer.body).ok()?;
    Some(match said {
        Said::Running => HookState::Running,
        Said::Succeeded => HookState::Succeeded,
        Said::Failed { detail } => {
            HookState::Failed { detail: one_line(&detail, DETAIL_CHARS_MAX) }
        }
    })
}

/// When the service wants to be asked again: in whole seconds, if it says so.
fn retry_after(answer: &Answer) -> Retry {
    let said = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    match said.and_then(|text| text.trim().parse().ok()) {
        Some(seconds) => Retry::After(Span::from_secs(seconds).min(RETRY_MOST)),
        None => Retry::Backoff,
    }
}

/// Headers by value and by the name of a variable.
fn headers(
    plain: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> Result<HeaderMap, WordsError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let (name, value) = header(name, value).map_err(|why| WordsError::Malformed { why })?;
        headers.insert(name, value);
        Ok::<(), WordsError>(())
    };
    for (name, value) in plain {
        add(name, value)?;
    }
    for (name, variable) in secrets {
        add(name, &secret(variable)?)?;
    }
    Ok(headers)
}

/// A name as a header's value: its characters are all allowed there.
fn value(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).expect("a name is of letters, digits, `-` and `.`")
}
