//! Node: one state of everything: the engine as it runs, the engine as the journal has it, the world, what
//! is on its way between them, and how much may still go wrong.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{
        Action, Engine, Event, Imprint, Observation, OrderRefused, Outcome, Port, Record, Step,
    },
    id::{InstanceId, Mark},
    time::{Span, Timestamp},
};

use super::{
    config::{Configuration, Faults},
    ledger::Ledger,
    promises::{self, Before, Broken},
    world::{Snapshot, World},
};

/// An attempt on its way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) action: Arc<Action>,
    /// Nobody waits for its answer any more.
    pub(super) ghost: bool,
    /// Harms that whoever ordered it could not know of.
    pub(super) unseen: u64,
    /// Fewest serving instances: the least since it was ordered.
    pub(super) floor: u64,
    /// Most live instances: the most since it was ordered.
    pub(super) ceiling: u64,
}

/// Records of one step, and those before.
#[derive(Debug)]
pub(super) struct Link {
    records: Vec<Record>,
    before: Option<Arc<Self>>,
}

/// What outlives an engine.
#[derive(Clone, Debug)]
pub(super) struct Lasting {
    /// What an engine made from the journal would be.
    pub(super) engine: Arc<Engine>,
    journal: Option<Arc<Link>>,
}

/// The last snapshots that the engine was shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    pub(super) instances: Mark,
    pub(super) others: Mark,
    pub(super) at: Timestamp,
}

/// One state of everything.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) now: Timestamp,
    /// `None`: it has crashed.
    pub(super) engine: Option<Engine>,
    /// What the next engine will be made from; `None` once none can crash any more.
    pub(super) lasting: Option<Lasting>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) world: World,
    pub(super) flights: Vec<Flight>,
    /// Harms that the engine does not know of.
    pub(super) harms: Vec<(InstanceId, Mark)>,
    /// Snapshots that may still be shown, the newest last; kept only where they may be late.
    pub(super) past: Vec<(Mark, Snapshot)>,
    pub(super) looked: Option<Looked>,
    /// What the engine was told last of each instance by its probe.
    pub(super) told: BTreeMap<InstanceId, bool>,
    /// How often things may still go wrong.
    pub(super) left: Faults,
    pub(super) ledger: Ledger,
    pub(super) drain_deadline: Span,
}

impl Lasting {
    /// The whole journal, oldest record first.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut links = Vec::new();
        let mut link = self.journal.as_deref();
        while let Some(one) = link {
            links.push(&one.records);
            link = one.before.as_deref();
        }
        links.into_iter().rev().flatten().cloned().collect()
    }
}

/// What is seen while a move is made.
#[derive(Debug, Default)]
pub(super) struct Witness {
    pub(super) broken: Vec<Broken>,
    /// Filled for a transcript only.
    pub(super) lines: Option<Vec<String>>,
}

impl Witness {
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }
}

impl Node {
    /// The first engine has claimed an empty world.
    pub(super) fn new(configuration: &Configuration) -> Self {
        let Configuration { spec, capabilities, faults, .. } = configuration;
        let engine = Engine::new(configuration.setup());
        let checks_health = spec.health.readiness.is_none();
        Self {
            now: Timestamp(1_000_000),
            engine: None,
            lasting: Some(Lasting { engine: Arc::new(engine), journal: None }),
            wake_at: None,
            world: World::new(checks_health, faults.busy, capabilities),
            flights: Vec::new(),
            harms: Vec::new(),
            past: Vec::new(),
            looked: None,
            told: BTreeMap::new(),
            left: Faults { crashes: faults.crashes, ..Faults::default() },
            ledger: Ledger::default(),
            drain_deadline: spec.drain.deadline,
        }
    }

    /// Feeds the engine a fact, keeps what it decides, and sends off what it orders. Returns the answer to
    /// an order.
    pub(super) fn feed(
        &mut self,
        event: Event,
        witness: &mut Witness,
    ) -> Option<Result<(), OrderRefused>> {
        let step = self.engine.as_mut()?.step(self.now, event);
        let Step { records, actions, answer, wake_at, notes: _ } = step;
        if !records.is_empty() {
            self.keep(records, witness);
        }
        for action in actions {
            witness.say(|| format!("    orders {action}"));
            promises::ordered(self, &action, &mut witness.broken);
            self.flights.push(Flight {
                action: Arc::new(action),
                ghost: false,
                unseen: self.harms.len() as u64,
                floor: self.ledger.floor(),
                ceiling: self.ledger.ceiling(),
            });
        }
        self.wake_at = wake_at;
        answer
    }

    fn keep(&mut self, records: Vec<Record>, witness: &mut Witness) {
        if let Some(engine) = &mut self.engine {
            engine.commit(&records);
        }
        for record in &records {
            witness.say(|| format!("    records {}", record.change));
            promises::recorded(self, record, &mut witness.broken);
            self.ledger.note(record);
        }
        if let Some(lasting) = &mut self.lasting {
            Arc::make_mut(&mut lasting.engine).commit(&records);
            let link = Link { records, before: lasting.journal.take() };
            lasting.journal = Some(Arc::new(link));
        }
        let (floor, ceiling) = (self.ledger.floor(), self.ledger.ceiling());
        for flight in &mut self.flights {
            flight.floor = flight.floor.min(floor);
            flight.ceiling = flight.ceiling.max(ceiling);
        }
    }

    /// Lets an attempt take effect.
    pub(super) fn land(&mut self, index: usize, witness: &mut Witness) -> (Flight, Outcome) {
        let flight = self.flights.remove(index);
        let before = Before::of(&self.world, &flight.action);
        let landing = self.world.apply(self.now, &flight.action);
        witness.say(|| format!("{} {}: {}", self.clock(), flight.action, landing.outcome));
        if landing.effective {
            promises::landed(self, &flight, &before, &mut witness.broken);
        }
        let (world, harms) = (&self.world, &mut self.harms);
        harms.retain(|(name, _)| {
            world.instances.contains_key(name) || world.servers.contains_key(name)
        });
        (flight, landing.outcome)
    }

    /// Whether no earlier attempt on the same subject is under way.
    pub(super) fn is_next(&self, index: usize) -> bool {
        let subject = self.flights[index].action.effect.subject();
        let mut earlier = self.flights.iter().take(index).filter(|flight| !flight.ghost);
        earlier.all(|flight| flight.action.effect.subject() != subject)
    }

    /// Shows the engine every port, the instances as of `instances` and the rest as of `others`.
    pub(super) fn look(&mut self, instances: &Snapshot, others: &Snapshot, witness: &mut Witness) {
        let mark = instances[0].mark();
        self.looked = Some(Looked { instances: mark, others: others[1].mark(), at: self.now });
        let is_by_probe = !self.world.checks_health;
        let world = &self.world;
        self.harms.retain(|(name, at)| {
            // What a probe finds, a snapshot need not show.
            let shows = !is_by_probe || world.instances.get(name).is_none_or(|one| !one.runs());
            mark < *at || !shows
        });
        let [inventory, ..] = instances.as_ref();
        let [_, enrolments, route] = others.as_ref();
        for observation in [inventory, enrolments, route] {
            if observation.port() == Port::Router && !self.world.has_router {
                continue;
            }
            self.feed(Event::Observed(Observation::clone(observation)), witness);
        }
    }

    /// The environment has harmed an instance that served.
    pub(super) fn harm(&mut self, name: &InstanceId, counts: bool) {
        self.world.changed();
        if counts {
            self.harms.push((name.clone(), self.world.mark));
            for flight in &mut self.flights {
                flight.unseen += 1;
            }
        }
    }

    /// The time, for people: seconds since the beginning.
    pub(super) fn clock(&self) -> String {
        let since = self.now.since(Timestamp(1_000_000)).as_millis();
        format!("{:>5}.{:03}s ", since / 1000, since % 1000)
    }

    /// What tells this state from every other.
    pub(super) fn imprint(&self, imprint: &mut Imprint) -> u128 {
        imprint.begin(self.now);
        imprint.flag(self.engine.is_some());
        if let Some(engine) = &self.engine {
            engine.imprint(imprint);
        }
        if let Some(lasting) = &self.lasting {
            lasting.engine.imprint(imprint);
        }
        match self.wake_at {
            None => imprint.flag(false),
            Some(at) => imprint.ahead(at),
        }
        self.world.imprint(imprint, self.drain_deadline);
        imprint.word(self.flights.len() as u64);
        // Attempts that are still wanted, then the others by subject: which of two on different ones was sent first
        // makes no difference.
        let mut order: Vec<usize> = (0..self.flights.len()).collect();
        let place = |index: &usize| {
            let action = &self.flights[*index].action;
            let wanted = imprint.place_of(action.id).unwrap_or(usize::MAX);
            (wanted, imprint.place_of_subject(&action.effect.subject()), *index)
        };
        order.sort_by_cached_key(place);
        for index in order {
            let flight = &self.flights[index];
            imprint.action(flight.action.id);
            imprint.effect(&flight.action.effect);
            let flags = [flight.ghost, self.is_next(index), self.world.knows_newer(&flight.action)];
            let flags = flags.iter().fold(0, |word, flag| word * 2 + u64::from(*flag));
            imprint.word(flight.action.epoch.0 * 8 + flags);
            imprint.word(flight.unseen << 32 | flight.floor << 16 | flight.ceiling);
        }
        for (name, mark) in &self.harms {
            imprint.instance(name);
            imprint.write(*mark);
        }
        imprint.word(self.past.len() as u64);
        for (_, snapshot) in &self.past {
            for observation in snapshot.iter() {
                imprint.observation(observation);
            }
        }
        if let Some(looked) = &self.looked {
            imprint.snapshot(looked.instances);
            imprint.snapshot(looked.others);
            imprint.flag(looked.at == self.now);
        }
        for (name, told) in &self.told {
            imprint.instance(name);
            imprint.flag(*told);
        }
        let Faults { harms, crashes, lost_answers, slow, orders, .. } = self.left;
        imprint.word(u64::from_le_bytes([harms, crashes, lost_answers, slow, orders, 0, 0, 0]));
        self.ledger.imprint(imprint);
        imprint.finish()
    }
}
