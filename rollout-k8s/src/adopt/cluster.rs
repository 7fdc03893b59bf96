//! The API server, one attempt per call: reads a namespace, tries a write without doing it, does it.

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Api, Client,
    api::{
        DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions,
        PropagationPolicy,
    },
    core::Status,
};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    change::{Change, Write},
    error::AdoptError,
    object::{Kind, Object, rollout_api},
    world::{World, trial_name},
};
use crate::labels;

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What is read of a namespace, whole: a Service that takes pods of others is found by its pods alone.
const KINDS: [Kind; 5] = [
    Kind::Pod,
    Kind::Service,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::ControllerRevision,
];

/// What makes the pods of a Deployment.
const DEPLOYED: [Kind; 2] = [Kind::Deployment, Kind::ReplicaSet];

/// What the server says where an admission webhook stands in the way of every dry run.
const NO_DRY_RUN: &str = "does not support dry run";

/// A namespace of a cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    client: Client,
    namespace: String,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is so.
    Done,
    /// Somebody else changed the object since it was read, or it is gone.
    Changed,
}

impl Cluster {
    pub(super) const fn new(client: Client, namespace: String) -> Self {
        Self { client, namespace }
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    /// Reads everything that matters for the workload `name`, whose pods an object of `kind` rules.
    pub(super) async fn world(&self, kind: Kind, name: &str) -> Result<World, AdoptError> {
        let mut objects = BTreeMap::new();
        let mut missing = Missing::default();
        let rulers: &[Kind] = if kind.is_in_place() { &[kind] } else { &DEPLOYED };
        for kind in rulers.iter().chain(&KINDS).copied() {
            let listed = self.list(kind, &ListParams::default()).await;
            objects.extend(missing.or(listed)?.unwrap_or_default());
        }
        let of_trial = format!("kubernetes.io/service-name={}", trial_name(name));
        let slices = self.list(Kind::EndpointSlice, &ListParams::default().labels(&of_trial)).await;
        objects.extend(missing.or(slices)?.unwrap_or_default());
        let scales = self.scales().await?;
        if scales {
            let params = ListParams::default().fields(&format!("metadata.name={name}"));
            let rollouts = self.list(Kind::Rollout, &params).await;
            objects.extend(missing.or(rollouts)?.unwrap_or_default());
        }
        missing.into_result()?;
        let (name, namespace) = (name.to_owned(), self.namespace.clone());
        Ok(World { name, namespace, objects, scales })
    }

    async fn list(
        &self,
        kind: Kind,
        params: &ListParams,
    ) -> Result<Vec<((Kind, String), Object)>, AdoptError> {
        let api = self.api(kind);
        let list = answer(&format!("list {kind}s"), api.list(params)).await?;
        let keyed = list.items.into_iter().map(|item| {
            let object = Object(serde_json::to_value(item).unwrap_or_default());
            ((kind, object.name().to_owned()), object)
        });
        Ok(keyed.collect())
    }

    /// Whether the cluster knows our own kind, with its scale subresource.
    async fn scales(&self) -> Result<bool, AdoptError> {
        let api = rollout_api();
        let asked = self.client.list_api_group_resources(&api);
        match answer(&format!("list the kinds of {api}"), asked).await {
            Ok(list) => Ok(list.resources.iter().any(|it| it.name == "rollouts/scale")),
            Err(AdoptError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for every change without doing it, so that what is forbidden or refused is known before anything
    /// is touched. Of many pods one stands for all.
    pub(super) async fn rehearse<'a>(
        &self,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<(), AdoptError> {
        let mut missing = Missing::default();
        let mut has_pod = false;
        for change in changes {
            if change.kind == Kind::Pod && std::mem::replace(&mut has_pod, true) {
                continue;
            }
            match self.write(change, true).await {
                Err(AdoptError::Refused { why, .. }) if why.contains(NO_DRY_RUN) => (),
                tried => drop(missing.or(tried)?),
            }
        }
        missing.into_result()
    }

    /// Makes one attempt at a change.
    pub(super) async fn write(&self, change: &Change, dry: bool) -> Result<Written, AdoptError> {
        let api = self.api(change.kind);
        let manager = Some(labels::FIELD_MANAGER.to_owned());
        let action = format!("{} {}/{}", change.verb(), change.kind, change.name);
        let done = match &change.write {
            Write::Create { object, .. } => {
                let params = PostParams { dry_run: dry, field_manager: manager };
                let object: DynamicObject = serde_json::from_value(object.clone())
                    .map_err(|error| refused(&action, &error))?;
                answer(&action, api.create(&params, &object)).await.map(drop)
            }
            Write::Patch { patch, .. } => {
                let params =
                    PatchParams { dry_run: dry, field_manager: manager, ..PatchParams::default() };
                let patch: Patch<&Value> = Patch::Merge(patch);
                answer(&action, api.patch(&change.name, &params, &patch)).await.map(drop)
            }
            Write::Delete { uid, resource_version, orphans } => {
                let params = DeleteParams {
                    dry_run: dry,
                    propagation_policy: Some(match orphans {
                        true => PropagationPolicy::Orphan,
                        false => PropagationPolicy::Background,
                    }),
                    preconditions: Some(Preconditions {
                        uid: Some(uid.clone()),
                        resource_version: resource_version.clone(),
                    }),
                    ..DeleteParams::default()
                };
                answer(&action, api.delete(&change.name, &params)).await.map(drop)
            }
        };
        match done {
            Ok(()) => Ok(Written::Done),
            Err(AdoptError::Contended { .. }) => Ok(Written::Changed),
            Err(error) => Err(error),
        }
    }
}

/// Everything that is not allowed, gathered, so that it can be asked for at once.
#[derive(Debug, Default)]
struct Missing {
    verbs: Vec<String>,
    reason: Option<String>,
}

impl Missing {
    /// Notes what is forbidden and goes on; every other error ends it.
    fn or<T>(&mut self, result: Result<T, AdoptError>) -> Result<Option<T>, AdoptError> {
        match result {
            Err(AdoptError::Forbidden { verbs, reason }) => {
                self.verbs.extend(
                    verbs.into_iter().filter(|verb| !self.verbs.contains(verb)).collect::<Vec<_>>(),
                );
                self.reason.get_or_insert(reason);
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    fn into_result(self) -> Result<(), AdoptError> {
        match self.reason {
            None => Ok(()),
            Some(reason) => Err(AdoptError::Forbidden { verbs: self.verbs, reason }),
        }
    }
}

fn refused(action: &str, why: &dyn std::fmt::Display) -> AdoptError {
    AdoptError::Refused { action: action.to_owned(), why: why.to_string() }
}

/// The one table from answers to errors. Too late and lost answers are told as such: whether it was done shows
/// at the next read.
async fn answer<T>(
    action: &str,
    asked: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, AdoptError> {
    let unreachable = |why: String| AdoptError::Unreachable { action: action.to_owned(), why };
    match timeout(ANSWER_WITHIN, asked).await {
        Err(_) => Err(unreachable(format!("nothing within {} s", ANSWER_WITHIN.as_secs()))),
        Ok(Ok(answered)) => Ok(answered),
        Ok(Err(kube::Error::Api(status))) => Err(of_status(action, &status)),
        Ok(Err(error)) => Err(unreachable(causes(&error))),
    }
}

fn of_status(action: &str, status: &Status) -> AdoptError {
    let why = status.message.clone();
    match status.code {
        401 => AdoptError::Unauthorised { why },
        403 if status.reason == "Forbidden" && is_role(&why) => {
            AdoptError::Forbidden { verbs: vec![missing_verb(action)], reason: why }
        }
        // A name that is taken, a resource version that has moved, an object that is gone: look again.
        404 | 409 if !action.starts_with("list ") => {
            AdoptError::Contended { object: action.to_owned(), times: 1 }
        }
        429 | 500..=599 => AdoptError::Unreachable { action: action.to_owned(), why },
        _ => AdoptError::Refused { action: action.to_owned(), why },
    }
}

/// Whether a role is what is missing; quotas and admission say 403 as well.
fn is_role(why: &str) -> bool {
    why.contains(" cannot ")
}

/// `patch Service/web` as a rule has it: `patch services`.
fn missing_verb(action: &str) -> String {
    let object = action.split('/').next().unwrap_or(action);
    let mut words = object.split(' ');
    let verb = words.next().unwrap_or_default();
    let kind = words.next().unwrap_or_default().trim_end_matches('s').to_lowercase();
    format!("{verb} {kind}s")
}

/// An error with what lies below it: the outermost says little.
fn causes(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        below = cause.source();
    }
    text
}
