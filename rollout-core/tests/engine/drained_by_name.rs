//! A backend that makes instances by count and lets each be drained by name, as a replica set behind a
//! service: who goes is drained first, and the pool gets smaller by as many.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{
        Action, Change, Effect, Engine, EnrolState, Enrolled, Enrolments, Event, InstanceSeen,
        InstanceState, Inventory, Observation, Order, OrderKind, Outcome, PoolSeen, Record,
        Refusal, RefusalKind, Retry, Revision, Setup, Tuning,
    },
    id::{Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};
use serde_json::json;

const BOUND: Span = Span::from_millis(300);
const DEADLINE: Span = Span::from_millis(500);
const TICK: Span = Span::from_millis(100);

#[derive(Clone, Debug)]
struct Pod {
    revision: RevisionId,
    ready: bool,
    /// Whether its label lets it serve; since when not, if it does not.
    serving: bool,
    /// Those drained first go first.
    cost: u64,
    out_since: Timestamp,
    born: u64,
}

/// A cluster of one workload and its engine, whose guard never has to refuse anything.
struct Cluster {
    engine: Engine,
    records: Vec<Record>,
    now: Timestamp,
    mark: u64,
    sizes: BTreeMap<RevisionId, u64>,
    pods: BTreeMap<InstanceId, Pod>,
    born: u64,
    drains: u64,
    /// Answers of the next attempts that get lost: whether each was carried out.
    lost: Vec<bool>,
    /// Whether pods of a revision get ready.
    duds: Vec<RevisionId>,
    lowest: u64,
    ended: u64,
}

fn capabilities() -> Capabilities {
    Capabilities {
        making: Making::ByCount,
        counting: Counting::Loose,
        enrolment: Some(Confirmation::Elapsed(BOUND)),
        router: None,
        abilities: std::collections::BTreeSet::new(),
    }
}

fn setup() -> Setup {
    Setup {
        workload: WorkloadId::new("web").unwrap(),
        capabilities: capabilities(),
        tuning: Tuning::default(),
    }
}

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

impl Cluster {
    fn new() -> Self {
        let mut cluster = Self {
            engine: Engine::new(setup()),
            records: Vec::new(),
            now: Timestamp(1_000_000),
            mark: 0,
            sizes: BTreeMap::new(),
            pods: BTreeMap::new(),
            born: 0,
            drains: 0,
            lost: Vec::new(),
            duds: Vec::new(),
            lowest: u64::MAX,
            ended: 0,
        };
        cluster.feed(Event::Claimed { epoch: Epoch(1) });
        cluster.observe();
        cluster
    }

    /// Another engine takes over, without the journal.
    fn forget(&mut self) {
        self.engine = Engine::new(setup());
        self.records.clear();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    /// The engine crashes and comes back with its journal.
    fn restart(&mut self) {
        self.engine = Engine::replay(setup(), &self.records).unwrap();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    fn submit(&mut self, revision: &str, replicas: u64) {
        let spec: Spec = serde_json::from_value(json!({
            "version": 1, "workload": "web", "replicas": replicas,
            "strategy": {"rolling": {"surge": 1, "unavailable": 0}},
            "deadlines": {"progress": "10s"},
            "drain": {"deadline": DEADLINE.to_string()},
        }))
        .unwrap();
        self.order(OrderKind::Submit {
            revision: Arc::new(Revision { id: id(revision), template: revision.into() }),
            spec: Arc::new(CheckedSpec::new(spec).unwrap()),
        });
        self.lowest = u64::MAX;
    }

    fn order(&mut self, kind: OrderKind) {
        self.feed(Event::Ordered(Order { kind, by: "test".to_owned(), why: None }));
    }

    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let step = self.engine.step(self.now, event);
            for record in &step.records {
                assert!(!matches!(record.change, Change::Vetoed(_)), "{}", record.change);
            }
            self.engine.commit(&step.records);
            self.records.extend(step.records);
            for action in step.actions {
                let outcome = self.attempt(&action);
                events.push(Event::Attempted { id: action.id, outcome });
            }
        }
    }

    fn attempt(&mut self, action: &Action) -> Outcome {
        let is_lost = self.lost.pop();
        if is_lost != Some(false)
            && let Err(why) = self.carry_out(action)
        {
            return Outcome::Refused { why, retry: Retry::Never };
        }
        self.mark += 1;
        match is_lost {
            None => Outcome::Applied { mark: Mark(self.mark) },
            Some(_) => Outcome::Unknown { why: "the answer was lost".to_owned() },
        }
    }

    fn carry_out(&mut self, action: &Action) -> Result<(), Refusal> {
        match &action.effect {
            Effect::Scale { revision, replicas } => {
                self.sizes.insert(revision.clone(), *replicas);
            }
            Effect::Drain { instance } => {
                self.drains += 1;
                if let Some(pod) = self.pods.get_mut(instance)
                    && pod.serving
                {
                    (pod.serving, pod.out_since) = (false, self.now);
                    pod.cost = action.id.0;
                }
            }
            Effect::Enrol { instance, .. } => {
                let missing =
                    || Refusal { kind: RefusalKind::Missing, detail: "no such pod".to_owned() };
                let pod = self.pods.get_mut(instance).ok_or_else(missing)?;
                (pod.serving, pod.cost) = (true, u64::MAX);
            }
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Detach { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => panic!("{action} on a backend by count"),
        }
        Ok(())
    }

    fn of(&self, revision: &RevisionId) -> Vec<InstanceId> {
        let is_of = |(_, pod): &(&InstanceId, &Pod)| pod.revision == *revision;
        self.pods.iter().filter(is_of).map(|(name, _)| name.clone()).collect()
    }

    /// What a replica set controller does: makes what is missing, ends what is too much, those that are not
    /// ready first, then those that were drained, the first of them first, then the newest.
    fn control(&mut self) {
        for (revision, size) in self.sizes.clone() {
            let mut pods = self.of(&revision);
            while (pods.len() as u64) < size {
                self.born += 1;
                let name = InstanceId::new(format!("web-{revision}-{}", self.born)).unwrap();
                let pod = Pod {
                    revision: revision.clone(),
                    ready: false,
                    serving: true,
                    cost: u64::MAX,
                    out_since: Timestamp::default(),
                    born: self.born,
                };
                self.pods.insert(name.clone(), pod);
                pods.push(name);
            }
            pods.sort_by_key(|name| {
                let pod = &self.pods[name];
                (pod.ready, pod.cost, u64::MAX - pod.born)
            });
            let over = pods.len() - usize::try_from(size).unwrap();
            for name in pods.into_iter().take(over) {
                let pod = self.pods.remove(&name).unwrap();
                self.ended += 1;
                let is_quiet = pod.out_since.after(BOUND).after(TICK) <= self.now;
                assert!(!pod.ready || (!pod.serving && is_quiet), "{name} is cut: {pod:?}");
            }
        }
    }

    fn tick(&mut self) {
        self.now = self.now.after(TICK);
        self.control();
        let serving = self.pods.values().filter(|pod| pod.ready && pod.serving).count() as u64;
        self.lowest = self.lowest.min(serving);
        self.observe();
        for pod in self.pods.values_mut() {
            pod.ready |= !self.duds.contains(&pod.revision);
        }
    }

    fn observe(&mut self) {
        let mark = Mark(self.mark);
        let mut inventory = Inventory { mark, ..Inventory::default() };
        let mut enrolments = Enrolments { mark, ..Enrolments::default() };
        for (revision, replicas) in &self.sizes {
            let pods = self.of(revision);
            let ready = pods.iter().filter(|name| self.pods[*name].ready).count() as u64;
            let seen = PoolSeen {
                replicas: *replicas,
                created: pods.len() as u64,
                ready,
                available: ready,
                ..PoolSeen::default()
            };
            inventory.pools.insert(revision.clone(), seen);
            let template = revision.as_str().into();
            inventory.revisions.push(Arc::new(Revision { id: revision.clone(), template }));
        }
        for (name, pod) in &self.pods {
            let seen = InstanceSeen {
                revision: pod.revision.clone(),
                state: InstanceState::Running,
                address: Some([10, 0, 0, 1].into()),
                healthy: Some(pod.ready),
                restarts: 0,
            };
            inventory.instances.insert(name.clone(), seen);
            let state = if pod.serving { EnrolState::In } else { EnrolState::Draining };
            let enrolled = Enrolled { state, in_flight: None };
            enrolments.instances.insert(name.clone(), enrolled);
        }
        self.feed(Event::Observed(Observation::Inventory(inventory)));
        self.feed(Event::Observed(Observation::Enrolments(enrolments)));
    }

    fn run(&mut self) -> String {
        for _ in 0..1_000 {
            self.tick();
            if let Some(end) = self.engine.end() {
                return end.to_string();
            }
        }
        panic!("not ended: {:?}\n{:#?}", self.engine.waits(self.now), self.pods);
    }

    /// Every pod of `revision` serves, there are as many as wanted, and no others.
    fn assert_all_on(&mut self, revision: &str, replicas: usize) {
        for _ in 0..40 {
            self.tick();
        }
        assert_eq!(self.of(&id(revision)).len(), replicas, "{:#?}", self.pods);
        assert_eq!(self.pods.len(), replicas, "{:#?}", self.pods);
        assert!(self.pods.values().all(|pod| pod.serving && pod.ready), "{:#?}", self.pods);
    }

    fn deployed(replicas: u64) -> Self {
        let mut cluster = Self::new();
        cluster.submit("v1", replicas);
        assert_eq!(cluster.run(), "completed");
        cluster
    }
}

#[test]
fn who_goes_is_drained_first() {
    let mut cluster = Cluster::deployed(4);
    assert_eq!(cluster.drains, 0);
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
    assert_eq!((cluster.drains, cluster.ended, cluster.lowest), (4, 4, 4));
}

#[test]
fn on_the_way_back_the_drained_ones_serve_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    while cluster.pods.values().all(|pod| pod.serving) {
        cluster.tick();
    }
    cluster.order(OrderKind::Abort);
    assert_eq!(cluster.run(), "rolled back");
    cluster.assert_all_on("v1", 4);
    let names = ["web-v1-1", "web-v1-2", "web-v1-3", "web-v1-4"];
    assert!(cluster.pods.keys().all(|name| names.contains(&name.as_str())), "none is made anew");
}

#[test]
fn a_candidate_that_never_gets_ready_goes_without_waiting() {
    let mut cluster = Cluster::deployed(4);
    cluster.duds.push(id("v2"));
    cluster.submit("v2", 4);
    assert_eq!(cluster.run(), "rolled back");
    cluster.assert_all_on("v1", 4);
    assert_eq!((cluster.lowest, cluster.born), (4, 5));
}

#[test]
fn what_was_drained_and_stays_serves_again() {
    let mut cluster = Cluster::deployed(4);
    cluster.submit("v2", 4);
    let drained = loop {
        cluster.tick();
        let is_out = |(_, pod): &(&InstanceId, &Pod)| !pod.serving;
        if let Some((name, _)) = cluster.pods.iter().find(is_out) {
            break name.clone();
        }
    };
    // Another one of the pool goes first: it stopped answering.
    let other = cluster.of(&id("v1")).into_iter().find(|name| *name != drained).unwrap();
    cluster.pods.remove(&other);
    assert_eq!(cluster.run(), "completed");
    cluster.assert_all_on("v2", 4);
}

#[test]
fn a_lost_journal_leaves_nobody_drained() {
    let mut cluster = Cluster::deployed(4);
    for pod in cluster.pods.values_mut().take(2) {
        pod.serving = false;
    }
    cluster.forget();
    cluster.submit("v1", 4);
    cluster.run();
    cluster.assert_all_on("v1", 4);
}

/// A small generator of numbers, the same in every run.
struct Draws(u64);

impl Draws {
    fn one_in(&mut self, odds: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33).is_multiple_of(odds)
    }
}

#[test]
fn whatever_happens_nobody_is_cut_and_everybody_serves_in_the_end() {
    for seed in 0..100 {
        let mut draws = Draws(seed * 977 + 11);
        let mut cluster = Cluster::deployed(4);
        cluster.submit("v2", 4);
        for _ in 0..60 {
            cluster.tick();
            if draws.one_in(6) {
                let applied = draws.one_in(2);
                cluster.lost.push(applied);
            }
            if draws.one_in(12) {
                let name = cluster.pods.keys().nth((seed % 3) as usize).cloned();
                name.map(|name| cluster.pods.remove(&name));
            }
            if draws.one_in(10)
                && let Some(pod) = cluster.pods.values_mut().nth((seed % 4) as usize)
            {
                pod.ready = false;
            }
            if draws.one_in(40) {
                cluster.restart();
            }
            if draws.one_in(50) && cluster.engine.end().is_none() {
                cluster.order(OrderKind::Abort);
            }
        }
        cluster.lost.clear();
        let end = cluster.run();
        let revision = if end == "completed" { "v2" } else { "v1" };
        cluster.assert_all_on(revision, 4);
    }
}
