//! What was seen of single instances, of one or of one after the other in the order of their names.

use std::collections::{BTreeMap, btree_map};

use super::{Seen, Sight, View};
use crate::{
    ascending::Ascending,
    engine::observation::{EnrolState, Enrolled, InstanceSeen},
    fleet::HealthView,
    id::{InstanceId, Mark},
    map::{self, Map},
};

/// What was seen of one instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance<'a> {
    /// What the orchestrator shows.
    pub(crate) seen: Sight<&'a InstanceSeen>,
    /// What the load balancer shows.
    pub(crate) enrolled: Sight<&'a Enrolled>,
    pub(crate) health: Option<&'a HealthView>,
}

impl Glance<'_> {
    /// Whether the load balancer shows it as one that gets traffic; `None` while nobody knows.
    pub(crate) fn is_enrolled(&self) -> Option<bool> {
        match self.enrolled {
            Sight::Unshown => None,
            Sight::Absent => Some(false),
            Sight::There(enrolled) => Some(enrolled.state == EnrolState::In),
        }
    }
}

/// What was seen of instances that are asked for in the order of their names.
pub(crate) struct Glances<'a> {
    seen: Sights<'a, InstanceSeen>,
    enrolled: Sights<'a, Enrolled>,
    health: Ascending<map::Iter<'a, InstanceId, HealthView>>,
}

impl<'a> Glances<'a> {
    /// What was seen of `instance`, whose name is not below the one before.
    pub(crate) fn of(&mut self, instance: &InstanceId) -> Glance<'a> {
        Glance {
            seen: self.seen.of(instance),
            enrolled: self.enrolled.of(instance),
            health: self.health.get(instance),
        }
    }
}

/// What the last snapshot of a port shows of instances that are asked for in the order of their names.
pub(super) struct Sights<'a, T> {
    snapshot: Option<(Mark, Ascending<btree_map::Iter<'a, InstanceId, T>>)>,
    shown_from: Ascending<map::Iter<'a, InstanceId, Mark>>,
}

impl<'a, T> Sights<'a, T> {
    pub(super) fn new(
        snapshot: Option<(Mark, &'a BTreeMap<InstanceId, T>)>,
        shown_from: &'a Map<InstanceId, Mark>,
    ) -> Self {
        Self {
            snapshot: snapshot.map(|(mark, instances)| (mark, Ascending::new(instances))),
            shown_from: Ascending::new(shown_from),
        }
    }

    pub(super) fn of(&mut self, instance: &InstanceId) -> Sight<&'a T> {
        let Some((mark, instances)) = &mut self.snapshot else { return Sight::Unshown };
        let is_shown = self.shown_from.get(instance).is_none_or(|from| *from <= *mark);
        Sight::of(is_shown, instances.get(instance))
    }
}

impl View {
    /// What was seen of `instance`.
    pub(crate) fn glance(&self, instance: &InstanceId) -> Glance<'_> {
        Glance {
            seen: self.seen(instance),
            enrolled: self.enrolled(instance),
            health: self.health.get(instance),
        }
    }

    /// The same of every instance, in the order of their names.
    pub(crate) fn glances(&self) -> Glances<'_> {
        let inventory = self.inventory.as_ref().map(|seen| &seen.what);
        let enrolments = self.enrolments.as_ref().map(|seen| &seen.what);
        Glances {
            seen: Sights::new(inventory.map(|what| (what.mark, &what.instances)), &self.seen_from),
            enrolled: Sights::new(
                enrolments.map(|what| (what.mark, &what.instances)),
                &self.enrolled_from,
            ),
            health: Ascending::new(&self.health),
        }
    }

    /// What the orchestrator shows of `instance`.
    pub(crate) fn seen(&self, instance: &InstanceId) -> Sight<&InstanceSeen> {
        let Some(Seen { what, .. }) = &self.inventory else { return Sight::Unshown };
        let from = self.seen_from.get(instance);
        Sight::of(from.is_none_or(|from| *from <= what.mark), what.instances.get(instance))
    }

    /// What the load balancer shows of `instance`.
    fn enrolled(&self, instance: &InstanceId) -> Sight<&Enrolled> {
        let Some(Seen { what, .. }) = &self.enrolments else { return Sight::Unshown };
        let from = self.enrolled_from.get(instance);
        Sight::of(from.is_none_or(|from| *from <= what.mark), what.instances.get(instance))
    }

    /// Whether the load balancer shows `instance` as one that gets traffic; `None` while nobody knows.
    pub(crate) fn is_enrolled(&self, instance: &InstanceId) -> Option<bool> {
        self.glance(instance).is_enrolled()
    }
}
