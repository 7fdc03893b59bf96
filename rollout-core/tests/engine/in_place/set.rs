//! What the controller of a stateful set or of a daemon set does with the pods of one workload: its places.

use std::collections::{BTreeMap, BTreeSet};

use rollout_core::{
    engine::{Division, Reach},
    id::{InstanceId, RevisionId},
    port::{Capabilities, InPlaceOrder, Making},
    spec::Counting,
};
use serde_json::{Value, json};

use crate::bed::{self, Bed, Controller, Pod, Pods};

/// A workload that is replaced in place.
pub(super) type Set = Bed<Places>;

/// The places of a workload, and what is to be in each.
pub(super) struct Places {
    order: InPlaceOrder,
    count: u64,
    division: Option<Division>,
    /// What the places are that the division does not reach.
    base: Option<RevisionId>,
}

pub(super) const fn capabilities(order: InPlaceOrder) -> Capabilities {
    bed::capabilities(Making::InPlace { order }, Counting::Strict)
}

impl Set {
    pub(super) fn new(order: InPlaceOrder) -> Self {
        Self::empty(Places::new(order))
    }

    pub(super) fn deployed(order: InPlaceOrder, places: u64) -> Self {
        Self::serving(Places::new(order), places)
    }

    pub(super) fn of(&self, revision: &str) -> Vec<u64> {
        let is_of = |pod: &&Pod| pod.revision.as_str() == revision;
        let mut places: Vec<u64> = self.pods.values().filter(is_of).map(|pod| pod.place).collect();
        places.sort_unstable();
        places
    }
}

impl Places {
    const fn new(order: InPlaceOrder) -> Self {
        Self { order, count: 0, division: None, base: None }
    }

    const fn is_ranked(&self) -> bool {
        matches!(self.order, InPlaceOrder::Ranked)
    }

    /// How far a division of all the places reaches.
    const fn whole(&self, places: u64) -> Reach {
        if self.is_ranked() { Reach::First(places) } else { Reach::Vacated }
    }

    fn missing(&self, pods: &Pods) -> Vec<u64> {
        let there: BTreeSet<u64> = pods.values().map(|pod| pod.place).collect();
        (0..self.count).filter(|place| !there.contains(place)).collect()
    }

    /// What comes back to a place.
    fn comes_back(&self, place: u64) -> RevisionId {
        let division = self.division.as_ref().unwrap();
        let is_reached = match division.reach {
            Reach::First(places) => self.count - place <= places,
            Reach::Vacated => true,
        };
        let base = self.base.as_ref().filter(|_| !is_reached);
        base.unwrap_or(&division.revision).clone()
    }
}

impl Controller for Places {
    fn strategy() -> Value {
        json!({"rolling": {"unavailable": 1}})
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(self.order)
    }

    fn sizes(&self, pods: &Pods) -> BTreeMap<RevisionId, u64> {
        let mut sizes = BTreeMap::new();
        let comes = self.missing(pods).into_iter().map(|place| self.comes_back(place));
        for revision in comes.chain(pods.values().map(|pod| pod.revision.clone())) {
            *sizes.entry(revision).or_default() += 1;
        }
        sizes
    }

    fn scale(&mut self, revision: &RevisionId, replicas: u64) {
        assert!(self.division.as_ref().is_none_or(|it| it.revision == *revision));
        self.count = replicas;
        let reach = self.whole(replicas);
        self.division = Some(Division { revision: revision.clone(), reach });
        self.base.get_or_insert_with(|| revision.clone());
    }

    fn divide(&mut self, division: &Division) {
        let can_be = division.reach == Reach::Vacated || self.is_ranked();
        assert!(can_be, "{division:?} where there is no order");
        self.division = Some(division.clone());
    }

    fn division(&self) -> Option<Division> {
        self.division.clone()
    }

    fn rank(&self, pod: &Pod) -> Option<u32> {
        let rank = self.count.checked_sub(pod.place + 1).filter(|_| self.is_ranked())?;
        u32::try_from(rank).ok()
    }

    /// What is missing comes back, and of a stateful set the highest place that is not as it is to be goes,
    /// once all above it are ready.
    fn control(set: &mut Set) {
        let Some(division) = set.controller.division.clone() else { return };
        let count = set.controller.count;
        let is_over = |(name, pod): (&InstanceId, &Pod)| (count <= pod.place).then(|| name.clone());
        let gone: Vec<InstanceId> = set.pods.iter().filter_map(is_over).collect();
        for name in &gone {
            set.end(name);
        }
        let there: BTreeMap<u64, InstanceId> =
            set.pods.iter().map(|(name, pod)| (pod.place, name.clone())).collect();
        for place in set.controller.missing(&set.pods) {
            set.born += 1;
            let name = InstanceId::new(format!("web-{place}-{}", set.born)).unwrap();
            set.make(name, set.controller.comes_back(place), place);
        }
        let Reach::First(reached) = division.reach else { return };
        for place in (count.saturating_sub(reached)..count).rev() {
            let Some(name) = there.get(&place) else { return };
            if set.pods[name].revision != division.revision {
                return set.end(name);
            }
            if !set.pods[name].ready {
                return;
            }
        }
        if reached == count {
            set.controller.base = Some(division.revision);
        }
    }

    /// Every place has a pod.
    fn assert_at_rest(&self, pods: &Pods, revision: &RevisionId, places: u64) {
        assert_eq!(self.missing(pods), [0_u64; 0], "{pods:#?}");
        assert_eq!(self.count, places);
        let division = Division { revision: revision.clone(), reach: self.whole(places) };
        assert_eq!(self.division, Some(division));
    }
}
