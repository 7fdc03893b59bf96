//! Kubernetes as a [`Backend`] that makes instances by count, and as the [`Enrolment`] of its pods.
//!
//! In: actions and questions of the engine. Out: outcomes and snapshots. A pool is a `ReplicaSet`, an instance
//! is a pod, and a pod gets traffic by a label that the Service's selector asks for; without an engine the
//! workload stays an ordinary `ReplicaSet` that heals itself and serves. Where Services must not be touched a readiness
//! gate of the pod takes the place of the label ([`EnrolBy`]). Absent: retries, a poll in steady
//! state, and any touch of an object without our labels.
//!
//! What the account needs, in the namespaces of its workloads:
//!
//! | group | resource | verbs | what for |
//! |---|---|---|---|
//! | `apps` | `replicasets` | get, list, watch | what exists |
//! | `apps` | `replicasets` | create, patch, delete | revisions, sizes and epochs; old revisions without pods |
//! | | `pods` | get, list, watch | what exists |
//! | | `pods` | patch | the label and the deletion cost |
//! | | `pods/status` | patch | the same, where a readiness gate takes the place of the label |
//! | | `services` | get | whether their selectors ask for the label, before a rollout begins |
//! | `coordination.k8s.io` | `leases` | get, create, update | who reigns |

mod body;
mod enrol;
mod facts;
mod fence;
mod history;
mod inventory;
mod options;
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
use rollout_core::{
    engine::{Action, Effect, Enrolments, Inventory, Outcome, RefusalKind},
    id::{Epoch, Mark, WorkloadId},
    port::{Backend, Claim, ClaimError, Confirmation, Enrolment, Making, ObserveError, PinError},
    spec::Counting,
    time::Span,
};
use serde_json::Value;

pub(crate) use self::watch::LIST_EVERY;
use self::{
    facts::{Facts as _, SetFacts},
    fence::Lost,
    watch::Key,
};
pub use self::{
    options::{EnrolBy, Options},
    services::{ServiceError, check_services},
    watch::{Scope, Watches},
};
use crate::{outcome::Failed, router::KubernetesRouter};

/// Longest wait for the end of one attempt, which is up to four calls.
const ATTEMPT_WITHIN: Span = Span::from_secs(20);

/// The pods of one namespace, as pools and instances of one workload or of many.
#[derive(Debug)]
pub struct KubernetesBackend {
    watches: Arc<Watches>,
    namespace: String,
    options: Options,
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
            options,
        }
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

    /// The refusal of an older reign's order; `set` was stamped by a newer one.
    fn fenced(&self, action: &Action, set: &SetFacts) -> Failed {
        let epoch = set.epoch().unwrap_or_default();
        Failed::never(
            RefusalKind::Fenced,
            format!(
                "{epoch} has begun in namespace `{}`, this order is of {}",
                self.namespace, action.epoch
            ),
        )
    }

    /// Refuses `action` if a newer engine is known to reign; whoever is not known yet is found by the
    /// conditions of the write itself.
    fn fence(&self, key: &Key, action: &Action) -> Result<(), Failed> {
        let epoch = self.watches.cache.with(key, |held| held.epoch());
        if epoch <= action.epoch {
            return Ok(());
        }
        Err(Failed::never(
            RefusalKind::Fenced,
            format!(
                "{epoch} of `{}` has begun, this order is of {}",
                action.workload, action.epoch
            ),
        ))
    }

    /// One attempt, without deadline.
    async fn perform(&self, action: &Action) -> Result<Mark, Failed> {
        let key = self.key(&action.workload);
        self.fence(&key, action)?;
        let workload = &action.workload;
        match &action.effect {
            Effect::Scale { revision, replicas } => {
                scale::scale(self, &key, action, revision, *replicas).await
            }
            Effect::Drain { instance } => {
                enrol::drain(self, &key, workload, instance, action.id).await
            }
            Effect::Enrol { instance, .. } => enrol::enrol(self, &key, workload, instance).await,
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. } => {
                Err(invalid("a ReplicaSet makes and removes pods by count, not by name"))
            }
            Effect::Detach { .. } => {
                Err(invalid("a pod is taken out of traffic by a drain, there is nothing to detach"))
            }
            Effect::Divide(_) => Err(invalid("a ReplicaSet replaces no pod in place")),
            Effect::Route(_) => Err(invalid("a label shares no traffic by weight")),
            Effect::Run { .. } | Effect::Modules(_) => {
                Err(invalid("Kubernetes itself runs no hooks and knows no modules"))
            }
        }
    }

    async fn attempt(&self, action: &Action) -> Outcome {
        let performed = tokio::time::timeout(ATTEMPT_WITHIN.to_std(), self.perform(action));
        let outcome = match performed.await {
            Ok(Ok(mark)) => Outcome::Applied { mark },
            Ok(Err(failed)) => failed.outcome(),
            Err(_) => {
                Outcome::unknown(format!("the API server did not answer within {ATTEMPT_WITHIN}"))
            }
        };
        tracing::debug!(%action, %outcome, "attempted");
        outcome
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
        let settled = self.watches.settled(&key).await;
        settled.map_err(|failed| failed.observe(self.what(workload)))?;
        Ok(key)
    }
}

fn read(milliseconds: &AtomicU64) -> Span {
    Span::from_millis(milliseconds.load(Ordering::Relaxed))
}

/// A refusal of an order that no cluster can carry out.
fn invalid(why: &str) -> Failed {
    Failed::never(RefusalKind::Invalid, why)
}

#[async_trait]
impl Backend for KubernetesBackend {
    fn making(&self) -> Making {
        Making::ByCount
    }

    fn counting(&self) -> Counting {
        Counting::Loose
    }

    async fn pin(&self, workload: &WorkloadId, template: &Value) -> Result<Value, PinError> {
        pin::pin(self, workload, template).await
    }

    async fn claim(&self, workload: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        let key = self.key(workload);
        let cache = &self.watches.cache;
        let known = cache.with(&key, |held| held.epoch());
        let client = &self.watches.client;
        match fence::claim(client, &self.namespace, workload, claim, known).await {
            Ok((reign, sets)) => {
                for set in sets.iter().filter_map(SetFacts::read) {
                    cache.answered(&key, &set.name.clone(), set);
                }
                cache.with(&key, |held| held.granted = held.granted.max(reign.epoch));
                if let Some(router) = &self.router {
                    self.claimed(workload, router.claim(reign.epoch).await)?;
                }
                Ok(reign.epoch)
            }
            Err(Lost::Owned(error)) => Err(error),
            Err(Lost::Failed(failed)) => Err(failed.observe(self.what(workload)).into()),
        }
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Inventory, ObserveError> {
        let key = self.settled(workload).await?;
        let (newest, options) = (self.watches.cache.newest_set(), self.options());
        let now = Timestamp::now();
        let take = |held: &mut watch::Held| inventory::inventory(held, newest, &options, now);
        Ok(self.watches.cache.with(&key, take))
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
        Ok(self.watches.cache.with(&key, |held| inventory::enrolments(held, Timestamp::now())))
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.attempt(action).await
    }
}
