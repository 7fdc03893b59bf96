//! The guard by what would break its rules. Most of it no rollout of the engine ever runs into, so it is made up
//! here: facts, records, and one action that the guard is asked about.

mod books;
mod by_count;
mod by_name;
mod drains;
mod imprint;
mod in_place;
mod modules;
mod probes;
mod route;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Guard, Rule};
use crate::{
    engine::{
        Action, Admission, Change, Effect, EnrolState, Enrolled, Enrolments, Event, InstanceSeen,
        InstanceState, Inventory, Observation, Outcome, PoolSeen, ProbeKind, Purpose, Record,
        Revision, Route, Settlement,
    },
    id::{ActionId, Attempt, Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    plan::{Budget, Plan, Stage, StageRoute},
    port::{Capabilities, Confirmation, InPlaceOrder, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
    weight::Weight,
};

/// The rule that would be broken, what would be so, and what the rule allows.
type Said = Option<(Rule, u64, u64)>;

const IN_PLACE: Making = Making::InPlace { order: InPlaceOrder::Ranked };
const OBSERVED: Option<Confirmation> = Some(Confirmation::Observed);
const ELAPSED: Option<Confirmation> = Some(Confirmation::Elapsed(Span::from_secs(1)));

/// Longest drain of every spec.
const DRAIN: Span = Span::from_secs(10);

/// A guard, and what the world looks like.
#[derive(Clone)]
struct Bed {
    guard: Guard,
    now: Timestamp,
    last: u64,
    mark: u64,
    instances: BTreeMap<InstanceId, InstanceSeen>,
    pools: BTreeMap<RevisionId, PoolSeen>,
    enrolled: BTreeMap<InstanceId, Enrolled>,
}

fn name(text: &str) -> InstanceId {
    InstanceId::new(text).unwrap()
}

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

fn revision(text: &str) -> Arc<Revision> {
    Arc::new(Revision { id: id(text), template: text.into() })
}

/// A spec whose readiness probe counts two answers in a row.
fn spec() -> Arc<CheckedSpec> {
    let text = format!(
        "
version: 1
workload: shop
replicas: 4
drain: {{ deadline: {DRAIN} }}
health: {{ readiness: {{ tcp: {{ port: 80 }}, failure_threshold: 2, success_threshold: 2 }} }}"
    );
    Arc::new(CheckedSpec::new(Spec::from_yaml(&text).unwrap()).unwrap())
}

/// A plan of one stage within these limits.
fn plan(desired: u64, surge: u64, unavailable: u64) -> Plan {
    let budget = Budget { surge, unavailable, parallelism: 0, batch_delay: Span::default() };
    Plan {
        strategy: "rolling".to_owned(),
        desired,
        counting: Counting::Strict,
        stages: vec![Stage::new("all", (desired, 0), StageRoute::ByReplicas, budget)],
        rollback: budget,
        rollback_hooks: Vec::new(),
        remarks: Vec::new(),
    }
}

fn loose(plan: Plan) -> Plan {
    Plan { counting: Counting::Loose, ..plan }
}

fn submission(text: &str, plan: &Plan) -> Change {
    Change::Submitted {
        attempt: Attempt(1),
        revision: revision(text),
        spec: spec(),
        plan: Arc::new(plan.clone()),
        by: "ann".to_owned(),
        why: None,
        purpose: Purpose::Move,
    }
}

fn drain(instance: &str) -> Effect {
    Effect::Drain { instance: name(instance) }
}

fn detach(instance: &str) -> Effect {
    Effect::Detach { instance: name(instance) }
}

fn stop(instance: &str) -> Effect {
    Effect::Stop { instance: name(instance), grace: DRAIN }
}

fn remove(instance: &str) -> Effect {
    Effect::Remove { instance: name(instance) }
}

fn create(instance: &str, revision: &str) -> Effect {
    Effect::Create { instance: name(instance), revision: id(revision) }
}

fn enrol(instance: &str, revision: &str) -> Effect {
    Effect::Enrol {
        instance: name(instance),
        revision: id(revision),
        address: [10, 0, 0, 1].into(),
        admission: Admission::Serving,
    }
}

fn scale(revision: &str, replicas: u64) -> Effect {
    Effect::Scale { revision: id(revision), replicas }
}

/// Shares in percent.
fn shares(of: &[(&str, u64)]) -> Route {
    let weight = |percent: u64| Weight::from_basis_points(percent * 100).unwrap();
    Route::weighted(of.iter().map(|(revision, percent)| (id(revision), weight(*percent))).collect())
}

impl Bed {
    /// One that knows of nothing but its ports.
    fn new(making: Making, enrolment: Option<Confirmation>) -> Self {
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
    fn within(making: Making, enrolment: Option<Confirmation>, plan: &Plan) -> Self {
        let mut bed = Self::new(making, enrolment);
        bed.submits("v1", plan);
        bed.record(Change::Proven { revision: id("v1") });
        bed.submits("v2", plan);
        bed
    }

    fn record(&mut self, change: Change) {
        self.guard.commit(&Record { at: self.now, change });
    }

    fn submits(&mut self, text: &str, plan: &Plan) {
        self.record(submission(text, plan));
    }

    /// An instance is found in traffic.
    fn finds(&mut self, instance: &str, of: &str) {
        self.finds_so(instance, of, (true, true));
    }

    fn finds_so(&mut self, instance: &str, of: &str, (enrolled, started): (bool, bool)) {
        let instance = name(instance);
        self.record(Change::Found { instance, revision: revision(of), enrolled, started });
    }

    fn waits(&mut self, span: Span) {
        self.now = self.now.after(span);
        self.guard.witness(self.now, &Event::Woke);
    }

    fn action(&self, number: u64, effect: Effect) -> Action {
        Action {
            id: ActionId(number),
            epoch: Epoch(1),
            attempt: Attempt(1),
            workload: WorkloadId::new("shop").unwrap(),
            revision: None,
            effect,
        }
    }

    /// What the guard says of a new action.
    fn asks(&self, effect: Effect) -> Said {
        self.asks_again(self.last + 1, effect)
    }

    /// What it says of one with this number.
    fn asks_again(&self, number: u64, effect: Effect) -> Said {
        let action = self.action(number, effect);
        let veto = self.guard.check(std::slice::from_ref(&action), &[]).err()?;
        assert_eq!((veto.action, veto.detail), (action.id, action.effect.to_string()));
        Some((veto.rule, veto.value, veto.limit))
    }

    /// Lets an action through, whatever the guard says. Returns its number.
    fn intends(&mut self, effect: Effect) -> u64 {
        self.last += 1;
        self.record(Change::Intended { id: ActionId(self.last), effect });
        self.last
    }

    /// Lets an action through that is applied at once.
    fn does(&mut self, effect: Effect) {
        let number = self.intends(effect);
        self.applied(number);
    }

    fn applied(&mut self, number: u64) {
        self.mark += 1;
        let (id, mark) = (ActionId(number), Mark(self.mark));
        let outcome = Outcome::Applied { mark };
        self.guard.witness(self.now, &Event::Attempted { id, outcome });
        self.settles(number, Settlement::Applied);
    }

    fn settles(&mut self, number: u64, how: Settlement) {
        self.record(Change::Settled { id: ActionId(number), how });
    }

    /// Its readiness probe is answered like this.
    fn answers(&mut self, instance: &str, answers: &[bool]) {
        for healthy in answers {
            self.probes(instance, ProbeKind::Readiness, *healthy);
        }
    }

    fn probes(&mut self, instance: &str, probe: ProbeKind, healthy: bool) {
        let (instance, detail) = (name(instance), String::new());
        self.guard.witness(self.now, &Event::Probed { instance, probe, healthy, detail });
    }

    /// Makes an instance of the world run.
    fn runs(&mut self, instance: &str, of: &str, healthy: Option<bool>) -> &mut InstanceSeen {
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
    fn pool(&mut self, of: &str, size: u64) -> &mut PoolSeen {
        let (replicas, created, ready, available) = (size, size, size, size);
        let seen = PoolSeen { replicas, created, ready, available, ..PoolSeen::default() };
        self.pools.insert(id(of), seen);
        self.pools.get_mut(&id(of)).unwrap()
    }

    /// Shows what exists.
    fn shows(&mut self) {
        self.mark += 1;
        self.shows_as_of(self.mark);
    }

    /// Shows what exists under a mark of its own.
    fn shows_as_of(&mut self, mark: u64) {
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
    fn balances(&mut self, instance: &str, state: EnrolState, in_flight: Option<u64>) {
        self.mark += 1;
        self.enrolled.insert(name(instance), Enrolled { state, in_flight });
        let (mark, instances) = (Mark(self.mark), self.enrolled.clone());
        let seen = Event::Observed(Observation::Enrolments(Enrolments { mark, instances }));
        self.guard.witness(self.now, &seen);
    }
}
