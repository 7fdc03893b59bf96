//! Modules over HTTP: one address that takes the whole setting and tells what is in force.
//!
//! `PUT` carries `{"set": {"degraded": [..], "breaker": {"timeout": "3s"}}, "epoch": 4, "action": 17}`; any 2xx
//! takes it, 409 says that a newer epoch has written since. `GET` answers `{"set": {..}, "degraded": [..]}`: the
//! setting that was put last and is in force, and every module that is degraded now, by whomever. Absent:
//! what a module is, which is the workload's own business.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use rollout_core::{
    engine::{Action, Effect, ModuleSetting, ModulesInForce, Outcome, RefusalKind, Retry},
    id::{Mark, WorkloadId},
    port::{Modules, ObserveError},
};
use serde::Deserialize;
use serde_json::json;

use crate::http::{Answer, Ask, NoAnswer, Url, UrlError, exchange};

/// Sets and reads modules at one address.
#[derive(Debug)]
pub struct HttpModules {
    url: Url,
    /// Writes that were acknowledged.
    mark: AtomicU64,
}

/// What the address tells.
#[derive(Debug, Deserialize)]
struct InForce {
    #[serde(default)]
    set: ModuleSetting,
    #[serde(default)]
    degraded: std::collections::BTreeSet<String>,
}

impl HttpModules {
    /// Speaks to `url`, plain `http`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what is wrong with the address.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        Ok(Self { url: Url::read(url)?, mark: AtomicU64::new(0) })
    }

    async fn ask(&self, method: Method, body: Bytes) -> Result<Answer, NoAnswer> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        exchange(Ask { method, url: &self.url, headers, body }).await
    }
}

#[async_trait]
impl Modules for HttpModules {
    async fn observe(&self, _: &WorkloadId) -> Result<ModulesInForce, ObserveError> {
        let failed = |why: String| ObserveError {
            what: format!("the modules at {}", self.url),
            why,
            way_out: "see whether it answers, and what".to_owned(),
        };
        // Taken before the question, so that the answer shows every write up to it.
        let mark = Mark(self.mark.load(Ordering::SeqCst));
        let answer = self.ask(Method::GET, Bytes::new()).await;
        let answer = answer.map_err(|error| match error {
            NoAnswer::Malformed(why) | NoAnswer::Unreachable(why) | NoAnswer::Broken(why) => {
                failed(why)
            }
        })?;
        if !(200..300).contains(&answer.status) || answer.is_cut {
            return Err(failed(answer.detail()));
        }
        let told: InForce = serde_json::from_slice(&answer.body)
            .map_err(|error| failed(format!("{error}: {}", answer.detail())))?;
        Ok(ModulesInForce { mark, setting: told.set, degraded: told.degraded })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        let refused = |kind, why: String, retry| Outcome::refused(kind, why, retry);
        let Effect::Modules(setting) = &action.effect else {
            let why = format!("`{action}` sets no modules");
            return refused(RefusalKind::Invalid, why, Retry::Never);
        };
        let body = json!({ "set": setting, "epoch": action.epoch, "action": action.id });
        let answer = match self.ask(Method::PUT, body.to_string().into()).await {
            Ok(answer) => answer,
            Err(NoAnswer::Malformed(why)) => {
                return refused(RefusalKind::Invalid, why, Retry::Never);
            }
            Err(NoAnswer::Unreachable(why)) => {
                return refused(RefusalKind::Unreachable, why, Retry::Backoff);
            }
            Err(NoAnswer::Broken(why)) => return Outcome::unknown(why),
        };
        let detail = answer.detail();
        match answer.status {
            200..=299 => {
                Outcome::Applied { mark: Mark(1 + self.mark.fetch_add(1, Ordering::SeqCst)) }
            }
            409 => refused(RefusalKind::Fenced, detail, Retry::Never),
            408 | 425 | 429 | 503 => refused(RefusalKind::Busy, detail, Retry::Backoff),
            400..=499 => refused(RefusalKind::Invalid, detail, Retry::Never),
            _ => Outcome::unknown(detail),
        }
    }
}
