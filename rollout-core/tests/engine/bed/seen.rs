//! What the engine is shown of the pods.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{
        EnrolState, Enrolled, Enrolments, Event, InstanceSeen, InstanceState, Inventory,
        Observation, PoolSeen, Revision,
    },
    id::{Mark, RevisionId},
};

use super::{Bed, Controller, Pod};

impl<C: Controller> Bed<C> {
    /// Shows the engine all there is.
    pub(super) fn observe(&mut self) {
        let mark = Mark(self.mark);
        let pools = self.pools();
        let whole =
            |id: &RevisionId| Arc::new(Revision { id: id.clone(), template: id.as_str().into() });
        let inventory = Inventory {
            mark,
            division: self.controller.division(),
            revisions: pools.keys().map(whole).collect(),
            instances: self.pods.iter().map(|(name, pod)| (name.clone(), self.seen(pod))).collect(),
            pools,
            ..Inventory::default()
        };
        let instances = self.pods.iter().map(|(name, pod)| (name.clone(), enrolled(pod))).collect();
        let enrolments = Enrolments { mark, instances };
        self.feed(Event::Observed(Observation::Inventory(inventory)));
        self.feed(Event::Observed(Observation::Enrolments(enrolments)));
    }

    fn pools(&self) -> BTreeMap<RevisionId, PoolSeen> {
        let pool = |(revision, replicas)| (revision, PoolSeen { replicas, ..PoolSeen::default() });
        let mut pools: BTreeMap<RevisionId, PoolSeen> =
            self.controller.sizes(&self.pods).into_iter().map(pool).collect();
        for pod in self.pods.values() {
            let pool = pools.entry(pod.revision.clone()).or_default();
            pool.created += 1;
            pool.ready += u64::from(pod.ready);
            pool.available += u64::from(pod.ready);
        }
        pools
    }

    fn seen(&self, pod: &Pod) -> InstanceSeen {
        InstanceSeen {
            revision: pod.revision.clone(),
            state: InstanceState::Running,
            address: Some([10, 0, 0, 1].into()),
            healthy: Some(pod.ready),
            restarts: 0,
            rank: self.controller.rank(pod),
        }
    }
}

fn enrolled(pod: &Pod) -> Enrolled {
    let state = if pod.serving { EnrolState::In } else { EnrolState::Draining };
    Enrolled { state, in_flight: None }
}
