//! A guard, and a world that it is told of: facts and records, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Said, action, id, name, revision, spec, submission};
use crate::{
    engine::{
        Change, Effect, EnrolState, Enrolled, Enrolments, Event, InstanceSeen, InstanceState,
        Inventory, Observation, Outcome, PoolSeen, ProbeKind, Record, Settlement,
    },
    guard::Guard,
    id::{ActionId, InstanceId, Mark, RevisionId},
    plan::Plan,
    port::{Capabilities, Confirmation, Making},
    spec::Counting,
    time::{Span, Timestamp},
};

/// A guard, and what the world looks like.
#[derive(Clone)]
pub(super) struct Bed {
    pub(super) guard: Guard,
    pub(super) now: Timestamp,
    pub(super) last: u64,
    pub(super) mark: u64,
    pub(super) instances: BTreeMap<InstanceId, InstanceSeen>,
    pub(super) pools: BTreeMap<RevisionId, PoolSeen>,
    pub(super) enrolled: BTreeMap<InstanceId, Enrolled>,
}

impl Bed {
    /// One that knows of nothing but its ports.
    pub(super) fn new(making: Making, enrolment: Option<Confirmation>) -> Self {
        let abilities = BTreeSet::new();
        let counting = Counting::Strict;
        let ports = Capabilities { making, counting, enrolment, router: Some(10_000), abilities };
        Self {
            guard: Guard::new(&ports),
            now: Timestamp(1_000_000),
            last: 0,
            mark: 0,
            instances: BTreeMap::new(),
            pools: BTreeMap::new(),
            enrolled: BTreeMap::new(),
        }
    }

    /// One where v1 is proven and v2 is on its way within the limits of `plan`.
    pub(super) fn within(making: Making, enrolment: Option<Confirmation>, plan: &Plan) -> Self {
        let mut bed = Self::new(making, enrolment);
        bed.submits("v1", plan);
        bed.record(Change::Proven { revision: id("v1") });
        bed.submits("v2", plan);
        bed
    }

    pub(super) fn record(&mut self, change: Change) {
        self.guard.commit(&Record { at: self.now, change });
    }

    pub(super) fn submits(&mut self, text: &str, plan: &Plan) {
        self.record(submission(text, spec(2), plan));
    }

    /// An instance is found in traffic.
    pub(super) fn finds(&mut self, instance: &str, of: &str) {
        self.finds_so(instance, of, (true, true));
    }

    pub(super) fn finds_so(&mut self, instance: &str, of: &str, (enrolled, started): (bool, bool)) {
        let instance = name(instance);
        self.record(Change::Found { instance, revision: revision(of), enrolled, started });
    }

    pub(super) fn waits(&mut self, span: Span) {
        self.now = self.now.after(span);
        self.guard.witness(self.now, &Event::Woke);
    }

    /// What the guard says of a new action.
    pub(super) fn asks(&self, effect: Effect) -> Said {
        self.asks_again(self.last + 1, effect)
    }

    /// What it says of one with this number.
    pub(super) fn asks_again(&self, number: u64, effect: Effect) -> Said {
        let action = action(number, effect);
        let veto = self.guard.check(std::slice::from_ref(&action), &[]).err()?;
        assert_eq!((veto.action, veto.detail), (action.id, action.effect.to_string()));
        Some((veto.rule, veto.value, veto.limit))
    }

    /// Lets an action through, whatever the guard says. Returns its number.
    pub(super) fn intends(&mut self, effect: Effect) -> u64 {
        self.last += 1;
        self.record(Change::Intended { id: ActionId(self.last), effect });
        self.last
    }

    /// Lets an action through that is applied at once.
    pub(super) fn does(&mut self, effect: Effect) {
        let number = self.intends(effect);
        self.applied(number);
    }

    pub(super) fn applied(&mut self, number: u64) {
        self.mark += 1;
        let (id, mark) = (ActionId(number), Mark(self.mark));
        let outcome = Outcome::Applied { mark };
        self.guard.witness(self.now, &Event::Attempted { id, outcome });
        self.settles(number, Settlement::Applied);
    }

    pub(super) fn settles(&mut self, number: u64, how: Settlement) {
        self.record(Change::Settled { id: ActionId(number), how });
    }

    /// Its readiness probe is answered like this.
    pub(super) fn answers(&mut self, instance: &str, answers: &[bool]) {
        for healthy in answers {
            self.probes(instance, ProbeKind::Readiness, *healthy);
        }
    }

    pub(super) fn probes(&mut self, instance: &str, probe: ProbeKind, healthy: bool) {
        let (instance, detail) = (name(instance), String::new());
        self.guard.witness(self.now, &Event::Probed { instance, probe, healthy, detail });
    }

    /// Makes an instance of the world run.
    pub(super) fn runs(
        &mut self,
        instance: &str,
        of: &str,
        healthy: Option<bool>,
    ) -> &mut InstanceSeen {
        let seen = InstanceSeen {
            revision: id(of),
            state: InstanceState::Running,
            address: None,
            healthy,
            restarts: 0,
            rank: None,
        };
        self.instances.insert(name(instance), seen);
        self.instances.get_mut(&name(instance)).unwrap()
    }

    /// Makes a pool of the world have so many instances, all of them available.
    pub(super) fn pool(&mut self, of: &str, size: u64) -> &mut PoolSeen {
        let (replicas, created, ready, available) = (size, size, size, size);
        let seen = PoolSeen { replicas, created, ready, available, ..PoolSeen::default() };
        self.pools.insert(id(of), seen);
        self.pools.get_mut(&id(of)).unwrap()
    }

    /// Shows what exists.
    pub(super) fn shows(&mut self) {
        self.mark += 1;
        self.shows_as_of(self.mark);
    }

    /// Shows what exists under a mark of its own.
    pub(super) fn shows_as_of(&mut self, mark: u64) {
        let inventory = Inventory {
            mark: Mark(mark),
            instances: self.instances.clone(),
            pools: self.pools.clone(),
            ..Inventory::default()
        };
        let seen = Event::Observed(Observation::Inventory(inventory));
        self.guard.witness(self.now, &seen);
    }

    /// Shows what the load balancer knows: `in_flight` on an instance that is `state`.
    pub(super) fn balances(&mut self, instance: &str, state: EnrolState, in_flight: Option<u64>) {
        self.mark += 1;
        self.enrolled.insert(name(instance), Enrolled { state, in_flight });
        let (mark, instances) = (Mark(self.mark), self.enrolled.clone());
        let seen = Event::Observed(Observation::Enrolments(Enrolments { mark, instances }));
        self.guard.witness(self.now, &seen);
    }
}
