//! Perform: one attempt at one action, by who carries it out.

use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use rollout_core::{
    engine::{Action, Effect, Outcome, RefusalKind},
    id::{Epoch, Mark},
    time::Span,
};

use super::{Controller, KubernetesBackend, enrol, in_place, scale, watch::Key};
use crate::outcome::Failed;

/// Longest wait for the end of one attempt, which is up to four calls.
const ATTEMPT_WITHIN: Span = Span::from_secs(20);

impl KubernetesBackend {
    /// One attempt, with its deadline.
    pub(super) async fn attempt(&self, action: &Action) -> Outcome {
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
            Effect::Drain { instance } => {
                enrol::drain(self, &key, workload, instance, action.id).await
            }
            Effect::Enrol { instance, .. } => enrol::enrol(self, &key, workload, instance).await,
            Effect::Scale { .. } | Effect::Divide(_) | Effect::Remove { .. } => {
                self.perform_on_pods(&key, action).await
            }
            Effect::Create { .. } | Effect::Start { .. } | Effect::Stop { .. } => {
                Err(invalid(&format!("a {} makes its pods by itself", self.controller)))
            }
            Effect::Detach { .. } => {
                Err(invalid("a pod is taken out of traffic by a drain, there is nothing to detach"))
            }
            Effect::Route(_) => Err(invalid("a label shares no traffic by weight")),
            Effect::Run { .. } | Effect::Modules(_) => {
                Err(invalid("Kubernetes itself runs no hooks and knows no modules"))
            }
        }
    }

    /// One attempt at what its controller does in its own way.
    async fn perform_on_pods(&self, key: &Key, action: &Action) -> Result<Mark, Failed> {
        match (self.controller, &action.effect) {
            (Controller::ReplicaSet, Effect::Scale { revision, replicas }) => {
                scale::scale(self, key, action, revision, *replicas).await
            }
            (Controller::ReplicaSet, _) => Err(invalid(
                "a ReplicaSet makes and removes pods by count, not by name or in place",
            )),
            (Controller::StatefulSet, _) => {
                in_place::perform::<StatefulSet>(self, key, action).await
            }
            (Controller::DaemonSet, _) => in_place::perform::<DaemonSet>(self, key, action).await,
        }
    }

    /// The refusal of an older reign's order; something was stamped by a newer one.
    pub(super) fn fenced(&self, action: &Action, epoch: Epoch) -> Failed {
        Failed::never(
            RefusalKind::Fenced,
            format!(
                "{epoch} has begun in namespace `{}`, this order is of {}",
                self.namespace, action.epoch
            ),
        )
    }
}

/// A refusal of an order that no cluster can carry out.
pub(super) fn invalid(why: &str) -> Failed {
    Failed::never(RefusalKind::Invalid, why)
}
