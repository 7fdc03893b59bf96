//! Labels that make a container ours and let the state be rebuilt from containers alone.
//!
//! Labels never change after creation, so only what never changes stands in them: who made the
//! container, for which workload, revision, attempt and epoch, and the whole pinned template.

use std::collections::{BTreeMap, HashMap};

use rollout_core::{
    engine::{Action, Revision},
    id::{InstanceId, RevisionId, WorkloadId},
};

/// Prefix of every label of ours.
pub const PREFIX: &str = "rollout.";
/// Who made it: always [`OWNER_VALUE`]. Nothing without it is ever touched.
pub const OWNER: &str = "rollout.owner";
/// Value of [`OWNER`].
pub const OWNER_VALUE: &str = "rollout";
/// Name of the workload.
pub const WORKLOAD: &str = "rollout.workload";
/// Name of the revision.
pub const REVISION: &str = "rollout.revision";
/// Name of the instance, which is the container's name as well.
pub const INSTANCE: &str = "rollout.instance";
/// Number of the rollout attempt that made it.
pub const ATTEMPT: &str = "rollout.attempt";
/// Number of the reign that made it.
pub const EPOCH: &str = "rollout.epoch";
/// The pinned template, as JSON.
pub const TEMPLATE: &str = "rollout.template";

/// What the labels of one of our containers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its workload.
    pub(crate) workload: WorkloadId,
    /// Its name.
    pub(crate) instance: InstanceId,
    /// Its revision.
    pub(crate) revision: RevisionId,
    /// The template it was made from, if the label can still be read.
    pub(crate) template: Option<serde_json::Value>,
}

/// The labels of the container that `action` makes of `revision`.
#[must_use]
pub(crate) fn of(
    action: &Action,
    instance: &InstanceId,
    revision: &Revision,
    own: &BTreeMap<String, String>,
) -> HashMap<String, String> {
    let ours = [
        (OWNER, OWNER_VALUE.to_owned()),
        (WORKLOAD, action.workload.to_string()),
        (REVISION, revision.id.to_string()),
        (INSTANCE, instance.to_string()),
        (ATTEMPT, action.attempt.0.to_string()),
        (EPOCH, action.epoch.0.to_string()),
        (TEMPLATE, revision.template.to_string()),
    ];
    let mut labels: HashMap<String, String> =
        own.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    labels
}

/// Reads the labels of a container; `None` if it is not ours.
#[must_use]
pub(crate) fn read(labels: &HashMap<String, String>) -> Option<Identity> {
    if labels.get(OWNER).map(String::as_str) != Some(OWNER_VALUE) {
        return None;
    }
    Some(Identity {
        workload: labels.get(WORKLOAD)?.parse().ok()?,
        instance: labels.get(INSTANCE)?.parse().ok()?,
        revision: labels.get(REVISION)?.parse().ok()?,
        template: labels.get(TEMPLATE).and_then(|text| serde_json::from_str(text).ok()),
    })
}

/// A filter that lets through only what is ours and belongs to `workload`.
#[must_use]
pub(crate) fn filter(workload: &WorkloadId) -> Vec<String> {
    vec![format!("{OWNER}={OWNER_VALUE}"), format!("{WORKLOAD}={workload}")]
}

#[cfg(test)]
mod tests {
    use rollout_core::{
        engine::Effect,
        id::{ActionId, Attempt, Epoch},
    };

    use super::*;

    #[test]
    fn labels_read_back_as_written() {
        let revision = Revision {
            id: RevisionId::new("v1").unwrap(),
            template: serde_json::json!({ "image": "sha256:1" }),
        };
        let instance = InstanceId::new("web-v1-1").unwrap();
        let action = Action {
            id: ActionId(1),
            epoch: Epoch(2),
            attempt: Attempt(3),
            workload: WorkloadId::new("web").unwrap(),
            revision: None,
            effect: Effect::Start { instance: instance.clone() },
        };
        let own = BTreeMap::from([
            ("team".to_owned(), "a".to_owned()),
            (OWNER.to_owned(), "someone".to_owned()),
        ]);
        let labels = of(&action, &instance, &revision, &own);
        assert_eq!(labels["team"], "a");
        assert_eq!((labels[EPOCH].as_str(), labels[ATTEMPT].as_str()), ("2", "3"));
        let identity = read(&labels).unwrap();
        assert_eq!(identity.revision, revision.id);
        assert_eq!(identity.template, Some(revision.template));
        assert_eq!(read(&HashMap::from([("a".to_owned(), "b".to_owned())])), None);
    }
}
