//! A backend that makes instances by count and cannot enrol: bare counts, as of a replica set.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{
        Effect, Engine, Event, Inventory, Observation, Order, OrderKind, Outcome, PoolSeen,
        Revision, Setup, Tuning,
    },
    id::{Epoch, Mark, RevisionId, WorkloadId},
    port::{Capabilities, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};
use serde_json::json;

struct Fleet {
    engine: Engine,
    now: Timestamp,
    mark: u64,
    pools: BTreeMap<RevisionId, PoolSeen>,
    /// Fewest available and most existing instances since the last submit.
    low: u64,
    high: u64,
}

impl Fleet {
    fn new() -> Self {
        let setup = Setup {
            workload: WorkloadId::new("web").unwrap(),
            capabilities: Capabilities {
                making: Making::ByCount,
                counting: Counting::Loose,
                enrolment: None,
                router: None,
                abilities: std::collections::BTreeSet::new(),
            },
            tuning: Tuning::default(),
        };
        let mut world = Self {
            engine: Engine::new(setup),
            now: Timestamp(1_000_000),
            mark: 0,
            pools: BTreeMap::new(),
            low: u64::MAX,
            high: 0,
        };
        world.feed(Event::Claimed { epoch: Epoch(1) });
        world.observe();
        world
    }

    fn submit(&mut self, revision: &str, replicas: u64) {
        self.submit_as(revision, replicas, &json!({}));
    }

    /// The same with what the spec says beside it.
    fn submit_as(&mut self, revision: &str, replicas: u64, rest: &serde_json::Value) {
        let mut spec = json!({
            "version": 1, "workload": "web", "replicas": replicas,
            "strategy": {"rolling": {"surge": "25%", "unavailable": "25%"}},
            "deadlines": {"progress": "10s"},
        });
        for (key, value) in rest.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let spec: Spec = serde_json::from_value(spec).unwrap();
        let id = RevisionId::new(revision).unwrap();
        let kind = OrderKind::Submit {
            revision: Arc::new(Revision { id, template: revision.into() }),
            spec: Arc::new(CheckedSpec::new(spec).unwrap()),
        };
        self.order(kind);
        (self.low, self.high) = (u64::MAX, 0);
    }

    fn order(&mut self, kind: OrderKind) {
        self.feed(Event::Ordered(Order { kind, by: "test".to_owned(), why: None }));
    }

    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let step = self.engine.step(self.now, event);
            self.engine.commit(&step.records);
            for action in step.actions {
                let Effect::Scale { revision, replicas } = &action.effect else {
                    panic!("{action} on a backend by count");
                };
                let pool = self.pools.entry(revision.clone()).or_default();
                pool.replicas = *replicas;
                self.mark += 1;
                let outcome = Outcome::Applied { mark: Mark(self.mark) };
                events.push(Event::Attempted { id: action.id, outcome });
            }
        }
    }

    /// Half of what is missing starts, a third of it gets ready; what is too much ends at once.
    fn tick(&mut self, ready: impl Fn(&RevisionId) -> bool) {
        self.now = self.now.after(Span::from_millis(100));
        for (id, pool) in &mut self.pools {
            pool.available +=
                if ready(id) { (pool.created - pool.available).div_ceil(3) } else { 0 };
            pool.created += pool.replicas.saturating_sub(pool.created).div_ceil(2);
            pool.created = pool.created.min(pool.replicas);
            pool.available = pool.available.min(pool.created);
            pool.ready = pool.available;
        }
        self.low = self.low.min(self.pools.values().map(|pool| pool.available).sum());
        self.high = self.high.max(self.pools.values().map(|pool| pool.created).sum());
        self.observe();
    }

    fn observe(&mut self) {
        let inventory =
            Inventory { mark: Mark(self.mark), pools: self.pools.clone(), ..Inventory::default() };
        self.feed(Event::Observed(Observation::Inventory(inventory)));
    }

    fn run(&mut self, ready: impl Fn(&RevisionId) -> bool) -> String {
        for _ in 0..5_000 {
            self.tick(&ready);
            if let Some(end) = self.engine.end() {
                return end.to_string();
            }
        }
        panic!("not ended: {:#?}", self.engine.status(self.now));
    }

    fn of(&self, revision: &str) -> u64 {
        self.pools.get(&revision.parse().unwrap()).map_or(0, |pool| pool.created)
    }
}

#[test]
fn counts_alone_are_enough_for_any_size() {
    for replicas in [1, 4, 1_000, 1 << 31] {
        let mut world = Fleet::new();
        world.submit("v1", replicas);
        assert_eq!(world.run(|_| true), "completed");
        world.submit("v2", replicas);
        assert_eq!(world.run(|_| true), "completed");
        assert_eq!((world.of("v1"), world.of("v2")), (0, replicas));
        let (surge, unavailable) = (replicas.div_ceil(4), replicas / 4);
        assert!(replicas - unavailable <= world.low, "{replicas}: {}", world.low);
        assert!(world.high <= replicas + surge, "{replicas}: {}", world.high);
    }
}

#[test]
fn a_pool_that_gets_stuck_is_taken_back() {
    let mut world = Fleet::new();
    world.submit("v1", 1_000);
    assert_eq!(world.run(|_| true), "completed");
    world.submit("v2", 1_000);
    assert_eq!(world.run(|id| id.as_str() == "v1"), "rolled back");
    assert_eq!((world.of("v1"), world.of("v2")), (1_000, 0));
    assert!(750 <= world.low && world.high <= 1_250, "{} {}", world.low, world.high);
}

#[test]
fn pools_that_run_already_are_taken_over_and_replaced() {
    let mut world = Fleet::new();
    for (revision, available) in [("v1", 8), ("broken", 1)] {
        let pool = PoolSeen {
            replicas: 8,
            created: 8,
            ready: available,
            available,
            ..PoolSeen::default()
        };
        world.pools.insert(revision.parse().unwrap(), pool);
    }
    world.observe();
    assert_eq!(world.engine.stable().unwrap().as_str(), "v1");
    world.submit("v2", 8);
    assert_eq!(world.run(|id| id.as_str() != "broken"), "completed");
    assert_eq!((world.of("v1"), world.of("broken"), world.of("v2")), (0, 0, 8));
    assert!(6 <= world.low, "{}", world.low);
}

#[test]
fn failures_that_a_backend_counts_take_the_rollout_back() {
    let mut world = Fleet::new();
    world.submit("v1", 100);
    assert_eq!(world.run(|_| true), "completed");
    world.submit("v2", 100);
    for _ in 0..3 {
        world.tick(|_| true);
    }
    world.pools.get_mut(&"v2".parse().unwrap()).unwrap().failed = 1;
    assert_eq!(world.run(|_| true), "rolled back");
    assert_eq!((world.of("v1"), world.of("v2")), (100, 0));
    let cause = world.engine.status(world.now).cause.unwrap().to_string();
    assert!(cause.starts_with("1 of 100 candidate instances failed"), "{cause}");
}

#[test]
fn a_pool_that_somebody_took_away_takes_up_no_room() {
    let mut world = Fleet::new();
    world.submit("v1", 4);
    assert_eq!(world.run(|_| true), "completed");
    world.submit("v2", 4);
    while world.of("v2") == 0 {
        world.tick(|_| true);
    }
    // A person deletes everything, as with the namespace that it is in.
    world.pools.clear();
    world.mark += 1;
    assert_eq!(world.run(|_| true), "completed");
    assert_eq!((world.of("v1"), world.of("v2")), (0, 4));
}

#[test]
fn a_first_deploy_that_cannot_be_taken_away_asks_for_an_operator() {
    let mut world = Fleet::new();
    world.submit("v1", 2);
    world.tick(|_| false);
    // One that never ends.
    world.pools.get_mut(&"v1".parse().unwrap()).unwrap().terminating = 1;
    let end = world.run(|_| false);
    let why = "taking v1 away stopped with 1 of its instances left";
    assert!(end.starts_with("needs an operator") && end.contains(why), "{end}");
}

#[test]
fn what_comes_and_goes_is_not_verified_for_ever() {
    let mut world = Fleet::new();
    let rest = json!({"rollback": {"health_check_interval": "3s"}});
    world.submit_as("v1", 4, &rest);
    assert_eq!(world.run(|_| true), "completed");
    world.submit_as("v2", 4, &rest);
    while world.of("v2") == 0 {
        world.tick(|_| true);
    }
    world.order(OrderKind::Abort);
    for tick in 0..2_000 {
        if tick % 25 == 0 {
            world.pools.get_mut(&"v1".parse().unwrap()).unwrap().available = 2;
        }
        world.tick(|_| true);
        if let Some(end) = world.engine.end() {
            assert!(end.to_string().starts_with("needs an operator"), "{end}");
            return;
        }
    }
    panic!("not ended: {:#?}", world.engine.status(world.now));
}

#[test]
fn what_failed_before_a_pool_was_found_counts_for_nobody() {
    let mut world = Fleet::new();
    let pool = PoolSeen {
        replicas: 4,
        created: 4,
        ready: 4,
        available: 4,
        failed: 7,
        ..PoolSeen::default()
    };
    world.pools.insert("v1".parse().unwrap(), pool);
    world.observe();
    assert_eq!(world.engine.status(world.now).pools[0].failed, 0);
    world.submit("v1", 4);
    assert_eq!(world.run(|_| true), "completed");
    world.pools.get_mut(&"v1".parse().unwrap()).unwrap().failed = 9;
    world.observe();
    assert_eq!(world.engine.status(world.now).pools[0].failed, 2, "what fails since counts");
}

#[test]
fn what_failed_in_an_attempt_before_counts_for_none_after_it() {
    let mut world = Fleet::new();
    world.submit("v1", 4);
    assert_eq!(world.run(|_| true), "completed");
    world.submit("v2", 4);
    world.tick(|_| true);
    world.pools.get_mut(&"v2".parse().unwrap()).unwrap().failed = 1;
    assert_eq!(world.run(|_| true), "rolled back");
    // Another one in between, so that nothing is kept of the first.
    world.submit("v3", 4);
    assert_eq!(world.run(|_| true), "completed");
    world.submit("v2", 4);
    assert_eq!(world.run(|_| true), "completed");
}
