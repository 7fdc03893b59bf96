//! The engine's contract, kept: step, append, commit, attempt; and crashes in between.

use rollout_core::{
    engine::{Event, Order, OrderKind, Record, Step},
    port::Claim,
    time::Timestamp,
};

use super::{Job, Run, question::Asked};
use crate::{
    incident::CrashPoint,
    invariants::{Happened, Moment, Terms},
    runner::check::{self, Judge},
};

/// Who claims the workload in every run.
const OWNER: &str = "simulated";

impl Run<'_> {
    /// Gives the engine a fact, and carries out what it decides.
    pub(super) fn feed(&mut self, event: Event) {
        if self.engine.is_none() {
            return;
        }
        let event = match &mut self.saboteur {
            Some(saboteur) => match saboteur.event(event) {
                Some(event) => event,
                None => return,
            },
            None => event,
        };
        let now = self.world.now();
        let alone = matches!(event, Event::Woke);
        let asked = Asked::of(&event, &self.ledger);
        self.steps += 1;
        self.transcript.event(now, &event);
        let Some(engine) = &mut self.engine else {
            return;
        };
        let (at, fact) = (Timestamp(self.clock.told(now)), self.hearing.fact(&event));
        let mut step = engine.step(at, event);
        self.hearing.took(at, fact, &step);
        if let Some(saboteur) = &mut self.saboteur {
            saboteur.step(&mut step, &self.world, &self.ledger);
        }
        self.transcript.step(now, &step);
        let asked = asked.map(|asked| self.answered(asked, &step));
        let output = step.records.len() + step.actions.len();
        let quiet = self.is_quiet();
        self.judge(Happened::Stepped { alone, output, quiet });
        let crash = match output {
            0 => None,
            _ => self.crash_now().or_else(|| self.faults.crash(now, &step)),
        };
        self.note_strikes();
        let crash = self.unkept(&step).or(crash);
        if self.carry(step, crash) {
            self.question(asked.flatten(), output);
            self.schedule_probes();
            self.schedule_beside();
        }
    }

    /// Makes a decision durable, commits it and attempts what it orders, as far as it comes. Returns whether
    /// the engine lives on.
    fn carry(&mut self, step: Step, crash: Option<CrashPoint>) -> bool {
        let Step { records, actions, wake_at, .. } = step;
        if crash == Some(CrashPoint::BeforeAppend) {
            self.hearing.lost();
            self.crash();
            return false;
        }
        self.append(records);
        if crash == Some(CrashPoint::BeforeCommit) {
            self.crash();
            return false;
        }
        self.wake_at = wake_at.map(|at| self.clock.when(at.0));
        let limit = match crash {
            Some(CrashPoint::AfterAttempts(limit)) => limit,
            Some(CrashPoint::BeforeAppend | CrashPoint::BeforeCommit) | None => usize::MAX,
        };
        let terms = self.terms();
        for action in actions.into_iter().take(limit) {
            self.judge(Happened::Ordered(&action));
            self.attempt(action, terms);
        }
        if crash.is_some() {
            self.crash();
        }
        crash.is_none()
    }

    /// How far the append of a decision comes, if the store fails it: as far as a crash there.
    fn unkept(&mut self, step: &Step) -> Option<CrashPoint> {
        let now = self.world.now();
        let point = if step.records.is_empty() { None } else { self.store.fails(now) }?;
        self.transcript.say(now, "the journal fails");
        self.judge(Happened::NotKept);
        let is_minded = self.saboteur.as_ref().is_none_or(|saboteur| saboteur.minds_the_journal());
        is_minded.then_some(point)
    }

    /// What the engine takes for the time.
    pub(super) fn told(&self) -> Timestamp {
        Timestamp(self.clock.told(self.world.now()))
    }

    /// Where the engine is to crash in this decision, if it is.
    fn crash_now(&mut self) -> Option<CrashPoint> {
        let (left, point) = self.crash_at.take()?;
        if left <= 1 {
            return Some(point);
        }
        self.crash_at = Some((left - 1, point));
        None
    }

    /// Makes the records of a step durable and commits them.
    fn append(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        for record in &records {
            self.judge(Happened::Recorded(record));
            self.coverage.recorded(record);
            self.ledger.apply(record);
        }
        if let Some(engine) = &mut self.engine {
            engine.commit(&records);
        }
        let kept = self.journal.len();
        self.journal.extend(records);
        if let Some(saboteur) = &mut self.saboteur {
            saboteur.journal(&mut self.journal, kept);
        }
    }

    /// Checks every promise at this moment.
    pub(super) fn judge(&mut self, happened: Happened<'_>) {
        let moment = Moment {
            now: self.world.now(),
            step: self.steps,
            world: &self.world,
            tally: &self.tally,
            before: &self.before,
            ledger: &self.ledger,
            is_ahead: self.clock.was_ahead(),
            happened,
        };
        let known = self.violations.len();
        check::check(
            &mut Judge {
                seed: self.seed,
                invariants: &mut self.invariants,
                hearers: self.hearers,
                broken: &mut self.broken,
                violations: &mut self.violations,
            },
            &moment,
        );
        for violation in &self.violations[known..] {
            self.transcript.say(self.world.now(), &violation.to_string());
        }
    }

    /// What the engine is bound to now.
    pub(super) fn terms(&self) -> Terms {
        let ledger = &self.ledger;
        Terms {
            step: self.steps,
            at: self.world.now(),
            records: ledger.records,
            shown: self.looks.shown,
            desired: ledger.desired(),
            floor: ledger.floor(),
            ceiling: ledger.ceiling(),
            resizes: ledger.limits.len(),
            strict: ledger.counts_strictly(),
            capacity: self.tally.capacity(),
            exposure: ledger.exposure(),
            candidates: ledger.stage_now().map_or(u64::MAX, |stage| stage.candidate),
            aborted: ledger.aborted.is_some(),
        }
    }

    /// Gives the engine an order of a person. Whoever skips forgets now and then to say why.
    pub(super) fn order(&mut self, kind: OrderKind) {
        let says_why = matches!(kind, OrderKind::Skip { .. }) && !self.steps.is_multiple_of(8);
        let why = says_why.then(|| "seen elsewhere".to_owned());
        self.feed(Event::Ordered(Order { kind, by: "operator".to_owned(), why }));
    }

    /// Ends the engine with everything that it holds in memory.
    pub(super) fn crash(&mut self) {
        let Some(engine) = self.engine.take() else {
            return;
        };
        let now = self.world.now();
        self.transcript.say(now, "the engine crashes");
        self.compare(&engine);
        self.forget();
        let down = self.stream.magnitude(10, 8000);
        self.queue.push(now + down, Job::Restart);
    }

    /// Forgets what an engine held in memory.
    pub(super) fn forget(&mut self) {
        self.attempts.forget();
        self.probes.forget();
        self.beside.forget();
        self.looks.forget();
        self.wake_at = None;
    }

    /// Lets the engine that starts read the clock.
    fn start_clock(&mut self) {
        let last = self.journal.last().map_or(0, |record| record.at.0);
        if self.saboteur.as_ref().is_none_or(|saboteur| saboteur.minds_the_clock()) {
            self.clock.start(self.world.now(), last);
        } else {
            self.clock.start_blindly();
        }
    }

    /// Starts an engine from the journal, claims the workload and looks at the world.
    pub(super) fn restart(&mut self) {
        self.life += 1;
        let now = self.world.now();
        self.start_clock();
        let engine = match self.replayed() {
            Ok(engine) => engine,
            Err(error) => return self.violate("C2 replay", error.to_string()),
        };
        let claim =
            Claim { owner: OWNER.to_owned(), epoch: engine.epoch().next(), take_over: false };
        match self.world.claim(&self.setup.workload, &claim) {
            Ok(epoch) => {
                self.engine = Some(engine);
                self.hearing.began();
                self.transcript.say(now, "an engine starts");
                self.feed(Event::Claimed { epoch });
                self.look_everywhere();
            }
            Err(error) => self.violate("F1 fencing", error.to_string()),
        }
    }
}
