//! Pods that are replaced in place: one `StatefulSet`, highest ordinal first, or one `DaemonSet`, node by node.
//!
//! In: sizes, divisions, and who is to be taken away, by uid. Out: outcomes, inventories. One object holds both
//! revisions: its pod template is that of the revision that whoever comes back is of, and `updateStrategy` says
//! how far that reaches. Absent: the choice who goes, and volume claims, which nobody can change.

mod body;
mod divide;
mod inventory;
mod pin;
mod remove;
mod size;

use rollout_core::{
    engine::{Action, Effect, RefusalKind},
    id::{Mark, RevisionId, WorkloadId},
};

use self::size::Asked;
pub(super) use self::{inventory::inventory, pin::pin};
use super::{
    KubernetesBackend,
    facts::{InPlace, InPlaceFacts, InPlaceObject},
    perform::invalid,
    watch::{Held, Key, Stamped},
};
use crate::outcome::{Failed, ask_for};

/// One attempt at an action.
pub(super) async fn perform<K: InPlaceObject>(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
) -> Result<Mark, Failed>
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    match &action.effect {
        Effect::Scale { revision, replicas } => {
            let replicas = *replicas;
            Asked { backend, key, action, revision, replicas }.scale::<K>().await
        }
        Effect::Divide(division) => divide::divide::<K>(backend, key, action, division).await,
        Effect::Remove { instance } => {
            remove::remove(backend, key, &action.workload, instance).await
        }
        Effect::Create { .. }
        | Effect::Start { .. }
        | Effect::Stop { .. }
        | Effect::Enrol { .. }
        | Effect::Drain { .. }
        | Effect::Detach { .. }
        | Effect::Route(_)
        | Effect::Run { .. }
        | Effect::Modules(_) => Err(invalid("it is not about pods that are replaced in place")),
    }
}

/// The object, as far as it is known, and what was told of it last.
fn known<K: InPlaceObject>(
    backend: &KubernetesBackend,
    key: &Key,
) -> Result<Option<InPlace>, Failed> {
    backend.watches.cache.with(key, |held| {
        let set = held.in_place(K::CONTROLLER).cloned();
        match (&set, &held.told_in_place) {
            (Some(set), Some((division, places)))
                if *division != set.division || *places != set.places =>
            {
                Err(changed::<K>(set))
            }
            _ => Ok(set),
        }
    })
}

/// Somebody else has changed it since it was observed last.
fn changed<K: InPlaceObject>(set: &InPlace) -> Failed {
    let (kind, name, division, places) = (K::CONTROLLER, &set.name, &set.division, set.places);
    let by = set.sized_by.as_deref().unwrap_or("somebody");
    Failed::now(
        RefusalKind::Conflict,
        format!(
            "the {kind} {name} was changed since it was seen last, its size by `{by}`: it has {places} \
             places, and {division}"
        ),
    )
}

/// Takes in the answer to a write.
fn acknowledged<K: InPlaceObject>(backend: &KubernetesBackend, key: &Key, written: &K) -> Mark
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    use super::facts::Facts as _;
    let cache = &backend.watches.cache;
    let Some(facts) = InPlaceFacts::<K>::read(written) else {
        return cache.with(key, Held::acknowledged);
    };
    let set = facts.set.clone();
    cache.answered(key, &set.name, facts);
    cache.with(key, |held| held.acknowledged_in_place(&set))
}

/// Why a patch was not made that names conditions.
async fn mismatch<K: InPlaceObject>(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    known: &InPlace,
    why: String,
) -> Failed
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    use super::facts::Facts as _;
    let api: kube::Api<K> = kube::Api::namespaced(backend.watches.client.clone(), &key.0);
    let found = match ask_for(api.get(&known.name)).await {
        Ok(found) => found,
        Err(failed) => return failed,
    };
    let Some(set) = found.as_ref().and_then(InPlaceFacts::<K>::read).map(|facts| facts.set) else {
        return missing::<K>(&known.name);
    };
    if let Some(epoch) = set.epoch().filter(|epoch| action.epoch < *epoch) {
        return backend.fenced(action, epoch);
    }
    if set.division != known.division || set.places != known.places || set.epoch != known.epoch {
        return changed::<K>(&set);
    }
    Failed::never(RefusalKind::Invalid, why)
}

fn missing<K: InPlaceObject>(name: &str) -> Failed {
    let kind = K::CONTROLLER;
    Failed::now(RefusalKind::Missing, format!("there is no {kind} {name} of this rollout"))
}

/// Name of the object: that of its workload, as its volumes and its pods' host names say.
fn name(workload: &WorkloadId) -> &str {
    workload.as_str()
}

/// The revision that an action brings along.
fn whole<'a>(
    action: &'a Action,
    revision: &RevisionId,
) -> Result<&'a rollout_core::engine::Revision, Failed> {
    let whole = action.revision.as_deref().filter(|whole| whole.id == *revision);
    whole.ok_or_else(|| invalid("the order came without the revision that it is about"))
}
