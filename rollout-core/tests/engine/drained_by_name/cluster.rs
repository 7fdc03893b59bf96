//! A cluster of one workload: pods, what a replica set controller does with them, and the engine.

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
pub(super) struct Pod {
    pub(super) revision: RevisionId,
    pub(super) ready: bool,
    /// Whether its label lets it serve; since when not, if it does not.
    pub(super) serving: bool,
    /// Those drained first go first.
    pub(super) cost: u64,
    pub(super) out_since: Timestamp,
    pub(super) born: u64,
}

/// A cluster of one workload and its engine, whose guard never has to refuse anything.
pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) records: Vec<Record>,
    pub(super) now: Timestamp,
    pub(super) mark: u64,
    pub(super) sizes: BTreeMap<RevisionId, u64>,
    pub(super) pods: BTreeMap<InstanceId, Pod>,
    pub(super) born: u64,
    pub(super) drains: u64,
    /// Answers of the next attempts that get lost: whether each was carried out.
    pub(super) lost: Vec<bool>,
    /// Whether pods of a revision get ready.
    pub(super) duds: Vec<RevisionId>,
    pub(super) lowest: u64,
    pub(super) ended: u64,
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

pub(super) fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

impl Cluster {
    pub(super) fn new() -> Self {
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
    pub(super) fn forget(&mut self) {
        self.engine = Engine::new(setup());
        self.records.clear();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    /// The engine crashes and comes back with its journal.
    pub(super) fn restart(&mut self) {
        self.engine = Engine::replay(setup(), &self.records).unwrap();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    pub(super) fn submit(&mut self, revision: &str, replicas: u64) {
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

    pub(super) fn order(&mut self, kind: OrderKind) {
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
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => panic!("{action} on a backend by count"),
        }
        Ok(())
    }

    pub(super) fn of(&self, revision: &RevisionId) -> Vec<InstanceId> {
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

    pub(super) fn tick(&mut self) {
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
                rank: None,
            };
            inventory.instances.insert(name.clone(), seen);
            let state = if pod.serving { EnrolState::In } else { EnrolState::Draining };
            let enrolled = Enrolled { state, in_flight: None };
            enrolments.instances.insert(name.clone(), enrolled);
        }
        self.feed(Event::Observed(Observation::Inventory(inventory)));
        self.feed(Event::Observed(Observation::Enrolments(enrolments)));
    }

    pub(super) fn run(&mut self) -> String {
        for _ in 0..1_000 {
            self.tick();
            if let Some(end) = self.engine.end() {
                return end.to_string();
            }
        }
        panic!("not ended: {:?}\n{:#?}", self.engine.waits(self.now), self.pods);
    }

    /// Every pod of `revision` serves, there are as many as wanted, and no others.
    pub(super) fn assert_all_on(&mut self, revision: &str, replicas: usize) {
        for _ in 0..40 {
            self.tick();
        }
        assert_eq!(self.of(&id(revision)).len(), replicas, "{:#?}", self.pods);
        assert_eq!(self.pods.len(), replicas, "{:#?}", self.pods);
        assert!(self.pods.values().all(|pod| pod.serving && pod.ready), "{:#?}", self.pods);
    }

    pub(super) fn deployed(replicas: u64) -> Self {
        let mut cluster = Self::new();
        cluster.submit("v1", replicas);
        assert_eq!(cluster.run(), "completed");
        cluster
    }
}
