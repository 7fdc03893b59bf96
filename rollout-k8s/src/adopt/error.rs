//! Why nothing was done, or not all of it: the fact, and the way out.

use rollout_import::ImportErrors;

use super::{object::Kind, owner::Manager};
use crate::labels;

/// A handover that was refused, or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// There is no such object.
    #[error("there is no {kind}/{name} in the namespace {namespace}, {}; name one of them, or another namespace", listed(.found))]
    NoDeployment {
        /// Its kind.
        kind: Kind,
        /// The name.
        name: String,
        /// Where it was looked for.
        namespace: String,
        /// Those of the kind that there are.
        found: Vec<String>,
    },
    /// The Deployment is paused.
    #[error(
        "Deployment/{name} is paused, so its pods may be of several revisions; `kubectl rollout resume deployment/{name}`, wait until it is done, then adopt it"
    )]
    Paused {
        /// The Deployment.
        name: String,
    },
    /// It is changing its pods.
    #[error(
        "{kind}/{name} is not settled: {why}; wait for `kubectl rollout status {}/{name}`, or take back what it cannot finish with `kubectl rollout undo`, then adopt it",
        .kind.word()
    )]
    MidRollout {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What is missing, in numbers.
        why: String,
    },
    /// Pods of this kind are enrolled by the label alone.
    #[error(
        "pods of {kind}/{name} are replaced in place and taken out of traffic by a label; leave `--enrol-by` out"
    )]
    NoGate {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Somebody else manages it.
    #[error("{object} is managed by `{}`: {}; first {}, then say so with `--released-by {}`", .manager.name, .manager.sign, .manager.way_out, .manager.name)]
    Managed {
        /// The object.
        object: String,
        /// By whom.
        manager: Manager,
    },
    /// A Service of the same name brings no traffic.
    #[error(
        "Service/{service} selects {selector}, which no pod in the namespace {namespace} has; set its selector to labels of the pods, or delete it"
    )]
    ServiceTakesNothing {
        /// The Service.
        service: String,
        /// Its selector.
        selector: String,
        /// Its namespace.
        namespace: String,
    },
    /// A Service takes pods of others as well.
    #[error(
        "Service/{service} also takes Pod/{pod}, which is none of {owner}, and would lose it with a selector that asks for our label; narrow the selector, or label that pod and its template with {label}"
    )]
    ServiceTakesOthers {
        /// The Service.
        service: String,
        /// One of the others' pods.
        pod: String,
        /// What is adopted, with its kind.
        owner: String,
        /// The label that would let it stay, with its value.
        label: String,
    },
    /// A Service selects by nothing but labels of ours.
    #[error(
        "Service/{service} selects by labels of this engine alone and would take no pod without them; give it a label of the pods as well"
    )]
    ServiceIsOurs {
        /// The Service.
        service: String,
    },
    /// The autoscaler's new target is unknown to the cluster.
    #[error(
        "HorizontalPodAutoscaler/{autoscaler} drives {kind}/{name}, and its new target, the scale subresource of Rollout/{name} ({api}), is not known to the cluster; install the CustomResourceDefinition first, or delete the autoscaler"
    )]
    NoRolloutKind {
        /// The autoscaler.
        autoscaler: String,
        /// Kind of what it drives.
        kind: Kind,
        /// Its name.
        name: String,
        /// Group and version that are missing.
        api: String,
    },
    /// Something of that name is ours already.
    #[error("{object} belongs to the workload `{workload}` already; {way_out}")]
    Taken {
        /// The object.
        object: String,
        /// Whose it is.
        workload: String,
        /// What a person can do about it.
        way_out: String,
    },
    /// It cannot be read as a spec.
    #[error("{kind}/{name} cannot become a spec: {why}")]
    Import {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: ImportErrors,
    },
    /// Nothing was adopted.
    #[error(
        "nothing is kept of what was before for the workload `{workload}` in the namespace {namespace} (no ControllerRevision/{record}); only what was adopted can be handed back"
    )]
    NotAdopted {
        /// The workload.
        workload: String,
        /// Where it was looked for.
        namespace: String,
        /// Name of the record.
        record: String,
    },
    /// What was kept cannot be read.
    #[error(
        "ControllerRevision/{record} does not read back: {why}; it was written by another version, use that one"
    )]
    Unreadable {
        /// Name of the record.
        record: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody would open the readiness gates of later pods.
    #[error(
        "ReplicaSet/{replica_set} has the readiness gate `{}`, which nobody opens for new pods once the engine is gone; write `enrol_by: label` in `traffic.kubernetes` of the spec, add `{}: \"{}\"` to the selectors of its Services, roll that out, then hand it back",
        labels::GATE,
        labels::SERVING,
        labels::SERVING_VALUE
    )]
    Gated {
        /// The `ReplicaSet`.
        replica_set: String,
    },
    /// A rollout is under way.
    #[error(
        "workload `{workload}` is not settled: {why}; wait for the end of the rollout or abort it, then hand it back"
    )]
    UnderWay {
        /// The workload.
        workload: String,
        /// What is not as it is at rest.
        why: String,
    },
    /// An operator still rules it.
    #[error(
        "Rollout/{workload} still rules the pods; `kubectl delete rollout {workload}` (they go on serving), then hand it back"
    )]
    Ruled {
        /// The workload.
        workload: String,
    },
    /// The pods do not match the Deployment any more.
    #[error(
        "the pods have no label {labels}, by which Deployment/{deployment} selects them; roll out a template that has it, then hand it back"
    )]
    LabelsLost {
        /// The labels, with the values that are asked for.
        labels: String,
        /// The Deployment.
        deployment: String,
    },
    /// Another Deployment has the name.
    #[error(
        "Deployment/{name} is there already and rules other pods; delete it or rename it, then hand it back"
    )]
    DeploymentThere {
        /// Its name.
        name: String,
    },
    /// The API server did not allow it.
    #[error("{}; ask for a role with {}, nothing was touched", .reason, .verbs.join(", "))]
    Forbidden {
        /// Everything that is missing, as `patch services`.
        verbs: Vec<String>,
        /// The words of the API server about the first of it.
        reason: String,
    },
    /// The API server does not know who asks.
    #[error("the cluster does not know you: {why}; check the user of the context")]
    Unauthorised {
        /// Its words.
        why: String,
    },
    /// The API server did not answer.
    #[error(
        "no answer from the cluster at {action}: {why}; check the address and the context, then run it again: it goes on where it stopped"
    )]
    Unreachable {
        /// What was asked.
        action: String,
        /// What came instead.
        why: String,
    },
    /// The API server refused a write.
    #[error("the cluster refused to {action}: {why}")]
    Refused {
        /// What was asked.
        action: String,
        /// Its words.
        why: String,
    },
    /// It waited for too long.
    #[error(
        "waited {seconds} s for {what}; look at what holds it up, then run it again: it goes on where it stopped"
    )]
    Waited {
        /// How long.
        seconds: u64,
        /// For what.
        what: String,
    },
    /// Somebody else keeps writing the same objects.
    #[error(
        "somebody else changed {object} meanwhile, {times} times in a row; find out who, then run it again: it goes on where it stopped"
    )]
    Contended {
        /// The object.
        object: String,
        /// How often.
        times: u32,
    },
}

fn listed(found: &[String]) -> String {
    if found.is_empty() {
        return "which has none".to_owned();
    }
    format!("which has {}", found.join(", "))
}
