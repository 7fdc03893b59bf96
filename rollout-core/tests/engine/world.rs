//! A small honest world: does what it is told, at once, and shows it. No faults; the simulator has those.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollout_core::{
    engine::{
        Action, Change, Effect, Engine, EnrolState, Enrolled, Enrolments, Event, HookState,
        InstanceSeen, InstanceState, Inventory, ModuleSetting, ModulesInForce, Note, Observation,
        Order, OrderKind, OrderRefused, Outcome, ProbeKind, Record, Revision, Route, RouteInForce,
        Setup, Step, Tuning,
    },
    id::{Epoch, HookRun, InstanceId, Mark, RevisionId, WorkloadId},
    judge::Reading,
    port::{Ability, Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::{Span, Timestamp},
};

use super::tell::Told;

/// What an instance of a revision does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Good,
    NeverReady,
    /// Fails its probe this long after it became ready.
    FailsAfter(u64),
    /// Exits this long after its start.
    ExitsAfter(u64),
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) engine: Engine,
    pub(crate) journal: Vec<Record>,
    pub(crate) manners: BTreeMap<RevisionId, Manner>,
    pub(crate) instances: BTreeMap<InstanceId, (InstanceSeen, Timestamp)>,
    pub(crate) enrolled: BTreeMap<InstanceId, EnrolState>,
    pub(crate) route: Option<Route>,
    pub(crate) log: Vec<String>,
    /// Everything as a story: orders, records, notes, actions.
    pub(crate) told: Vec<Told>,
    /// Fewest and most instances seen since the last reset: serving, existing.
    pub(crate) low: usize,
    pub(crate) high: usize,
    mark: u64,
    /// A revision that answers every probe badly, though it serves.
    pub(crate) probed_badly: Option<RevisionId>,
    /// Time from start to ready, in milliseconds.
    pub(crate) start_ms: u64,
    /// Runs of hooks: when each ends, and whether badly.
    pub(crate) runs: BTreeMap<HookRun, (Timestamp, bool)>,
    /// How many runs fail before one succeeds.
    pub(crate) failing_runs: usize,
    /// What metrics read one after the other; the last for ever.
    pub(crate) readings: Vec<String>,
    /// Modules cannot be observed, and runs of hooks are not answered.
    pub(crate) no_modules: bool,
    pub(crate) no_hooks: bool,
    pub(crate) modules: ModuleSetting,
    /// Modules that somebody else has degraded.
    pub(crate) degraded: BTreeSet<String>,
}

pub(crate) fn setup(router: Option<u64>) -> Setup {
    Setup {
        workload: WorkloadId::new("web").unwrap(),
        capabilities: Capabilities {
            making: Making::ByName,
            counting: Counting::Strict,
            enrolment: Some(Confirmation::Observed),
            router,
            abilities: BTreeSet::from([
                Ability::Matches,
                Ability::Mirror,
                Ability::Affinity,
                Ability::Hooks,
                Ability::Metrics,
                Ability::Modules,
            ]),
        },
        tuning: Tuning::default(),
    }
}

pub(crate) fn spec(replicas: u64, rest: &serde_json::Value) -> Arc<CheckedSpec> {
    let mut spec = serde_json::json!({
        "version": 1, "workload": "web", "replicas": replicas,
        "health": { "readiness": { "tcp": { "port": 80 }, "period": "100ms" } },
        "deadlines": { "progress": "60s" },
    });
    for (key, value) in rest.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let spec: Spec = serde_json::from_value(spec).unwrap();
    Arc::new(CheckedSpec::new(spec).unwrap())
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut world = Self {
            now: Timestamp(1_000_000),
            engine: Engine::new(setup),
            journal: Vec::new(),
            manners: BTreeMap::new(),
            instances: BTreeMap::new(),
            enrolled: BTreeMap::new(),
            route: None,
            log: Vec::new(),
            told: Vec::new(),
            low: usize::MAX,
            high: 0,
            mark: 0,
            probed_badly: None,
            start_ms: 300,
            runs: BTreeMap::new(),
            failing_runs: 0,
            readings: Vec::new(),
            no_modules: false,
            no_hooks: false,
            modules: ModuleSetting::default(),
            degraded: BTreeSet::new(),
        };
        drop(world.feed(Event::Claimed { epoch: Epoch(1) }));
        world.observe();
        world
    }

    /// Forgets the engine and makes a new one from the journal.
    pub(crate) fn crash(&mut self, setup: Setup) {
        self.engine = Engine::replay(setup, &self.journal).unwrap();
        let epoch = self.engine.epoch().next();
        drop(self.feed(Event::Claimed { epoch }));
        self.observe();
    }

    pub(crate) fn order(&mut self, kind: OrderKind) -> Result<(), OrderRefused> {
        let order = Order { kind, by: "test".to_owned(), why: Some("a test".to_owned()) };
        self.feed(Event::Ordered(order)).answer.expect("an order is answered")
    }

    pub(crate) fn submit(
        &mut self,
        name: &str,
        spec: &Arc<CheckedSpec>,
    ) -> Result<(), OrderRefused> {
        let revision = Revision { id: RevisionId::new(name).unwrap(), template: name.into() };
        self.order(OrderKind::Submit { revision: Arc::new(revision), spec: spec.clone() })
    }

    /// One event, and everything that follows from it at once.
    pub(crate) fn feed(&mut self, event: Event) -> Step {
        assert!(self.log.len() < 3000, "a hot loop\n{}", self.log.join("\n"));
        let order = Told::order(self.now, &event);
        let step = self.engine.step(self.now, event);
        self.told.extend(order);
        self.told.extend(Told::step(self.now, &step));
        for record in &step.records {
            self.log.push(format!("{:>6} {}", self.now.0 - 1_000_000, record.change));
            assert!(!matches!(record.change, Change::Vetoed(_)), "{}", self.log.join("\n"));
        }
        for note in &step.notes {
            if matches!(note, Note::Vetoed(_)) {
                panic!("{note}\n{}", self.log.join("\n"));
            }
        }
        self.journal.extend(step.records.iter().cloned());
        self.engine.commit(&step.records);
        for action in step.actions.clone() {
            let outcome = self.apply(&action);
            drop(self.feed(Event::Attempted { id: action.id, outcome }));
        }
        step
    }

    fn apply(&mut self, action: &Action) -> Outcome {
        match &action.effect {
            Effect::Create { instance, revision } => {
                let seen = InstanceSeen {
                    revision: revision.clone(),
                    state: InstanceState::Created,
                    address: None,
                    healthy: None,
                    restarts: 0,
                    rank: None,
                };
                self.instances.insert(instance.clone(), (seen, self.now));
            }
            Effect::Start { instance } => {
                let (seen, at) = self.instances.get_mut(instance).unwrap();
                seen.state = InstanceState::Running;
                seen.address = Some([10, 0, 0, 1].into());
                *at = self.now;
            }
            Effect::Enrol { instance, .. } => {
                self.enrolled.insert(instance.clone(), EnrolState::In);
            }
            Effect::Drain { instance } => {
                if let Some(state) = self.enrolled.get_mut(instance) {
                    *state = EnrolState::Draining;
                }
            }
            Effect::Detach { instance } => {
                self.enrolled.remove(instance);
            }
            Effect::Stop { instance, .. } => {
                if let Some((seen, _)) = self.instances.get_mut(instance) {
                    seen.state = InstanceState::Exited { code: 0, detail: String::new() };
                }
            }
            Effect::Remove { instance } => {
                self.instances.remove(instance);
            }
            Effect::Route(route) => self.route = Some(route.clone()),
            Effect::Run { .. } if self.no_hooks => return Outcome::unknown("no answer"),
            Effect::Run { run, hook } => {
                let takes = hook.run["takes_ms"].as_u64().unwrap_or(200);
                let fails = self.runs.len() < self.failing_runs;
                let ends = self.now.after(Span::from_millis(takes));
                self.runs.entry(run.clone()).or_insert((ends, fails));
            }
            Effect::Modules(setting) => self.modules = setting.clone(),
            Effect::Scale { .. } | Effect::Divide(_) => {
                unreachable!("this world makes instances by name")
            }
        }
        self.mark += 1;
        Outcome::Applied { mark: Mark(self.mark) }
    }

    fn measure(&mut self) {
        let due: Vec<_> = self
            .engine
            .measurements()
            .into_iter()
            .filter(|it| it.due <= self.now)
            .map(|it| (it.attempt, it.place))
            .collect();
        for (attempt, place) in due {
            let text = if 1 < self.readings.len() {
                self.readings.remove(0)
            } else {
                self.readings.first().cloned().unwrap_or_default()
            };
            let reading = Reading::of_text(&text);
            drop(self.feed(Event::Measured { attempt, place, reading }));
        }
    }

    /// Whether an instance answers its probe well.
    fn is_ready(&self, instance: &InstanceId) -> bool {
        let Some((seen, at)) = self.instances.get(instance) else { return false };
        let age = self.now.since(*at).as_millis();
        if seen.state != InstanceState::Running || age < self.start_ms {
            return false;
        }
        match self.manners.get(&seen.revision).copied().unwrap_or(Manner::Good) {
            Manner::Good => true,
            Manner::NeverReady => false,
            Manner::FailsAfter(ms) => age < self.start_ms + ms,
            Manner::ExitsAfter(ms) => age < ms,
        }
    }

    pub(crate) fn serving(&self) -> usize {
        self.enrolled
            .iter()
            .filter(|(instance, state)| **state == EnrolState::In && self.is_ready(instance))
            .count()
    }

    pub(crate) fn of(&self, revision: &str) -> usize {
        self.instances.values().filter(|(seen, _)| seen.revision.as_str() == revision).count()
    }

    pub(crate) fn observe(&mut self) {
        for (seen, at) in self.instances.values_mut() {
            if let Some(Manner::ExitsAfter(ms)) = self.manners.get(&seen.revision)
                && seen.state == InstanceState::Running
                && *ms <= self.now.since(*at).as_millis()
            {
                seen.state = InstanceState::Exited { code: 1, detail: String::new() };
            }
        }
        let mark = Mark(self.mark);
        let instances = self.instances.iter().map(|(id, (seen, _))| (id.clone(), seen.clone()));
        let inventory = Inventory { mark, instances: instances.collect(), ..Inventory::default() };
        drop(self.feed(Event::Observed(Observation::Inventory(inventory))));
        let mark = Mark(self.mark);
        let enrolled = |state: &EnrolState| Enrolled { state: *state, in_flight: Some(0) };
        let instances = self.enrolled.iter().map(|(id, state)| (id.clone(), enrolled(state)));
        let enrolments = Enrolments { mark, instances: instances.collect() };
        drop(self.feed(Event::Observed(Observation::Enrolments(enrolments))));
        let route = RouteInForce { mark: Mark(self.mark), route: self.route.clone() };
        drop(self.feed(Event::Observed(Observation::Route(route))));
        if self.no_modules {
            return;
        }
        let setting = self.modules.clone();
        let degraded = self.degraded.union(&setting.degraded).cloned().collect();
        let modules = ModulesInForce { mark: Mark(self.mark), setting, degraded };
        drop(self.feed(Event::Observed(Observation::Modules(modules))));
    }

    /// One tick of 100 ms: probes, then a look at everything.
    pub(crate) fn tick(&mut self) {
        self.now = self.now.after(Span::from_millis(100));
        let targets: Vec<InstanceId> =
            self.engine.probe_targets().map(|target| target.instance.clone()).collect();
        for instance in targets {
            let revision = self.instances.get(&instance).map(|(seen, _)| &seen.revision);
            let is_bad = self.probed_badly.as_ref().is_some_and(|bad| Some(bad) == revision);
            let healthy = self.is_ready(&instance) && !is_bad;
            let detail = if healthy { "200" } else { "503" }.to_owned();
            let probe = ProbeKind::Readiness;
            drop(self.feed(Event::Probed { instance, probe, healthy, detail }));
        }
        for run in self.engine.hook_runs().cloned().collect::<Vec<_>>() {
            let state = match self.runs.get(&run) {
                None => HookState::Missing,
                Some((ends, _)) if self.now < *ends => HookState::Running,
                Some((_, true)) => HookState::Failed { detail: "exit code 1".to_owned() },
                Some((_, false)) => HookState::Succeeded,
            };
            drop(self.feed(Event::Polled { run, state }));
        }
        self.measure();
        self.observe();
        drop(self.feed(Event::Woke));
        self.low = self.low.min(self.serving());
        self.high = self.high.max(self.instances.len());
    }

    /// Ticks until the rollout has ended; the log and the waits if it does not in time.
    pub(crate) fn run(&mut self) -> String {
        (self.low, self.high) = (usize::MAX, 0);
        for _ in 0..2000 {
            self.tick();
            if let Some(end) = self.engine.end() {
                return end.to_string();
            }
        }
        let waits: Vec<String> =
            self.engine.waits(self.now).iter().map(|wait| wait.reason.to_string()).collect();
        panic!("not ended\n{}\nwaits: {waits:#?}", self.log.join("\n"));
    }
}
