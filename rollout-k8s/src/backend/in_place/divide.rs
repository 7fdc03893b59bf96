//! Divide: the pod template of a revision and how far it reaches, in one write.
//!
//! The write is made on the condition that the object still carries the epoch, the division and the size known
//! here. So an older engine is refused as fenced, and what a person has changed meanwhile is a conflict until
//! an observation has shown it.

use kube::api::PatchParams;
use rollout_core::{
    engine::{Action, Division, Reach, RefusalKind, Revision},
    id::Mark,
};
use serde_json::{Value, json};

use super::{
    super::{
        Controller, KubernetesBackend,
        facts::{InPlace, InPlaceFacts, InPlaceObject},
        fence::{self, path, put},
        perform::invalid,
        watch::{Held, Key, Stamped},
    },
    acknowledged, body, known, mismatch, missing, name, whole,
};
use crate::{labels, outcome::Failed};

/// Makes `division` the one in force.
pub(super) async fn divide<K: InPlaceObject>(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    division: &Division,
) -> Result<Mark, Failed>
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    if K::CONTROLLER == Controller::DaemonSet && division.reach != Reach::Vacated {
        return Err(invalid("a DaemonSet takes pods away in no order: they go by name"));
    }
    let set = known::<K>(backend, key)?.ok_or_else(|| missing::<K>(name(&action.workload)))?;
    let epoch = action.epoch.0.to_string();
    if set.division == *division && set.epoch.as_ref() == Some(&epoch) {
        return Ok(backend.watches.cache.with(key, Held::acknowledged));
    }
    let mut patch = conditions::<K>(&set);
    let strategy = body::strategy(division.reach, set.places)?;
    patch.push(json!({ "op": "replace", "path": "/spec/updateStrategy", "value": strategy }));
    patch.push(put(labels::EPOCH, &epoch));
    patch.push(put(labels::ATTEMPT, &action.attempt.0.to_string()));
    if set.division.revision != division.revision {
        patch.extend(another(action, &set, whole(action, &division.revision)?));
    }
    write::<K>(backend, key, action, &set, patch).await
}

/// What must still stand there for a write to be made.
pub(super) fn conditions<K: InPlaceObject>(set: &InPlace) -> Vec<Value> {
    let revision = labels::REVISION.replace('/', "~1");
    let revision = format!("/spec/template/metadata/labels/{revision}");
    let mut patch = vec![
        json!({ "op": "test", "path": path(labels::EPOCH), "value": set.epoch }),
        json!({ "op": "test", "path": revision, "value": set.division.revision }),
        json!({ "op": "test", "path": "/spec/updateStrategy", "value": set.strategy }),
    ];
    if K::CONTROLLER == Controller::StatefulSet {
        patch.push(json!({ "op": "test", "path": "/spec/replicas", "value": set.places }));
    }
    patch
}

/// Another revision's template, and a note of the one before it.
fn another(action: &Action, set: &InPlace, revision: &Revision) -> Vec<Value> {
    let template = body::template(&action.workload, revision);
    let mut patch = vec![
        json!({ "op": "replace", "path": "/spec/template", "value": template }),
        put(labels::TEMPLATE, &revision.template.to_string()),
    ];
    let before = set.whole.iter().find(|whole| whole.id == set.division.revision);
    if let Some(before) = before {
        patch.push(put(labels::TEMPLATE_BEFORE, &json!(before).to_string()));
    }
    patch
}

/// Writes a patch that names its conditions.
pub(super) async fn write<K: InPlaceObject>(
    backend: &KubernetesBackend,
    key: &Key,
    action: &Action,
    set: &InPlace,
    patch: Vec<Value>,
) -> Result<Mark, Failed>
where
    InPlaceFacts<K>: Stamped<Object = K>,
{
    let client = &backend.watches.client;
    match fence::write::<InPlaceFacts<K>>(client, &key.0, &set.name, patch).await {
        Ok(Some(written)) => Ok(acknowledged::<K>(backend, key, &written)),
        Ok(None) => {
            backend.watches.cache.answered_gone::<InPlaceFacts<K>>(key, &set.name);
            Err(missing::<K>(&set.name))
        }
        // A condition that does not hold is answered like a mistake in the patch.
        Err(Failed::Refused(RefusalKind::Invalid, _, why)) => {
            Err(mismatch::<K>(backend, key, action, set, why).await)
        }
        Err(failed) => Err(failed),
    }
}

/// How a trial of a write is asked for.
pub(super) fn trial() -> PatchParams {
    PatchParams {
        dry_run: true,
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::default()
    }
}
