//! What a replica set controller does with the pods of one workload.

use std::collections::BTreeMap;

use rollout_core::{
    id::{InstanceId, RevisionId},
    port::{Capabilities, Making},
    spec::Counting,
};
use serde_json::{Value, json};

use crate::bed::{self, Bed, Controller, Pod, Pods};

/// A cluster of one workload.
pub(super) type Cluster = Bed<ReplicaSets>;

/// The size of each replica set.
#[derive(Default)]
pub(super) struct ReplicaSets(pub(super) BTreeMap<RevisionId, u64>);

impl Cluster {
    pub(super) fn deployed(replicas: u64) -> Self {
        Self::serving(ReplicaSets::default(), replicas)
    }

    pub(super) fn of(&self, revision: &RevisionId) -> Vec<InstanceId> {
        let is_of = |(_, pod): &(&InstanceId, &Pod)| pod.revision == *revision;
        self.pods.iter().filter(is_of).map(|(name, _)| name.clone()).collect()
    }
}

impl Controller for ReplicaSets {
    fn strategy() -> Value {
        json!({"rolling": {"surge": 1, "unavailable": 0}})
    }

    fn capabilities(&self) -> Capabilities {
        bed::capabilities(Making::ByCount, Counting::Loose)
    }

    fn sizes(&self, _pods: &Pods) -> BTreeMap<RevisionId, u64> {
        self.0.clone()
    }

    fn scale(&mut self, revision: &RevisionId, replicas: u64) {
        self.0.insert(revision.clone(), replicas);
    }

    /// Makes what is missing, ends what is too much, those that are not ready first, then those that were
    /// drained, the first of them first, then the newest.
    fn control(cluster: &mut Cluster) {
        for (revision, size) in cluster.controller.0.clone() {
            while (cluster.of(&revision).len() as u64) < size {
                cluster.born += 1;
                let name = InstanceId::new(format!("web-{revision}-{}", cluster.born)).unwrap();
                cluster.make(name, revision.clone(), cluster.born);
            }
            let mut pods = cluster.of(&revision);
            pods.sort_by_key(|name| {
                let pod = &cluster.pods[name];
                (pod.ready, pod.cost, u64::MAX - pod.place)
            });
            let over = pods.len() - usize::try_from(size).unwrap();
            for name in pods.iter().take(over) {
                cluster.end(name);
            }
        }
    }
}
