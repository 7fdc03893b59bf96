//! Kubernetes as a [`Backend`] that makes instances by count, or replaces them in place, and as the
//! [`Enrolment`] of its pods.
//!
//! In: actions and questions of the engine. Out: outcomes and snapshots. A pool is a `ReplicaSet`, or the pods
//! of one revision in a `StatefulSet` or a `DaemonSet`; an instance is a pod, and a pod gets traffic by a label
//! that the Service's selector asks for; without an engine the workload stays an ordinary one of its kind that
//! heals itself and serves. Where Services must not be touched a readiness gate of the pod takes the place of
//! the label ([`EnrolBy`]). Absent: retries, a poll in steady
//! state, and any touch of an object without our labels.
//!
//! What the account needs, in the namespaces of its workloads:
//!
//! | group | resource | verbs | what for |
//! |---|---|---|---|
//! | `apps` | `replicasets` | get, list, watch | what exists |
//! | `apps` | `replicasets` | create, patch, delete | revisions, sizes and epochs; old revisions without pods |
//! | | `pods` | get, list, watch | what exists |
//! | `apps` | `statefulsets` or `daemonsets` | get, list, watch, create, patch, delete | the same where pods are replaced in place |
//! | | `pods` | patch | the label and the deletion cost |
//! | | `pods` | delete | who is replaced in place, by uid |
//! | | `pods/status` | patch | the same, where a readiness gate takes the place of the label |
//! | | `services` | get | whether their selectors ask for the label, before a rollout begins |
//! | `coordination.k8s.io` | `leases` | get, create, update | who reigns |

mod body;
mod controller;
mod enrol;
mod facts;
mod fence;
mod history;
mod in_place;
mod inventory;
mod options;
mod perform;
mod pin;
mod scale;
mod services;
mod watch;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use rollout_core::{
    engine::{Action, Enrolments, Inventory, Outcome},
    id::{Epoch, WorkloadId},
    port::{Backend, Claim, ClaimError, Confirmation, Enrolment, Making, ObserveError, PinError},
    spec::Counting,
    time::Span,
};
use serde_json::Value;

pub(crate) use self::watch::LIST_EVERY;
pub use self::{
    controller::Controller,
    options::{EnrolBy, Options, driver_options},
    services::{ServiceError, check_services},
    watch::{Scope, Watches},
};
use self::{
    facts::{InPlaceFacts, SetFacts},
    fence::Lost,
    watch::{Key, Stamped},
};
use crate::{outcome::Failed, router::KubernetesRouter};

/// The pods of one namespace, as pools and instances of one workload or of many.
#[derive(Debug)]
pub struct KubernetesBackend {
    watches: Arc<Watches>,
    namespace: String,
    options: Options,
    /// What makes its pods.
    controller: Controller,
    /// `options.min_ready` as it is now, in milliseconds.
    min_ready: Arc<AtomicU64>,
    /// What shares traffic, which hears of reigns and of new revisions.
    router: Option<Arc<KubernetesRouter>>,
}

impl KubernetesBackend {
    /// Works in `namespace`, which `watches` must include.
    #[must_use]
    pub fn new(watches: &Arc<Watches>, namespace: impl Into<String>, options: Options) -> Self {
        Self {
            watches: Arc::clone(watches),
            namespace: namespace.into(),
            min_ready: Arc::new(AtomicU64::new(options.min_ready.as_millis())),
            router: None,
            controller: Controller::default(),
            options,
        }
    }

    /// Works on pods that `controller` makes, as [`Controller::of`] reads it from a template. Must be called
    /// within a tokio runtime.
    #[must_use]
    pub fn with_controller(mut self, controller: Controller) -> Self {
        self.watches.include(controller);
        self.controller = controller;
        self
    }

    /// Tells `router` of every reign, so that it refuses older ones, and of every new revision, so that the
    /// Service that gets no traffic follows it.
    #[must_use]
    pub fn with_router(mut self, router: Arc<KubernetesRouter>) -> Self {
        self.router = Some(router);
        self
    }

    /// Has pods count as available once they are ready for this long.
    pub fn set_min_ready(&self, span: Span) {
        self.min_ready.store(span.as_millis(), Ordering::Relaxed);
    }

    fn key(&self, workload: &WorkloadId) -> Key {
        (self.namespace.clone(), workload.to_string())
    }

    fn options(&self) -> Options {
        Options { min_ready: read(&self.min_ready), ..self.options }
    }

    /// What is asked, for errors.
    fn what(&self, workload: &WorkloadId) -> String {
        format!("`{workload}` in the Kubernetes namespace `{}`", self.namespace)
    }

    /// Begins a reign over what makes the pods.
    async fn reign<F: Stamped>(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, Lost> {
        let (key, cache) = (self.key(workload), &self.watches.cache);
        let known = cache.with(&key, |held| held.epoch());
        let client = &self.watches.client;
        let (reign, sets) =
            fence::claim::<F>(client, &self.namespace, workload, claim, known).await?;
        for set in sets {
            let name = set.name().to_owned();
            cache.answered(&key, &name, set);
        }
        cache.with(&key, |held| held.granted = held.granted.max(reign.epoch));
        Ok(reign.epoch)
    }

    /// What the router's part in a claim has come to.
    fn claimed(&self, workload: &WorkloadId, outcome: Outcome) -> Result<(), ObserveError> {
        let failed = match outcome {
            Outcome::Applied { .. } => return Ok(()),
            Outcome::Refused { why, retry } => Failed::Refused(why.kind, retry, why.detail),
            Outcome::Unknown { why } => Failed::Unknown(why),
        };
        Err(failed.observe(format!("what shares the traffic of {}", self.what(workload))))
    }

    async fn settled(&self, workload: &WorkloadId) -> Result<Key, ObserveError> {
        let key = self.key(workload);
        let settled = self.watches.settled(self.controller, &key).await;
        settled.map_err(|failed| failed.observe(self.what(workload)))?;
        Ok(key)
    }
}

fn read(milliseconds: &AtomicU64) -> Span {
    Span::from_millis(milliseconds.load(Ordering::Relaxed))
}

#[async_trait]
impl Backend for KubernetesBackend {
    fn making(&self) -> Making {
        self.controller.making()
    }

    fn counting(&self) -> Counting {
        match self.controller {
            Controller::ReplicaSet => Counting::Loose,
            Controller::StatefulSet | Controller::DaemonSet => Counting::Strict,
        }
    }

    async fn pin(&self, workload: &WorkloadId, template: &Value) -> Result<Value, PinError> {
        match self.controller {
            Controller::ReplicaSet => pin::pin(self, workload, template).await,
            Controller::StatefulSet => in_place::pin::<StatefulSet>(self, workload, template).await,
            Controller::DaemonSet => in_place::pin::<DaemonSet>(self, workload, template).await,
        }
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        let granted = match self.controller {
            Controller::ReplicaSet => self.reign::<SetFacts>(workload, claim).await,
            Controller::StatefulSet => {
                self.reign::<InPlaceFacts<StatefulSet>>(workload, claim).await
            }
            Controller::DaemonSet => self.reign::<InPlaceFacts<DaemonSet>>(workload, claim).await,
        };
        match granted {
            Ok(epoch) => {
                if let Some(router) = &self.router {
                    self.claimed(workload, router.claim(epoch).await)?;
                }
                Ok(epoch)
            }
            Err(Lost::Owned(error)) => Err(error),
            Err(Lost::Failed(failed)) => Err(failed.observe(self.what(workload)).into()),
        }
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError> {
        let key = self.settled(workload).await?;
        let (controller, options, now) = (self.controller, self.options(), Timestamp::now());
        let newest = self.watches.cache.newest(controller);
        Ok(self.watches.cache.with(&key, |held| match controller {
            Controller::ReplicaSet => inventory::inventory(held, newest, &options, now),
            Controller::StatefulSet | Controller::DaemonSet => {
                in_place::inventory(held, controller, newest, &options, now)
            }
        }))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.attempt(action).await
    }

    fn changes(&self, workload: &WorkloadId) -> BoxStream<'static, ()> {
        let key = self.key(workload);
        let told = self.watches.hints(&key);
        let (cache, options) = (Arc::clone(&self.watches.cache), self.options());
        let min_ready = Arc::clone(&self.min_ready);
        stream::unfold(told, move |mut told| {
            let options = Options { min_ready: read(&min_ready), ..options };
            let now = Timestamp::now();
            let turns = cache.with(&key, |held| inventory::turns_in(held, &options, now));
            async move {
                match turns {
                    Some(turns) => {
                        // A moment later, so that the millisecond is over.
                        let turns = turns.plus(Span::from_millis(1)).to_std();
                        // No answer in time is the hint itself.
                        let told_first = tokio::time::timeout(turns, told.next()).await;
                        told_first.unwrap_or(Some(()))?;
                    }
                    None => told.next().await?,
                }
                Some(((), told))
            }
        })
        .boxed()
    }
}

#[async_trait]
impl Enrolment for KubernetesBackend {
    fn confirmation(&self) -> Confirmation {
        self.options.confirmed()
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Enrolments, ObserveError> {
        let key = self.settled(workload).await?;
        let (controller, now) = (self.controller, Timestamp::now());
        Ok(self.watches.cache.with(&key, |held| inventory::enrolments(held, controller, now)))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.attempt(action).await
    }
}
