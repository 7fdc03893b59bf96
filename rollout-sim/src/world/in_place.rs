//! Places: a workload that is replaced in place, as the controllers of stateful sets and of daemon sets keep it.
//!
//! In: the number of places, a division, removals. Out: one instance in each place, which serves as soon as it
//! answers; whoever is taken away comes back as another instance, of the revision that the division names, or of
//! what the place was before. Absent: who is drained; that is the engine's.

use rollout_core::{
    engine::{Action, Division, PoolSeen, Reach, RefusalKind, Retry},
    id::{ActionId, InstanceId, RevisionId},
    port::{InPlaceOrder, Making},
};

use super::{Condition, Instance, Receipt, World};

/// The places of a workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    count: u64,
    division: Option<Division>,
    /// What the places are that the division does not reach.
    base: Option<RevisionId>,
    /// Newest action on them that the backend knows.
    pub(super) newest: ActionId,
}

impl World {
    /// Whether its instances are replaced in place.
    #[must_use]
    pub const fn replaces_in_place(&self) -> bool {
        self.config.capabilities.replaces_in_place()
    }

    /// Whether they are replaced in an order of their own.
    #[must_use]
    pub fn is_ranked(&self) -> bool {
        self.config.capabilities.making == Making::InPlace { order: InPlaceOrder::Ranked }
    }

    /// How many places there are, where instances are replaced in place.
    #[must_use]
    pub fn place_count(&self) -> Option<u64> {
        self.replaces_in_place().then_some(self.places.count)
    }

    /// The division in force.
    #[must_use]
    pub const fn division(&self) -> Option<&Division> {
        self.places.division.as_ref()
    }

    /// The place of an instance in the order, where there is one.
    pub(crate) fn rank(&self, instance: &Instance) -> Option<u32> {
        let place = instance.place.filter(|_| self.is_ranked())?;
        u32::try_from(self.places.count.checked_sub(place + 1)?).ok()
    }

    /// Sets the number of places; the first time, of all of them the revision.
    pub(super) fn set_places(
        &mut self,
        action: &Action,
        revision: &RevisionId,
        count: u64,
    ) -> Receipt {
        let is_another = self.division().is_some_and(|division| division.revision != *revision);
        if is_another {
            let detail = "the places are of another revision";
            return self.refused(RefusalKind::Invalid, detail, Retry::Never);
        }
        self.places.newest = action.id;
        self.know(action, revision);
        if self.division().is_some() && self.places.count == count {
            return self.applied();
        }
        if self.places.count == 0 {
            self.places.base = Some(revision.clone());
        }
        let reach = match self.division().map(|division| division.reach) {
            // The places that it does not reach stay as many.
            Some(Reach::First(places)) => {
                Reach::First(count.saturating_sub(self.places.count - places))
            }
            None if self.is_ranked() => Reach::First(count),
            Some(Reach::Vacated) | None => Reach::Vacated,
        };
        self.places.division = Some(Division { revision: revision.clone(), reach });
        self.places.count = count;
        self.changed();
        self.control(Some(action.id));
        self.applied()
    }

    /// Divides the places; whoever is of another revision where the division reaches is taken away.
    pub(super) fn divide(&mut self, action: &Action, division: &Division) -> Receipt {
        let is_refused = match division.reach {
            Reach::First(places) => !self.is_ranked() || self.places.count < places,
            Reach::Vacated => !self.replaces_in_place(),
        };
        if is_refused || self.division().is_none() {
            let detail = "there are no such places";
            return self.refused(RefusalKind::Invalid, detail, Retry::Never);
        }
        self.places.newest = action.id;
        self.know(action, &division.revision);
        if self.division() != Some(division) {
            self.places.division = Some(division.clone());
            self.changed();
            self.control(Some(action.id));
        }
        self.applied()
    }

    /// Takes an instance away, whose place comes back.
    pub(super) fn take_away(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
        let is_there = |one: &Instance| one.exists() && one.condition != Condition::Stopping;
        if self.instances.get(name).is_some_and(is_there) {
            self.end(name, Some(id));
            self.control(None);
        }
        self.applied()
    }

    fn know(&mut self, action: &Action, revision: &RevisionId) {
        if let Some(whole) = &action.revision {
            self.revisions.entry(revision.clone()).or_insert_with(|| whole.clone());
        }
        self.pools.entry(revision.clone()).or_default();
    }

    /// Ends what is beyond the places or is not what it is to be, and lets what is missing come back.
    pub(super) fn control_places(&mut self, by: Option<ActionId>) {
        let taken: Vec<InstanceId> = self
            .instances
            .iter()
            .filter(|(_, one)| {
                matches!(one.condition, Condition::Running | Condition::Exited { asked: false, .. })
            })
            .filter(|(_, one)| one.place.is_some_and(|place| self.is_taken(place, &one.revision)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in taken {
            self.end(&name, by);
        }
        for place in self.vacant() {
            let revision = self.comes_back(place);
            self.give_birth(&revision);
            self.pools.entry(revision).or_default();
            let newest = self.births;
            if let Some(one) = self.instances.values_mut().find(|one| one.birth == newest) {
                one.place = Some(place);
            }
        }
        let of_it = |one: &Instance| {
            self.division().is_some_and(|division| division.revision == one.revision)
                && one.serves(self.now)
        };
        let whole = Some(Reach::First(self.places.count));
        let is_whole = self.division().map(|division| division.reach) == whole
            && self.instances.values().filter(|one| of_it(one)).count() as u64 == self.places.count;
        if is_whole {
            self.places.base = self.division().map(|division| division.revision.clone());
        }
    }

    /// Whether the backend takes away by itself whoever is of `revision` in `place`.
    fn is_taken(&self, place: u64, revision: &RevisionId) -> bool {
        let Some(Division { revision: wanted, reach }) = self.division() else { return false };
        let is_reached = match reach {
            Reach::First(places) => self.places.count <= place.saturating_add(*places),
            Reach::Vacated => false,
        };
        self.places.count <= place || (is_reached && wanted != revision)
    }

    /// Places that nobody is in.
    fn vacant(&self) -> Vec<u64> {
        let is_held = |place: u64| {
            let held = |one: &Instance| one.exists() && one.place == Some(place);
            self.instances.values().any(held)
        };
        (0..self.places.count).filter(|place| !is_held(*place)).collect()
    }

    /// What comes back to a place.
    fn comes_back(&self, place: u64) -> RevisionId {
        let division = self.division().expect("places come to be with a division");
        let is_reached = match division.reach {
            Reach::First(places) => self.places.count <= place.saturating_add(places),
            Reach::Vacated => true,
        };
        let base = self.places.base.as_ref().filter(|_| !is_reached);
        base.unwrap_or(&division.revision).clone()
    }

    /// The counts of a revision as its orchestrator shows them.
    pub(super) fn places_seen(&self, revision: &RevisionId, seen: PoolSeen) -> PoolSeen {
        let occupied = |place: &u64| {
            let holds = |one: &Instance| {
                one.place == Some(*place)
                    && matches!(
                        one.condition,
                        Condition::Running | Condition::Exited { asked: false, .. }
                    )
            };
            self.instances.values().any(holds)
        };
        let absent = (0..self.places.count).filter(|place| !occupied(place));
        let to_come = absent.filter(|place| self.comes_back(*place) == *revision).count() as u64;
        PoolSeen { replicas: seen.created.saturating_add(to_come), ..seen }
    }
}
