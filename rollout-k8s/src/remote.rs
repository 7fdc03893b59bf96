//! A `Rollout` object as a person at a terminal sees it: where it stands, and orders to its engine.
//!
//! In: a namespace and a name. Out: the object as the operator tells it; an order's answer. An order stands in
//! an annotation and is taken at most once, so one that was not answered yet is never written over. Absent:
//! anything but reading, that annotation and the scale subresource (verbs `get`, `list`, `watch`, `patch` of
//! `rollouts`, `patch` of `rollouts/scale`).

#[cfg(test)]
mod tests;

use std::{pin::pin, time::Duration};

use futures_util::StreamExt as _;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::watcher,
};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    crd::{OrderRequest, OrderState, Rollout, VERSION},
    labels,
};

/// Longest wait for one answer of the API server.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest wait for an operator to answer an order.
const OPERATOR_WITHIN: Duration = Duration::from_secs(30);
/// Time between two looks at an order.
const LOOK: Duration = Duration::from_millis(200);

/// One `Rollout` object.
#[derive(Clone)]
pub struct Remote {
    api: Api<Rollout>,
    namespace: String,
    name: String,
}

/// Why an object could not be read, or an order was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no such object.
    #[error(
        "there is no Rollout/{name} in the namespace {namespace}; see `kubectl get rollouts --all-namespaces`"
    )]
    NotFound {
        /// Its name.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The cluster does not know the kind.
    #[error(
        "the cluster does not know the kind Rollout ({}/{VERSION}); install its CustomResourceDefinition",
        labels::GROUP
    )]
    NoKind,
    /// The API server did not allow it.
    #[error("{why}; ask for a role that allows it")]
    Forbidden {
        /// Its words.
        why: String,
    },
    /// The API server did not answer, or answered something else.
    #[error("no answer from the cluster: {why}; check the address and the context")]
    Unreachable {
        /// What came instead.
        why: String,
    },
    /// Nobody answered.
    #[error(
        "no operator has answered the order `{id}` of Rollout/{name} within {seconds} s; it stays, and is taken once one runs"
    )]
    Unanswered {
        /// The order.
        id: String,
        /// The object.
        name: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The order changed nothing.
    #[error("{why}")]
    Refused {
        /// The engine's words.
        why: String,
    },
    /// Nobody knows what became of the order.
    #[error("{why}; see with `rollout status` whether it was done, and give it again if not")]
    Unknown {
        /// The operator's words.
        why: String,
    },
}

impl Remote {
    /// The object `name` in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: String, name: String) -> Self {
        Self { api: Api::namespaced(client, &namespace), namespace, name }
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the object.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] if it is not there or cannot be read.
    pub async fn read(&self) -> Result<Rollout, RemoteError> {
        self.answer(self.api.get(&self.name)).await
    }

    /// Returns the object as soon as `is_it` holds, and hears of every change until then.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] if it cannot be read, or is deleted meanwhile.
    pub async fn watch(
        &self,
        mut is_it: impl FnMut(&Rollout) -> bool,
    ) -> Result<Rollout, RemoteError> {
        // What is wrong with the first read is told; the watch behind it retries by itself.
        let first = self.read().await?;
        if is_it(&first) {
            return Ok(first);
        }
        let mut seen = pin!(watcher::watch_object(self.api.clone(), &self.name));
        while let Some(next) = seen.next().await {
            match next {
                Ok(Some(object)) if is_it(&object) => return Ok(object),
                Ok(Some(_)) => (),
                Ok(None) => return Err(self.gone()),
                Err(_) => sleep(LOOK).await,
            }
        }
        Err(self.gone())
    }

    /// Gives an order and waits for its answer; returns what came of it.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] if it was not taken, or nobody knows.
    ///
    /// # Panics
    ///
    /// Never: an order is plain data.
    pub async fn order(&self, request: &OrderRequest) -> Result<String, RemoteError> {
        let text = serde_json::to_string(request).expect("an order is plain data");
        let begun = Instant::now();
        loop {
            let object = self.read().await?;
            let before = object.annotation(labels::ORDER).map(OrderRequest::read);
            let open = before.and_then(|before| {
                let id = before.map_or_else(|(id, _)| id, |before| before.id);
                (answer_of(&object, &id).is_none_or(|(state, _)| state == OrderState::Taken))
                    .then_some(id)
            });
            match open {
                // One that nobody has answered yet is not written over.
                Some(id) if OPERATOR_WITHIN < begun.elapsed() => return Err(self.unanswered(id)),
                Some(_) => sleep(LOOK).await,
                None => {
                    let patch = json!({ "metadata": {
                        "annotations": { labels::ORDER: text },
                        "resourceVersion": object.metadata.resource_version,
                    } });
                    let (params, patch) = (manager(), Patch::Merge(&patch));
                    match self.answer(self.api.patch(&self.name, &params, &patch)).await {
                        Ok(_) => return self.answered(&request.id).await,
                        // Its status was written meanwhile.
                        Err(RemoteError::Unknown { .. }) => (),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    /// Asks for another number of instances, through the scale subresource.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] if it was not taken.
    pub async fn resize(&self, replicas: u64) -> Result<(), RemoteError> {
        let patch = json!({ "spec": { "replicas": replicas } });
        let (params, patch) = (manager(), Patch::Merge(&patch));
        self.answer(self.api.patch_scale(&self.name, &params, &patch)).await.map(drop)
    }

    async fn answered(&self, id: &str) -> Result<String, RemoteError> {
        let begun = Instant::now();
        while begun.elapsed() < OPERATOR_WITHIN {
            let object = self.read().await?;
            match answer_of(&object, id) {
                Some((OrderState::Accepted, message)) => return Ok(message),
                Some((OrderState::Refused, why)) => return Err(RemoteError::Refused { why }),
                Some((OrderState::Unknown, why)) => return Err(RemoteError::Unknown { why }),
                Some((OrderState::Taken, _)) | None => sleep(LOOK).await,
            }
        }
        Err(self.unanswered(id.to_owned()))
    }

    fn unanswered(&self, id: String) -> RemoteError {
        let seconds = OPERATOR_WITHIN.as_secs();
        RemoteError::Unanswered { id, name: self.name.clone(), seconds }
    }

    fn gone(&self) -> RemoteError {
        RemoteError::NotFound { name: self.name.clone(), namespace: self.namespace.clone() }
    }

    /// The one table from answers to errors.
    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, RemoteError> {
        match timeout(ANSWER_WITHIN, asked).await {
            Err(_) => {
                let why = format!("nothing within {} s", ANSWER_WITHIN.as_secs());
                Err(RemoteError::Unreachable { why })
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) => {
                let why = status.message.clone();
                Err(match status.code {
                    404 if status.details.as_ref().is_none_or(|it| it.name.is_empty()) => {
                        RemoteError::NoKind
                    }
                    404 => self.gone(),
                    409 => RemoteError::Unknown { why },
                    401 | 403 => RemoteError::Forbidden { why },
                    400..=499 => RemoteError::Refused { why },
                    _ => RemoteError::Unreachable { why },
                })
            }
            Ok(Err(error)) => Err(RemoteError::Unreachable { why: error.to_string() }),
        }
    }
}

fn manager() -> PatchParams {
    PatchParams { field_manager: Some(labels::FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// The answer to the order `id`, as far as there is one.
fn answer_of(object: &Rollout, id: &str) -> Option<(OrderState, String)> {
    let answer = object.status.as_ref()?.order.as_ref().filter(|answer| answer.id == id)?;
    Some((answer.state, answer.message.clone()))
}
