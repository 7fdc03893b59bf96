//! Worlds for the benchmarks: as little as an engine needs to go through a rolling update.
//!
//! In: a number of replicas. Out: an engine, and the events of a whole rollout one by one. Absent: faults
//! and traffic, which the simulator has.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use rollout_core::{
    engine::{
        Effect, Engine, EnrolState, Enrolled, Enrolments, Event, InstanceSeen, InstanceState,
        Inventory, Observation, Order, OrderKind, Outcome, PoolSeen, Revision, Setup, Step, Tuning,
    },
    id::{Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};

/// A world that does what it is told between two observations.
#[derive(Clone, Debug)]
pub struct World {
    /// The engine under test.
    pub engine: Engine,
    /// Records committed so far.
    pub records: u64,
    /// Time of each step in nanoseconds, if they are kept.
    pub times: Option<Vec<u32>>,
    /// Whether facts that come together are taken in by one step.
    at_once: bool,
    now: Timestamp,
    mark: u64,
    pools: BTreeMap<RevisionId, PoolSeen>,
    instances: BTreeMap<InstanceId, InstanceSeen>,
    enrolled: BTreeMap<InstanceId, EnrolState>,
}

impl World {
    /// A workload with `replicas` serving instances of `v1`, and `v2` submitted.
    ///
    /// # Panics
    ///
    /// If the engine refuses what every engine takes.
    #[must_use]
    pub fn new(making: Making, replicas: u64) -> Self {
        Self::begin(making, replicas, false)
    }

    /// The same, where everything that comes together is taken in by one step.
    ///
    /// # Panics
    ///
    /// As [`World::new`].
    #[must_use]
    pub fn at_once(making: Making, replicas: u64) -> Self {
        Self::begin(making, replicas, true)
    }

    fn begin(making: Making, replicas: u64, at_once: bool) -> Self {
        let mut world = Self { at_once, ..Self::empty(making) };
        world.submit("v1", replicas);
        world.run();
        world.submit("v2", replicas);
        world
    }

    /// An engine that has claimed a workload without instances; everything that comes together is taken in by
    /// one step.
    ///
    /// # Panics
    ///
    /// As [`World::new`].
    #[must_use]
    pub fn empty(making: Making) -> Self {
        let workload = WorkloadId::new("web").expect("a plain name");
        let enrolment = (making == Making::ByName).then_some(Confirmation::Observed);
        let capabilities = Capabilities {
            making,
            counting: Counting::Loose,
            enrolment,
            router: None,
            abilities: std::collections::BTreeSet::new(),
        };
        let setup = Setup { workload, capabilities, tuning: Tuning::default() };
        let mut world = Self {
            engine: Engine::new(setup),
            records: 0,
            times: None,
            at_once: true,
            now: Timestamp(1_000_000),
            mark: 0,
            pools: BTreeMap::new(),
            instances: BTreeMap::new(),
            enrolled: BTreeMap::new(),
        };
        world.feed(Event::Claimed { epoch: Epoch(1) });
        world.observe();
        world
    }

    /// A person submits a revision.
    ///
    /// # Panics
    ///
    /// As [`World::new`].
    pub fn submit(&mut self, revision: &str, replicas: u64) {
        let spec = serde_json::json!({
            "version": 1, "workload": "web", "replicas": replicas,
            "strategy": { "rolling": { "surge": "25%", "unavailable": "25%" } },
        });
        let spec: Spec = serde_json::from_value(spec).expect("a plain spec");
        let spec = Arc::new(CheckedSpec::new(spec).expect("a sound spec"));
        let id = RevisionId::new(revision).expect("a plain name");
        let revision = Arc::new(Revision { id, template: revision.into() });
        let kind = OrderKind::Submit { revision, spec };
        self.feed(Event::Ordered(Order { kind, by: "bench".to_owned(), why: None }));
    }

    /// Ticks until the rollout has ended; returns the number of steps taken.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn run(&mut self) -> u64 {
        for tick in 1..1_000_000 {
            self.tick();
            if self.engine.end().is_some() {
                return tick;
            }
        }
        panic!("the rollout does not end");
    }

    /// One event, committed, its actions carried out and answered.
    pub fn feed(&mut self, event: Event) {
        self.feed_all(vec![event]);
    }

    fn feed_all(&mut self, mut events: Vec<Event>) {
        loop {
            let step = if self.at_once && !events.is_empty() {
                self.steps(events.drain(..))
            } else {
                let Some(event) = events.pop() else { return };
                self.step(event)
            };
            for action in step.actions {
                self.apply(&action.effect);
                self.mark += 1;
                let outcome = Outcome::Applied { mark: Mark(self.mark) };
                events.push(Event::Attempted { id: action.id, outcome });
            }
        }
    }

    /// One step, committed; its actions are handed back.
    pub fn step(&mut self, event: Event) -> Step {
        self.steps([event])
    }

    fn steps(&mut self, events: impl IntoIterator<Item = Event>) -> Step {
        let began = self.times.is_some().then(Instant::now);
        let step = self.engine.step_all(self.now, events);
        self.engine.commit(&step.records);
        if let (Some(times), Some(began)) = (&mut self.times, began) {
            times.push(u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        self.records += step.records.len() as u64;
        step
    }

    /// Time passes, and everything is observed.
    pub fn tick(&mut self) {
        self.now = self.now.after(Span::from_millis(100));
        for pool in self.pools.values_mut() {
            pool.ready = pool.created;
            pool.available = pool.created;
            pool.terminating = 0;
        }
        self.observe();
    }

    /// What an observation of now shows.
    #[must_use]
    pub fn inventory(&self) -> Observation {
        Observation::Inventory(Inventory {
            mark: Mark(self.mark),
            pools: self.pools.clone(),
            instances: self.instances.clone(),
            ..Inventory::default()
        })
    }

    fn observe(&mut self) {
        let enrolled = |state: &EnrolState| Enrolled { state: *state, in_flight: Some(0) };
        let enrolments = Enrolments {
            mark: Mark(self.mark),
            instances: self
                .enrolled
                .iter()
                .map(|(id, state)| (id.clone(), enrolled(state)))
                .collect(),
        };
        let enrolments = Event::Observed(Observation::Enrolments(enrolments));
        let inventory = Event::Observed(self.inventory());
        if self.at_once {
            self.feed_all(vec![inventory, enrolments]);
        } else {
            self.feed(inventory);
            self.feed(enrolments);
        }
    }

    fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Scale { revision, replicas } => {
                let pool = self.pools.entry(revision.clone()).or_default();
                pool.terminating += pool.created.saturating_sub(*replicas);
                pool.replicas = *replicas;
                pool.ready = pool.ready.min(*replicas);
                pool.available = pool.available.min(*replicas);
                pool.created = *replicas;
            }
            Effect::Create { instance, revision } => {
                let seen = InstanceSeen {
                    revision: revision.clone(),
                    state: InstanceState::Created,
                    address: Some([10, 0, 0, 1].into()),
                    healthy: None,
                    restarts: 0,
                    rank: None,
                };
                self.instances.insert(instance.clone(), seen);
            }
            Effect::Start { instance } => {
                if let Some(seen) = self.instances.get_mut(instance) {
                    seen.state = InstanceState::Running;
                }
            }
            Effect::Enrol { instance, .. } => {
                self.enrolled.insert(instance.clone(), EnrolState::In);
            }
            Effect::Drain { instance } => {
                self.enrolled.insert(instance.clone(), EnrolState::Draining);
            }
            Effect::Detach { instance } => {
                self.enrolled.remove(instance);
            }
            Effect::Stop { instance, .. } | Effect::Remove { instance } => {
                self.instances.remove(instance);
            }
            Effect::Divide(_) | Effect::Route(_) | Effect::Run { .. } | Effect::Modules(_) => {}
        }
    }
}
