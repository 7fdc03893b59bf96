//! A namespace in memory, with the parts of Kubernetes' controllers that matter here, and what must hold in it
//! at every moment.

mod stock;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Change, Handing,
    change::{Write, merge},
    object::{Kind, Object, selects},
    record::TEMPLATE_HASH,
    world::World,
};
use crate::labels;

/// Name of the workload under test.
pub(in crate::adopt) const NAME: &str = "web";
/// Its `ReplicaSet`.
pub(in crate::adopt) const SET: &str = "web-5d4f";
/// Its pods.
pub(in crate::adopt) const PODS: [&str; 3] = ["web-5d4f-a", "web-5d4f-b", "web-5d4f-c"];

/// A namespace that is played.
#[derive(Clone, Debug)]
pub(in crate::adopt) struct Play {
    pub(in crate::adopt) world: World,
    writes: u64,
}

impl Play {
    /// Adds an object; its uid is its name.
    pub(in crate::adopt) fn add(&mut self, kind: Kind, name: &str, mut object: Value) {
        self.writes += 1;
        merge(
            &mut object,
            &json!({ "metadata": {
            "name": name, "namespace": "shop", "uid": name, "generation": 1,
            "resourceVersion": self.writes.to_string(),
        } }),
        );
        self.world.objects.insert((kind, name.to_owned()), Object(object));
    }

    /// Changes an object as somebody else would.
    pub(in crate::adopt) fn edit(&mut self, kind: Kind, name: &str, patch: &Value) {
        self.writes += 1;
        let object = self.world.objects.get_mut(&(kind, name.to_owned())).unwrap();
        let spec = object.at(&["spec"]).clone();
        merge(&mut object.0, patch);
        if spec != *object.at(&["spec"]) {
            let generation = object.number(&["metadata", "generation"]).unwrap_or(0) + 1;
            object.0["metadata"]["generation"] = json!(generation);
        }
        object.0["metadata"]["resourceVersion"] = json!(self.writes.to_string());
    }

    /// Does one change as the API server does it.
    pub(in crate::adopt) fn write(&mut self, change: &Change) {
        let key = (change.kind, change.name.clone());
        match &change.write {
            Write::Create { object, .. } => {
                assert!(!self.world.objects.contains_key(&key), "{change}: it is there already");
                self.add(change.kind, &change.name, object.clone());
            }
            Write::Patch { patch, .. } => {
                let object = &self.world.objects[&key];
                for guard in ["uid", "resourceVersion"] {
                    let guarded = &patch["metadata"][guard];
                    let found = object.at(&["metadata", guard]);
                    assert!(guarded.is_null() || guarded == found, "{change}: {guard} has moved");
                }
                self.edit(change.kind, &change.name, patch);
            }
            Write::Delete { orphans, .. } => {
                let object = self.world.objects.get_mut(&key).unwrap();
                if *orphans {
                    object.0["metadata"]["deletionTimestamp"] = json!("now");
                } else {
                    self.world.objects.remove(&key);
                }
            }
        }
        self.check();
    }

    /// Lets every controller do one round.
    pub(in crate::adopt) fn tick(&mut self) {
        self.collect();
        self.claim();
        self.endpoints();
        for ((kind, _), object) in &mut self.world.objects {
            if matches!(kind, Kind::ReplicaSet | Kind::Deployment) {
                let generation = object.at(&["metadata", "generation"]).clone();
                object.0["status"]["observedGeneration"] = generation;
            }
        }
        self.check();
    }

    /// The garbage collector: a Deployment that was told to go alone leaves its `ReplicaSet`s without a ruler.
    fn collect(&mut self) {
        let Some(going) = self.world.deployment().filter(|there| there.is_going()) else { return };
        let uid = going.uid().to_owned();
        for object in self.world.objects.values_mut().filter(|object| object.is_of(&uid)) {
            object.0["metadata"]["ownerReferences"] = json!([]);
        }
        self.world.objects.remove(&(Kind::Deployment, NAME.to_owned()));
    }

    /// The Deployment controller: claims what its selector takes, and counts the pods of its own template.
    fn claim(&mut self) {
        let Some(deployment) = self.world.deployment().cloned() else { return };
        if deployment.is_going() {
            return;
        }
        let selector = deployment.at(&["spec", "selector", "matchLabels"]);
        let mut updated = 0;
        for ((kind, _), object) in &mut self.world.objects {
            let takes = selects(selector, object.at(&["metadata", "labels"]));
            if *kind == Kind::ReplicaSet && takes && object.controller().is_none() {
                object.0["metadata"]["ownerReferences"] = stock::owner("Deployment", NAME);
            }
            if *kind == Kind::ReplicaSet
                && object.is_of(deployment.uid())
                && hashless(object) == hashless(&deployment)
            {
                updated += object.number(&["spec", "replicas"]).unwrap();
            }
        }
        let object = self.world.objects.get_mut(&(Kind::Deployment, NAME.to_owned())).unwrap();
        object.0["status"]["updatedReplicas"] = json!(updated);
    }

    /// The endpoint controller, for the trial alone.
    fn endpoints(&mut self) {
        let name = "web-adopting";
        if self.world.get(Kind::Service, name).is_none() {
            self.world.objects.remove(&(Kind::EndpointSlice, name.to_owned()));
            return;
        }
        let serving = self.world.ours(Kind::Pod).filter(|pod| pod.label(labels::SERVING).is_some());
        let endpoints: Vec<Value> =
            serving.map(|pod| json!({ "targetRef": { "name": pod.name() } })).collect();
        let slice = json!({
            "metadata": { "ownerReferences": stock::owner("Service", name) },
            "endpoints": endpoints,
        });
        self.add(Kind::EndpointSlice, name, slice);
    }

    /// What must hold at every moment: nobody makes or removes a pod, and every Service takes them all.
    fn check(&self) {
        let world = &self.world;
        let pods: Vec<&Object> = PODS.iter().filter_map(|pod| world.get(Kind::Pod, pod)).collect();
        assert_eq!(pods.len(), PODS.len(), "a pod is gone");
        let ruling = world.deployment().filter(|deployment| {
            !deployment.is_going() && deployment.at(&["spec", "paused"]) != &json!(true)
        });
        if let Some(deployment) = ruling {
            let mut sets = world.all(Kind::ReplicaSet).filter(|set| set.is_of(deployment.uid()));
            let newest = sets.find(|set| hashless(set) == hashless(deployment));
            let newest =
                newest.expect("the Deployment would roll out: no ReplicaSet is its newest");
            let size = newest.at(&["spec", "replicas"]);
            assert_eq!(deployment.at(&["spec", "replicas"]), size, "the Deployment would scale");
        }
        for pod in &pods {
            let labels = pod.at(&["metadata", "labels"]);
            let set = world.all(Kind::ReplicaSet).find(|set| pod.is_of(set.uid())).unwrap();
            let selector = set.at(&["spec", "selector", "matchLabels"]);
            assert!(selects(selector, labels), "the ReplicaSet would let go of {}", pod.name());
            let made = set.at(&["spec", "template", "metadata", "labels"]);
            assert!(selects(selector, made), "the ReplicaSet could not be written");
            for service in [NAME, "web-admin"] {
                let service = world.get(Kind::Service, service).unwrap();
                let takes = selects(service.at(&["spec", "selector"]), labels);
                assert!(takes, "{} gets nothing from {}", pod.name(), service.name());
            }
            let budget = world.get(Kind::PodDisruptionBudget, NAME).unwrap();
            let selector = budget.at(&["spec", "selector", "matchLabels"]);
            assert!(selects(selector, labels), "{} is not in the budget", pod.name());
        }
    }

    /// Checks that everything is as in `other`.
    pub(in crate::adopt) fn same_as(&self, other: &Self) {
        let (mine, its) = (self.state(), other.state());
        for key in mine.keys().chain(its.keys()) {
            assert_eq!(mine.get(key), its.get(key), "{key:?}");
        }
    }

    /// Everything but what counts writes and what follows by itself.
    pub(in crate::adopt) fn state(&self) -> BTreeMap<(Kind, String), Value> {
        let mut state = BTreeMap::new();
        for (key, object) in &self.world.objects {
            if key.0 == Kind::EndpointSlice {
                continue;
            }
            let mut object = object.0.clone();
            for name in ["resourceVersion", "generation", "uid"] {
                object["metadata"].as_object_mut().unwrap().remove(name);
            }
            object.as_object_mut().unwrap().remove("status");
            state.insert(key.clone(), object);
        }
        state
    }

    /// Goes on to the end, one change at a time as if each were the last before a crash; the worlds on the way.
    pub(in crate::adopt) fn drive(mut self, look: impl Fn(&World) -> Handing) -> (Self, Vec<Self>) {
        let mut way = Vec::new();
        for _ in 0..200 {
            let handing = look(&self.world);
            let Some(stage) = handing.stages.first() else { return (self, way) };
            way.push(self.clone());
            match stage.changes.first() {
                Some(change) => self.write(change),
                None => self.tick(),
            }
        }
        panic!("it does not come to an end");
    }
}

fn hashless(object: &Object) -> Value {
    let mut template = object.at(&["spec", "template"]).clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove(TEMPLATE_HASH);
    template
}
