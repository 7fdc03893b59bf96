//! Rivals: engines that another one has taken over from, and that nobody has told. Each goes on with what it
//! knows, in a journal of its own, which is the worst that can be: it sees the world, decides, and orders.
//!
//! In: the engine that was replaced, answers to what it had ordered, looks. Out: attempts of an older epoch.
//! Absent: probes; a rival lives on what it has seen of them.

use rollout_core::{
    engine::{Action, Change, Event, Observation, Outcome, RefusalKind, Settlement},
    id::ActionId,
    port::Ability,
    time::Timestamp,
};

use super::{Job, Run};
use crate::{
    invariants::{Happened, Landing},
    random::Stream,
};

/// What a rival does next.
#[derive(Debug)]
pub(super) enum Move {
    /// It looks at everything.
    Look,
    /// Time wakes it, if it is this time still.
    Wake(u64),
    /// An attempt of it reaches the world.
    Land(Box<Action>),
    /// An answer reaches it.
    Answer(ActionId, Outcome),
}

/// An engine that another one has taken over from.
#[derive(Debug)]
struct Rival {
    engine: rollout_core::engine::Engine,
    /// Its number among the engines of the run.
    life: u32,
    until: u64,
    wake_at: Option<u64>,
    /// Whether it was told that another one reigns.
    is_told: bool,
}

/// Every rival of a run that lives.
#[derive(Debug)]
pub(super) struct Rivals {
    stream: Stream,
    all: Vec<Rival>,
}

/// Most rivals beside the engine that reigns.
const RIVALS_MAX: usize = 4;

/// Shortest and longest time between two looks of a rival, in milliseconds.
const PERIOD: (u64, u64) = (300, 4000);

impl Rivals {
    pub(super) fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, "rivals"), all: Vec::new() }
    }

    /// Ends them all.
    pub(super) fn end(&mut self) {
        self.all.clear();
    }

    /// Whether the engine of this number is one of them.
    pub(super) fn has(&self, life: u32) -> bool {
        self.all.iter().any(|rival| rival.life == life)
    }
}

impl Run<'_> {
    /// Lets another engine take over from the one that reigns, which goes on for `length` milliseconds.
    pub(super) fn take_over(&mut self, length: u64) {
        let Some(engine) = self.engine.take() else { return };
        let (now, life) = (self.world.now(), self.life);
        self.transcript.say(now, "another engine takes over; the one before goes on");
        if RIVALS_MAX <= self.rivals.all.len() {
            self.rivals.all.remove(0);
        }
        let wake_at = self.wake_at;
        let (until, is_told) = (now + length, false);
        self.rivals.all.push(Rival { engine, life, until, wake_at, is_told });
        if let Some(at) = wake_at {
            self.queue.push(at, Job::Rival(life, Move::Wake(at)));
        }
        let first = self.rivals.stream.between(1, PERIOD.0);
        self.queue.push(now + first, Job::Rival(life, Move::Look));
        self.forget();
        self.restart();
    }

    /// Lets a rival do what is due.
    pub(super) fn rival(&mut self, life: u32, due: Move) {
        match due {
            Move::Look => self.rival_looks(life),
            Move::Wake(at) => {
                let is_due = |it: &Rival| it.life == life && it.wake_at == Some(at);
                if self.rivals.all.iter().any(is_due) {
                    self.tell_rival(life, Event::Woke);
                }
            }
            Move::Land(action) => self.rival_lands(life, &action),
            Move::Answer(id, outcome) => self.tell_rival(life, Event::Attempted { id, outcome }),
        }
    }

    fn rival_looks(&mut self, life: u32) {
        if !self.rivals.has(life) {
            return;
        }
        let capabilities = &self.setup.capabilities;
        let mut seen = vec![Observation::Inventory(self.world.inventory())];
        if capabilities.enrolment.is_some() {
            seen.push(Observation::Enrolments(self.world.enrolments()));
        }
        if capabilities.router.is_some() {
            seen.push(Observation::Route(self.world.route_in_force()));
        }
        if capabilities.abilities.contains(&Ability::Modules) {
            seen.push(Observation::Modules(self.world.modules_in_force()));
        }
        for observation in seen {
            self.tell_rival(life, Event::Observed(observation));
        }
        let next = self.world.now() + self.rivals.stream.between(PERIOD.0, PERIOD.1);
        self.queue.push(next, Job::Rival(life, Move::Look));
    }

    /// Gives a rival a fact, keeps what it decides in its own journal, and lets its orders go out.
    pub(super) fn tell_rival(&mut self, life: u32, event: Event) {
        let now = self.world.now();
        self.rivals.all.retain(|rival| now < rival.until);
        let Some(rival) = self.rivals.all.iter_mut().find(|rival| rival.life == life) else {
            return;
        };
        let was_told = rival.is_told;
        let step = rival.engine.step(Timestamp(now), event);
        rival.engine.commit(&step.records);
        let is_fenced = |change: &Change| {
            let Change::Settled { how: Settlement::Refused(why), .. } = change else {
                return false;
            };
            why.kind == RefusalKind::Fenced
        };
        rival.is_told |= step.records.iter().any(|record| is_fenced(&record.change));
        rival.wake_at = step.wake_at.map(|at| at.0);
        if let Some(at) = rival.wake_at {
            self.queue.push(at, Job::Rival(life, Move::Wake(at)));
        }
        let travel = self.setting.travel;
        for action in step.actions {
            self.transcript.beside(now, &action);
            self.judge(Happened::Beside { action: &action, is_told: was_told });
            let there = self.rivals.stream.between(travel.0, travel.1);
            self.queue.push(now + there, Job::Rival(life, Move::Land(Box::new(action))));
        }
    }

    fn rival_lands(&mut self, life: u32, action: &Action) {
        let receipt = self.world.apply(action);
        self.transcript.landed(self.world.now(), action, &receipt);
        self.count();
        let (terms, target) = (self.terms(), None);
        let landing = Landing { action, terms, receipt: &receipt, target };
        self.judge(Happened::LandedBeside(&landing));
        let travel = self.setting.travel;
        let back = self.rivals.stream.between(travel.0, travel.1);
        let at = receipt.answer_at.max(self.world.now()) + back;
        self.queue.push(at, Job::Rival(life, Move::Answer(action.id, receipt.outcome)));
    }
}
