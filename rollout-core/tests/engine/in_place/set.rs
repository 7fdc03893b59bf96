//! A workload that is replaced in place: its places, what a controller of a stateful set or of a daemon set does
//! with them, and the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollout_core::{
    engine::{
        Action, Change, Division, Effect, Engine, EnrolState, Enrolled, Enrolments, Event,
        InstanceSeen, InstanceState, Inventory, Observation, Order, OrderKind, OrderRefused,
        Outcome, PoolSeen, Reach, Record, Refusal, RefusalKind, Retry, Revision, Setup, Tuning,
    },
    id::{Epoch, InstanceId, Mark, RevisionId, WorkloadId},
    port::{Capabilities, Confirmation, InPlaceOrder, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};
use serde_json::{Value, json};

const BOUND: Span = Span::from_millis(300);
const DEADLINE: Span = Span::from_millis(500);
const TICK: Span = Span::from_millis(100);

#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) revision: RevisionId,
    pub(super) place: u64,
    pub(super) ready: bool,
    /// Whether its label lets it serve; since when not, if it does not.
    pub(super) serving: bool,
    pub(super) out_since: Timestamp,
}

/// A workload and its engine, whose guard never has to refuse anything.
pub(super) struct Set {
    pub(super) engine: Engine,
    pub(super) order: InPlaceOrder,
    pub(super) records: Vec<Record>,
    pub(super) now: Timestamp,
    mark: u64,
    pub(super) places: u64,
    pub(super) division: Option<Division>,
    /// What the places are that the division does not reach.
    base: Option<RevisionId>,
    pub(super) pods: BTreeMap<InstanceId, Pod>,
    born: u64,
    /// Places whose pods ended, in this order.
    pub(super) ended: Vec<u64>,
    pub(super) drains: u64,
    pub(super) told: Vec<String>,
    /// Answers of the next attempts that get lost: whether each was carried out.
    pub(super) lost: Vec<bool>,
    /// Revisions whose pods never get ready.
    pub(super) duds: Vec<RevisionId>,
    pub(super) lowest: u64,
    pub(super) refused: Option<OrderRefused>,
}

pub(super) fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

pub(super) fn capabilities(order: InPlaceOrder) -> Capabilities {
    Capabilities {
        making: Making::InPlace { order },
        counting: Counting::Strict,
        enrolment: Some(Confirmation::Elapsed(BOUND)),
        router: None,
        abilities: BTreeSet::new(),
    }
}

fn setup(order: InPlaceOrder) -> Setup {
    Setup {
        workload: WorkloadId::new("web").unwrap(),
        capabilities: capabilities(order),
        tuning: Tuning::default(),
    }
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

impl Set {
    pub(super) fn new(order: InPlaceOrder) -> Self {
        let mut set = Self {
            engine: Engine::new(setup(order)),
            order,
            records: Vec::new(),
            now: Timestamp(1_000_000),
            mark: 0,
            places: 0,
            division: None,
            base: None,
            pods: BTreeMap::new(),
            born: 0,
            ended: Vec::new(),
            drains: 0,
            told: Vec::new(),
            lost: Vec::new(),
            duds: Vec::new(),
            lowest: u64::MAX,
            refused: None,
        };
        set.feed(Event::Claimed { epoch: Epoch(1) });
        set.observe();
        set
    }

    pub(super) fn deployed(order: InPlaceOrder, places: u64) -> Self {
        let mut set = Self::new(order);
        set.submit("v1", places);
        assert_eq!(set.run(), "completed");
        set.told.clear();
        set
    }

    /// Another engine takes over, without the journal.
    pub(super) fn forget(&mut self) {
        self.engine = Engine::new(setup(self.order));
        self.records.clear();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    /// The engine crashes and comes back with its journal.
    pub(super) fn restart(&mut self) {
        self.engine = Engine::replay(setup(self.order), &self.records).unwrap();
        self.feed(Event::Claimed { epoch: Epoch(2) });
        self.observe();
    }

    pub(super) fn submit(&mut self, revision: &str, replicas: u64) {
        self.submit_as(revision, replicas, &json!({"rolling": {"unavailable": 1}}));
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

    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let step = self.engine.step(self.now, event);
            for record in &step.records {
                assert!(!matches!(record.change, Change::Vetoed(_)), "{}", record.change);
            }
            self.engine.commit(&step.records);
            self.records.extend(step.records);
            if let Some(Err(refused)) = step.answer {
                self.refused = Some(refused);
            }
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
                assert!(self.division.as_ref().is_none_or(|it| it.revision == *revision));
                let is_ranked = self.order == InPlaceOrder::Ranked;
                self.places = *replicas;
                let reach = if is_ranked { Reach::First(*replicas) } else { Reach::Vacated };
                self.division = Some(Division { revision: revision.clone(), reach });
                self.base.get_or_insert_with(|| revision.clone());
                self.told.push(action.effect.to_string());
            }
            Effect::Divide(division) => {
                assert!(
                    division.reach == Reach::Vacated || self.order == InPlaceOrder::Ranked,
                    "{action} where there is no order"
                );
                assert!(action.revision.is_some());
                self.division = Some(division.clone());
                self.told.push(action.effect.to_string());
            }
            Effect::Remove { instance } => self.end(instance),
            Effect::Drain { instance } => {
                if let Some(pod) = self.pods.get_mut(instance)
                    && pod.serving
                {
                    self.drains += 1;
                    (pod.serving, pod.out_since) = (false, self.now);
                }
            }
            Effect::Enrol { instance, .. } => {
                let missing =
                    || Refusal { kind: RefusalKind::Missing, detail: "no such pod".to_owned() };
                self.pods.get_mut(instance).ok_or_else(missing)?.serving = true;
            }
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Detach { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => panic!("{action} on a workload that is replaced in place"),
        }
        Ok(())
    }

    /// A pod is taken away; nobody who is sent something is.
    fn end(&mut self, name: &InstanceId) {
        let Some(pod) = self.pods.remove(name) else { return };
        let is_quiet = pod.out_since.after(BOUND).after(TICK) <= self.now;
        assert!(!pod.ready || (!pod.serving && is_quiet), "{name} is cut: {pod:?}");
        self.ended.push(pod.place);
    }

    /// What comes back to a place.
    fn comes_back(&self, place: u64) -> RevisionId {
        let division = self.division.as_ref().unwrap();
        let is_reached = match division.reach {
            Reach::First(places) => self.places - place <= places,
            Reach::Vacated => true,
        };
        let base = self.base.as_ref().filter(|_| !is_reached);
        base.unwrap_or(&division.revision).clone()
    }

    /// What the controllers do: what is missing comes back, and of a stateful set the highest place that is not
    /// as it is to be goes, once all above it are ready.
    fn control(&mut self) {
        let Some(division) = self.division.clone() else { return };
        let gone: Vec<InstanceId> = self
            .pods
            .iter()
            .filter(|(_, pod)| self.places <= pod.place)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &gone {
            self.end(name);
        }
        let there: BTreeMap<u64, InstanceId> =
            self.pods.iter().map(|(name, pod)| (pod.place, name.clone())).collect();
        for place in (0..self.places).filter(|place| !there.contains_key(place)) {
            self.born += 1;
            let name = InstanceId::new(format!("web-{place}-{}", self.born)).unwrap();
            let (revision, out_since) = (self.comes_back(place), Timestamp::default());
            let pod = Pod { revision, place, ready: false, serving: true, out_since };
            self.pods.insert(name, pod);
        }
        let Reach::First(reached) = division.reach else { return };
        for place in (self.places.saturating_sub(reached)..self.places).rev() {
            let Some(name) = there.get(&place) else { return };
            if self.pods[name].revision != division.revision {
                return self.end(name);
            }
            if !self.pods[name].ready {
                return;
            }
        }
        if reached == self.places {
            self.base = Some(division.revision);
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

    pub(super) fn of(&self, revision: &str) -> Vec<u64> {
        let is_of = |pod: &&Pod| pod.revision.as_str() == revision;
        let mut places: Vec<u64> = self.pods.values().filter(is_of).map(|pod| pod.place).collect();
        places.sort_unstable();
        places
    }

    fn observe(&mut self) {
        let mark = Mark(self.mark);
        let division = self.division.clone();
        let mut inventory = Inventory { mark, division, ..Inventory::default() };
        let mut enrolments = Enrolments { mark, ..Enrolments::default() };
        let mut pools: BTreeMap<RevisionId, PoolSeen> = BTreeMap::new();
        for (name, pod) in &self.pods {
            let pool = pools.entry(pod.revision.clone()).or_default();
            pool.replicas += 1;
            pool.created += 1;
            pool.ready += u64::from(pod.ready);
            pool.available += u64::from(pod.ready);
            let rank = self.places.checked_sub(pod.place + 1).and_then(|it| u32::try_from(it).ok());
            let seen = InstanceSeen {
                revision: pod.revision.clone(),
                state: InstanceState::Running,
                address: Some([10, 0, 0, 1].into()),
                healthy: Some(pod.ready),
                restarts: 0,
                rank: rank.filter(|_| self.order == InPlaceOrder::Ranked),
            };
            inventory.instances.insert(name.clone(), seen);
            let state = if pod.serving { EnrolState::In } else { EnrolState::Draining };
            enrolments.instances.insert(name.clone(), Enrolled { state, in_flight: None });
        }
        let there: BTreeSet<u64> = self.pods.values().map(|pod| pod.place).collect();
        for place in (0..self.places).filter(|place| !there.contains(place)) {
            pools.entry(self.comes_back(place)).or_default().replicas += 1;
        }
        for id in pools.keys() {
            let template = id.as_str().into();
            inventory.revisions.push(Arc::new(Revision { id: id.clone(), template }));
        }
        inventory.pools = pools;
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

    /// Every place has a pod of `revision`, and every pod serves.
    pub(super) fn assert_all_on(&mut self, revision: &str, places: u64) {
        for _ in 0..40 {
            self.tick();
        }
        assert_eq!(self.of(revision), (0..places).collect::<Vec<u64>>(), "{:#?}", self.pods);
        assert!(self.pods.values().all(|pod| pod.serving && pod.ready), "{:#?}", self.pods);
        assert_eq!(self.pods.len() as u64, places);
        let reach = match self.order {
            InPlaceOrder::Ranked => Reach::First(places),
            InPlaceOrder::Any => Reach::Vacated,
        };
        assert_eq!(self.division, Some(Division { revision: id(revision), reach }));
    }
}
