//! Pods that a controller keeps and that are drained by name: the engine, its answers and time, over whatever
//! makes the pods.

mod attempt;
mod chaos;
mod seen;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollout_core::{
    engine::{
        Division, Engine, Event, Order, OrderKind, OrderRefused, Record, Revision, Setup, Tuning,
    },
    id::{Epoch, InstanceId, RevisionId, WorkloadId},
    port::{Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};
use serde_json::{Value, json};

const BOUND: Span = Span::from_millis(300);
const DEADLINE: Span = Span::from_millis(500);
const TICK: Span = Span::from_millis(100);

/// Every pod there is, by its name.
pub(super) type Pods = BTreeMap<InstanceId, Pod>;

#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) revision: RevisionId,
    /// Its place; where there are none, how many were born before it.
    pub(super) place: u64,
    pub(super) ready: bool,
    /// Whether its label lets it serve; since when not, if it does not.
    pub(super) serving: bool,
    pub(super) out_since: Timestamp,
    /// Those drained first have the lowest.
    pub(super) cost: u64,
}

impl Pod {
    /// A pod that was just made: its label lets it serve as soon as it is ready.
    pub(super) fn new(revision: RevisionId, place: u64) -> Self {
        let (out_since, cost) = (Timestamp::default(), u64::MAX);
        Self { revision, place, ready: false, serving: true, out_since, cost }
    }
}

/// What makes and ends the pods, in the way of its kind.
pub(super) trait Controller: Sized {
    /// The strategy of the plain moves.
    fn strategy() -> Value;

    /// What the engine is told of it.
    fn capabilities(&self) -> Capabilities;

    /// How many pods of each revision there are to be.
    fn sizes(&self, pods: &Pods) -> BTreeMap<RevisionId, u64>;

    /// Is told a size.
    fn scale(&mut self, revision: &RevisionId, replicas: u64);

    /// Makes what is missing, and ends what is too much.
    fn control(bed: &mut Bed<Self>);

    /// Is told a division.
    fn divide(&mut self, division: &Division) {
        panic!("{division:?} where pods are made by count");
    }

    /// The division in force.
    fn division(&self) -> Option<Division> {
        None
    }

    /// The place of a pod in the order, where there is one.
    fn rank(&self, _pod: &Pod) -> Option<u32> {
        None
    }

    /// What else is so of it once `replicas` pods of `revision` serve.
    fn assert_at_rest(&self, _pods: &Pods, _revision: &RevisionId, _replicas: u64) {}
}

/// A workload and its engine, whose guard never has to refuse anything.
pub(super) struct Bed<C> {
    pub(super) engine: Engine,
    pub(super) controller: C,
    pub(super) records: Vec<Record>,
    pub(super) now: Timestamp,
    mark: u64,
    pub(super) pods: Pods,
    pub(super) born: u64,
    /// Places whose pods ended, in this order.
    pub(super) ended: Vec<u64>,
    pub(super) drains: u64,
    /// What the controller was told.
    pub(super) told: Vec<String>,
    /// Answers of the next attempts that get lost: whether each was carried out.
    pub(super) lost: Vec<bool>,
    /// Revisions whose pods never get ready.
    pub(super) duds: Vec<RevisionId>,
    pub(super) lowest: u64,
    pub(super) refused: Option<OrderRefused>,
}

/// Capabilities of what drains by name and routes by the number of those that serve.
pub(super) const fn capabilities(making: Making, counting: Counting) -> Capabilities {
    Capabilities {
        making,
        counting,
        enrolment: Some(Confirmation::Elapsed(BOUND)),
        router: None,
        abilities: BTreeSet::new(),
    }
}

fn setup(controller: &impl Controller) -> Setup {
    Setup {
        workload: WorkloadId::new("web").unwrap(),
        capabilities: controller.capabilities(),
        tuning: Tuning::default(),
    }
}

pub(super) fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

pub(super) fn spec(replicas: u64, strategy: &Value) -> CheckedSpec {
    let spec: Spec = serde_json::from_value(json!({
        "version": 1, "workload": "web", "replicas": replicas, "strategy": strategy,
        "deadlines": {"progress": "10s"},
        "drain": {"deadline": DEADLINE.to_string()},
    }))
    .unwrap();
    CheckedSpec::new(spec).unwrap()
}

impl<C: Controller> Bed<C> {
    /// One without a pod.
    pub(super) fn empty(controller: C) -> Self {
        let mut bed = Self {
            engine: Engine::new(setup(&controller)),
            controller,
            records: Vec::new(),
            now: Timestamp(1_000_000),
            mark: 0,
            pods: Pods::new(),
            born: 0,
            ended: Vec::new(),
            drains: 0,
            told: Vec::new(),
            lost: Vec::new(),
            duds: Vec::new(),
            lowest: u64::MAX,
            refused: None,
        };
        bed.claim(1);
        bed
    }

    /// One that serves `replicas` pods of v1.
    pub(super) fn serving(controller: C, replicas: u64) -> Self {
        let mut bed = Self::empty(controller);
        bed.submit("v1", replicas);
        assert_eq!(bed.run(), "completed");
        bed.told.clear();
        bed
    }

    /// Another engine takes over, without the journal.
    pub(super) fn forget(&mut self) {
        self.engine = Engine::new(setup(&self.controller));
        self.records.clear();
        self.claim(2);
    }

    /// The engine crashes and comes back with its journal.
    pub(super) fn restart(&mut self) {
        self.engine = Engine::replay(setup(&self.controller), &self.records).unwrap();
        self.claim(2);
    }

    fn claim(&mut self, epoch: u64) {
        self.feed(Event::Claimed { epoch: Epoch(epoch) });
        self.observe();
    }

    pub(super) fn submit(&mut self, revision: &str, replicas: u64) {
        self.submit_as(revision, replicas, &C::strategy());
    }

    pub(super) fn submit_as(&mut self, revision: &str, replicas: u64, strategy: &Value) {
        self.lowest = u64::MAX;
        self.ended.clear();
        self.order(OrderKind::Submit {
            revision: Arc::new(Revision { id: id(revision), template: revision.into() }),
            spec: Arc::new(spec(replicas, strategy)),
        });
    }

    pub(super) fn order(&mut self, kind: OrderKind) {
        self.feed(Event::Ordered(Order { kind, by: "test".to_owned(), why: None }));
    }

    /// Makes a pod.
    pub(super) fn make(&mut self, name: InstanceId, revision: RevisionId, place: u64) {
        self.pods.insert(name, Pod::new(revision, place));
    }

    /// A pod is taken away; nobody who is sent something is.
    pub(super) fn end(&mut self, name: &InstanceId) {
        let Some(pod) = self.pods.remove(name) else { return };
        let is_quiet = pod.out_since.after(BOUND).after(TICK) <= self.now;
        assert!(!pod.ready || (!pod.serving && is_quiet), "{name} is cut: {pod:?}");
        self.ended.push(pod.place);
    }

    pub(super) fn tick(&mut self) {
        self.now = self.now.after(TICK);
        C::control(self);
        let serving = self.pods.values().filter(|pod| pod.ready && pod.serving).count() as u64;
        self.lowest = self.lowest.min(serving);
        self.observe();
        for pod in self.pods.values_mut() {
            pod.ready |= !self.duds.contains(&pod.revision);
        }
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

    /// Every pod is of `revision` and serves, and there are `replicas`.
    pub(super) fn assert_all_on(&mut self, revision: &str, replicas: u64) {
        for _ in 0..40 {
            self.tick();
        }
        let revision = id(revision);
        assert_eq!(self.pods.len() as u64, replicas, "{:#?}", self.pods);
        for (name, pod) in &self.pods {
            assert_eq!(pod.revision, revision, "{name}: {:#?}", self.pods);
            assert!(pod.serving && pod.ready, "{name}: {:#?}", self.pods);
        }
        self.controller.assert_at_rest(&self.pods, &revision, replicas);
    }
}
