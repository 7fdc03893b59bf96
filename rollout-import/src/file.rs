//! The objects of one file together: which are workloads, which are parts of one, which are neither.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::{Map, Value};

use crate::{
    ImportError,
    document::{Log, Object, Scope},
    nomad,
    report::{Fate, Mapping},
};

/// What kind of workload an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    /// Argo's.
    Rollout,
    /// Flagger's.
    Canary,
    /// One group of a Nomad job.
    Nomad,
}

/// The objects of one file.
#[derive(Debug)]
pub(crate) struct File {
    objects: Vec<Object>,
    /// Number of instances where the file cannot know it.
    pub(crate) replicas: Option<u64>,
    /// Objects that some workload has told of.
    told: RefCell<BTreeSet<usize>>,
}

impl File {
    /// The file of `objects`; groups of a Nomad job become objects of their own.
    ///
    /// # Errors
    ///
    /// [`ImportError::Field`] if a Nomad job has no group that can be rolled out.
    pub(crate) fn new(objects: Vec<Object>, replicas: Option<u64>) -> Result<Self, ImportError> {
        let mut all = Vec::new();
        for object in objects {
            if nomad::is_job(&object) {
                all.extend(nomad::groups(&object)?);
            } else {
                all.push(object);
            }
        }
        Ok(Self { objects: all, replicas, told: RefCell::default() })
    }

    /// The workloads, in the order of the file.
    pub(crate) fn workloads(&self) -> Vec<(Kind, &Object)> {
        let free = self.objects.iter().filter(|object| !self.is_adopted(object));
        free.filter_map(|object| Some((kind(object)?, object))).collect()
    }

    /// Whether another object rules over this workload.
    fn is_adopted(&self, object: &Object) -> bool {
        self.objects.iter().any(|ruler| {
            let reference = match ruler.kind.as_str() {
                "Rollout" => ruler.at(&["spec", "workloadRef"]),
                "Canary" => ruler.at(&["spec", "targetRef"]),
                _ => None,
            };
            let named = |name: &str| reference.and_then(|reference| reference.get(name)?.as_str());
            named("name") == Some(&object.name)
                && named("kind") == Some(&object.kind)
                && ruler.namespace == object.namespace
        })
    }

    /// What is in the file, for a person.
    pub(crate) fn contents(&self) -> String {
        match self.objects.as_slice() {
            [] => "nothing".to_owned(),
            some => some.iter().map(Object::to_string).collect::<Vec<_>>().join(", "),
        }
    }

    /// Objects of `kind` in the namespace of `beside` that `is` holds for.
    pub(crate) fn find<'a>(
        &'a self,
        beside: &'a Object,
        kind: &'a str,
        is: impl Fn(&Object) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Object> {
        let near =
            move |object: &&Object| object.kind == kind && object.namespace == beside.namespace;
        self.objects.iter().filter(near).filter(move |object| is(object))
    }

    /// The object of `kind` called `name` in the namespace of `beside`.
    pub(crate) fn named(&self, beside: &Object, kind: &str, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| {
            object.kind == kind && object.name == name && object.namespace == beside.namespace
        })
    }

    /// The object of `kind` called `name` in any namespace.
    pub(crate) fn anywhere(&self, kind: &str, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == kind && object.name == name)
    }

    /// Tells in `log` what became of an object that is a part of a workload.
    pub(crate) fn tell(&self, object: &Object, log: &Log, fate: Fate) {
        let scope = Scope { object, log, own: false };
        log.add(scope.told(""), fate);
        self.mark(object);
    }

    /// Notes that a workload tells of `object`.
    pub(crate) fn mark(&self, object: &Object) {
        let place = self.objects.iter().position(|other| std::ptr::eq(other, object));
        self.told.borrow_mut().extend(place);
    }

    /// The objects that no workload told of, with the reason why they are left out.
    pub(crate) fn rest(&self) -> Vec<Mapping> {
        let told = self.told.borrow();
        let others = self
            .objects
            .iter()
            .enumerate()
            .filter(|(index, object)| !told.contains(index) && kind(object).is_none());
        others
            .map(|(_, object)| Mapping {
                field: object.to_string(),
                fate: Fate::LeftOut { why: why_not(object).to_owned() },
            })
            .collect()
    }
}

/// What kind of workload `object` is; `None` if it is none.
fn kind(object: &Object) -> Option<Kind> {
    match object.kind.as_str() {
        "Deployment" => Some(Kind::Deployment),
        "StatefulSet" => Some(Kind::StatefulSet),
        "DaemonSet" => Some(Kind::DaemonSet),
        "Rollout" => Some(Kind::Rollout),
        "Canary" => Some(Kind::Canary),
        nomad::GROUP => Some(Kind::Nomad),
        _ => None,
    }
}

/// Why an object that is no part of a workload is left out.
fn why_not(object: &Object) -> &'static str {
    match object.kind.as_str() {
        "Service" => "its selector takes no pod of a workload in the file",
        "ConfigMap" | "Secret" | "PersistentVolumeClaim" | "ServiceAccount" => {
            "pods name it; it must be there before a rollout"
        }
        "Job" | "CronJob" | "Pod" | "ReplicaSet" => "it has no revisions to move between",
        _ => "it is no workload, and no workload in the file names it",
    }
}

/// Whether every label in `selector` stands in `labels`; a selector of nothing takes nothing.
pub(crate) fn selects(selector: Option<&Value>, labels: &Map<String, Value>) -> bool {
    selector.and_then(Value::as_object).is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(name, value)| labels.get(name) == Some(value))
    })
}
