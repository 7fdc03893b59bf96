//! Runner: drives the production engine through one rollout on a simulated world.
//!
//! In: a seed and what to do with it. Out: a [`RunReport`]. The order of the engine's contract is kept:
//! step, append, commit, attempt. First a storm with the faults of the seed, then calm, in which the
//! rollout must end. Absent: threads; runs are independent, so callers run many side by side.

mod attempts;
mod beside;
mod check;
mod coverage;
mod drive;
mod encore;
mod look;
mod probes;
mod queue;
mod report;

use std::sync::Arc;

use rollout_core::{
    engine::{Engine, OrderKind, Record, Revision, Setup, WaitReason},
    id::{InstanceId, RevisionId},
};
use serde_json::Value;

use self::{
    attempts::Attempts,
    beside::Beside,
    encore::Encores,
    look::Looks,
    probes::Probes,
    queue::{Job, Queue},
};
pub use self::{
    coverage::{Coverage, ORDERS, PHASES, SIGHTS},
    report::{Finish, RunReport},
};
use crate::{
    faults::{Faults, Scene},
    incident::{Deed, Incident},
    invariants::{self, Invariant, Violation},
    ledger::Ledger,
    random::Stream,
    saboteur::Saboteur,
    setting::{History, Setting, revision},
    transcript::Transcript,
    world::{BEGINNING, Tally, Truth, World},
};

/// What to do with a seed.
#[derive(Clone, Debug, Default)]
pub struct RunConfig {
    /// The seed.
    pub seed: u64,
    /// What the run is about; `None`: drawn from the seed.
    pub setting: Option<Setting>,
    /// Which faults strike.
    pub faults: FaultChoice,
    /// What is true of the candidate; `None`: good, unless a fault says otherwise.
    pub truth: Option<Truth>,
    /// Whether a transcript is kept.
    pub transcript: bool,
    /// Whether everything that goes wrong is kept, to be played again.
    pub incidents: bool,
    /// Whether the promises are checked.
    pub unchecked: bool,
}

/// Which faults strike.
#[derive(Clone, Debug, Default)]
pub enum FaultChoice {
    /// Those that the seed draws.
    #[default]
    Drawn,
    /// None.
    Off,
    /// Of those that the seed draws, the ones of these names.
    Only(Vec<String>),
    /// These, and nothing else; orders after the end are among them.
    Written(Vec<Incident>),
}

/// Most events of a run; one that has more goes in circles.
const EVENTS_MAX: u64 = 200_000;

/// A rollout that was resumed so often in vain is aborted.
const RESUMES_MAX: u32 = 6;

/// Time after the end in which the engine may still tidy up, in milliseconds.
const TIDYING: u64 = 60_000;

/// One run under way.
pub(crate) struct Run<'a> {
    seed: u64,
    setting: Setting,
    truth: Option<Truth>,
    world: World,
    ledger: Ledger,
    faults: Faults,
    invariants: Vec<Box<dyn Invariant>>,
    broken: Vec<&'static str>,
    violations: Vec<Violation>,
    saboteur: Option<&'a mut dyn Saboteur>,
    setup: Setup,
    engine: Option<Engine>,
    journal: Vec<Record>,
    /// Number of engines so far; answers for an earlier one reach nobody.
    life: u32,
    steps: u64,
    wake_at: Option<u64>,
    queue: Queue,
    attempts: Attempts,
    looks: Looks,
    probes: Probes,
    beside: Beside,
    tally: Tally,
    before: Tally,
    act: Act,
    /// When the trial began, the faults end, and the rollout has ended; in milliseconds.
    began: u64,
    calm_at: u64,
    ended_at: Option<u64>,
    lowest: Option<u64>,
    quiet_wanted: bool,
    resumed: u32,
    events: u64,
    stream: Stream,
    encores: Encores,
    coverage: Coverage,
    transcript: Transcript,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// The revision that runs before is deployed or adopted, without faults.
    Prologue,
    /// The rollout under trial, with faults.
    Storm,
    /// The same, with the faults off.
    Calm,
    /// Over.
    Over(Finish),
}

/// Carries out one run.
#[must_use]
pub fn run(config: &RunConfig) -> RunReport {
    run_with(config, None)
}

/// Carries out one run with a planted bug between the engine and the world.
#[must_use]
pub fn run_with(config: &RunConfig, saboteur: Option<&mut dyn Saboteur>) -> RunReport {
    let mut run = Run::new(config, saboteur);
    run.open();
    while run.turn() {}
    run.report()
}

impl<'a> Run<'a> {
    fn new(config: &RunConfig, saboteur: Option<&'a mut dyn Saboteur>) -> Self {
        let seed = config.seed;
        let setting = config.setting.clone().unwrap_or_else(|| Setting::draw(seed));
        let mut setting = setting;
        let mut faults = match &config.faults {
            FaultChoice::Drawn => Faults::draw(seed, None),
            FaultChoice::Off => {
                // No storm: a person helps on from the beginning.
                setting.storm = 0;
                Faults::none()
            }
            FaultChoice::Only(names) => Faults::draw(seed, Some(names)),
            FaultChoice::Written(incidents) => Faults::written(incidents),
        };
        if config.incidents {
            faults.keep();
        }
        let setup = Setup {
            workload: setting.workload.clone(),
            capabilities: setting.world.capabilities.clone(),
            tuning: setting.tuning,
        };
        let invariants = if config.unchecked { Vec::new() } else { invariants::all() };
        let mut stream = Stream::new(seed, "runner");
        Self {
            seed,
            truth: config.truth,
            world: World::new(setting.world.clone(), seed),
            setting,
            ledger: Ledger::default(),
            faults,
            invariants,
            broken: Vec::new(),
            violations: Vec::new(),
            saboteur,
            setup,
            engine: None,
            journal: Vec::new(),
            life: 0,
            steps: 0,
            wake_at: None,
            queue: Queue::default(),
            attempts: Attempts::default(),
            looks: Looks::default(),
            probes: Probes::default(),
            beside: Beside::new(seed),
            tally: Tally::default(),
            before: Tally::default(),
            act: Act::Prologue,
            began: BEGINNING,
            calm_at: u64::MAX,
            ended_at: None,
            lowest: None,
            quiet_wanted: stream.hits(120_000),
            resumed: 0,
            events: 0,
            encores: Encores::draw(config),
            stream,
            coverage: Coverage::default(),
            transcript: Transcript::new(config.transcript),
        }
    }

    /// Sets the scene and starts the first engine.
    fn open(&mut self) {
        let names: Vec<&str> = self.faults.names().collect();
        self.transcript.opening(self.seed, &self.setting, &names);
        if let Some(saboteur) = &mut self.saboteur {
            saboteur.open(&mut self.world);
        }
        if self.setting.history == History::Adopted {
            let names: Vec<InstanceId> = (1..=self.setting.spec.replicas)
                .map(|number| {
                    InstanceId::new(format!("web-v1-{number}"))
                        .expect("a short name of letters, digits and dashes is a name")
                })
                .collect();
            let revision = whole(revision("v1"));
            self.world.populate(&revision, &names);
        }
        self.count();
        self.restart();
        match self.setting.history {
            History::Deployed => self.queue.push(self.world.now() + 50, Job::Submit("v1")),
            History::Adopted | History::Nothing => {
                self.queue.push(self.world.now() + 500, Job::Trial);
            }
        }
    }

    /// Starts the rollout under trial, and the faults.
    fn begin_trial(&mut self) {
        self.act = Act::Storm;
        self.began = self.world.now();
        self.calm_at = self.began + self.setting.storm;
        self.faults.on = true;
        self.queue.push(self.began, Job::Submit("v2"));
        self.queue.push(self.calm_at, Job::Calm);
        let wait = self.beside.wait_for_others();
        self.queue.push(self.began + wait, Job::Degrade);
        for (place, wait) in self.faults.first_strikes() {
            self.queue.push(self.began + wait, Job::Strike(place));
        }
        for (place, at) in self.faults.deeds() {
            self.queue.push(self.began.max(BEGINNING + at), Job::Deed(place));
        }
    }

    /// Ends the faults.
    fn begin_calm(&mut self) {
        if self.act == Act::Storm {
            self.act = Act::Calm;
            self.faults.on = false;
            self.calm_at = self.world.now();
            self.transcript.say(self.world.now(), "faults off");
            self.queue.push(self.world.now() + 10_000, Job::Help);
            self.degrade();
        }
    }

    /// Does what is due next. Returns whether the run goes on.
    fn turn(&mut self) -> bool {
        if let Act::Over(_) = self.act {
            return false;
        }
        self.events += 1;
        let wake = self.wake_at.unwrap_or(u64::MAX);
        let at = self.queue.next().min(wake).min(self.world.next_change());
        let limit = self.limit();
        if limit < at || EVENTS_MAX < self.events {
            self.world.advance(at.min(limit.saturating_add(1)));
            self.overdue(limit);
            return false;
        }
        self.pass(at);
        if wake <= at {
            self.wake_at = None;
            self.feed(rollout_core::engine::Event::Woke);
        } else if self.queue.next() <= at
            && let Some(job) = self.queue.pop()
        {
            self.carry_out(job);
        }
        self.judge_end();
        true
    }

    /// Latest end of the act under way, in milliseconds.
    fn limit(&self) -> u64 {
        match self.act {
            Act::Prologue => BEGINNING + self.setting.patience(),
            Act::Storm | Act::Calm | Act::Over(_) => {
                self.calm_at.saturating_add(self.setting.patience()).saturating_add(TIDYING * 2)
            }
        }
    }

    /// Lets time pass, and looks at what the world did meanwhile.
    fn pass(&mut self, at: u64) {
        let mark = self.world.mark();
        self.world.advance(at);
        if mark != self.world.mark() {
            self.changed();
        }
    }

    /// Takes in a change that the engine did not make.
    fn changed(&mut self) {
        self.count();
        self.check_changed();
        self.hint();
    }

    /// Counts the world anew.
    fn count(&mut self) {
        std::mem::swap(&mut self.tally, &mut self.before);
        self.world.tally_into(&mut self.tally);
        if self.ledger.stable.is_some() {
            let capacity = self.tally.capacity();
            self.lowest = Some(self.lowest.unwrap_or(capacity).min(capacity));
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Land(attempt) => self.land(attempt),
            Job::Answer(attempt, outcome) => self.answer(attempt, outcome),
            Job::Look(port, at) => self.look(port, at),
            Job::Seen(seen) => self.seen(*seen),
            Job::Probe(slot) => self.probe(slot),
            Job::Restart => self.restart(),
            Job::Trial => self.begin_trial(),
            Job::Submit(name) => self.submit(name),
            Job::Calm => self.begin_calm(),
            Job::Help => self.help(),
            Job::Strike(place) => self.strike(place),
            Job::Deed(place) => {
                if let Some(deed) = self.faults.deed(place) {
                    self.perform(deed);
                }
            }
            Job::Encore => self.encore(),
            Job::Poll(run) => self.poll(run),
            Job::Polled(run, state, life) => self.polled(run, state, life),
            Job::Read(place) => self.read(place),
            Job::Degrade => self.degrade(),
        }
    }

    /// Submits a revision, again and again until the journal shows it.
    fn submit(&mut self, name: &'static str) {
        let id = revision(name);
        if self.ledger.heard.contains(&id) {
            return;
        }
        if name == "v2" {
            let truth = self.truth.unwrap_or_else(|| self.faults.truth(&id));
            self.world.set_truth(id.clone(), truth);
            self.note_strikes();
        }
        let spec = Arc::clone(&self.setting.spec);
        let revision = whole(id);
        self.order(OrderKind::Submit { revision, spec });
        self.queue.push(self.world.now() + 1000, Job::Submit(name));
    }

    /// Helps a rollout on that waits for a person, once the faults are off.
    fn help(&mut self) {
        if self.ended_at.is_none() {
            let is_stopped = self.ledger.paused && !self.ledger.frozen;
            if is_stopped || self.ledger.halted {
                self.resumed += 1;
                self.order(if self.resumed.is_multiple_of(RESUMES_MAX) {
                    OrderKind::Abort
                } else {
                    OrderKind::Resume
                });
            } else if self.awaits_approval() {
                self.order(OrderKind::Promote { all: false });
            }
        }
        self.queue.push(self.world.now() + 10_000, Job::Help);
    }

    /// Whether a gate waits for a person.
    fn awaits_approval(&self) -> bool {
        let now = self.world.timestamp();
        let waits = self.engine.as_ref().map(|engine| engine.waits(now)).unwrap_or_default();
        waits.iter().any(|wait| matches!(wait.reason, WaitReason::Approval { .. }))
    }

    /// Lets a fault strike by the clock.
    fn strike(&mut self, place: usize) {
        let mut deeds = Vec::new();
        let mut scene = Scene { world: &self.world, ledger: &self.ledger, deeds: &mut deeds };
        if let Some(wait) = self.faults.strike(place, &mut scene) {
            let at = self.world.now() + wait.max(1);
            self.queue.push(at, Job::Strike(place));
        }
        self.note_strikes();
        for deed in deeds {
            self.faults.note_deed(self.world.now(), &deed);
            self.perform(deed);
        }
    }

    /// Does what a person or the environment does.
    fn perform(&mut self, deed: Deed) {
        let now = self.world.now();
        let is_late = self.faults.is_written() && self.act == Act::Calm && self.ledger.end.is_some();
        if deed.is_order() && is_late {
            // Another rollout has all its time.
            self.calm_at = now;
        }
        if !deed.is_order() {
            self.transcript.say(now, &deed.to_string());
        }
        let mark = self.world.mark();
        match deed {
            Deed::Order(kind) => self.order(kind),
            Deed::Submit(id) => {
                let truth = self.faults.truth(&id);
                self.world.set_truth(id.clone(), truth);
                let spec = self.ledger.spec.clone();
                let spec = spec.unwrap_or_else(|| Arc::clone(&self.setting.spec));
                self.order(OrderKind::Submit { revision: whole(id), spec });
            }
            Deed::Kill { instance, code } => {
                self.world.kill(&instance, code);
            }
            Deed::Lose(instance) => {
                self.world.lose(&instance);
            }
            Deed::Unready { instance, length } => {
                self.world.make_unready(&instance, length);
            }
            Deed::RestartLoadBalancer => self.world.restart_load_balancer(),
            Deed::Degrade(modules) => self.world.degrade_by_others(modules),
            Deed::Crash => return self.crash(),
        }
        if mark != self.world.mark() {
            self.changed();
        }
    }

    /// Counts which faults struck in which phase.
    pub(crate) fn note_strikes(&mut self) {
        let phase = self.ledger.phase();
        for class in self.faults.struck.drain(..) {
            self.coverage.add(class, phase);
        }
    }

    /// Decides whether the act, or the run, is over.
    fn judge_end(&mut self) {
        let now = self.world.now();
        let Some(end) = self.ledger.end.clone() else {
            return;
        };
        if self.ledger.queued || self.engine.is_none() {
            return;
        }
        match self.act {
            Act::Prologue if end == rollout_core::engine::End::Completed => {
                self.begin_trial();
            }
            Act::Prologue => {
                let detail = format!("the deploy before the trial, without faults: {end}");
                self.violate("L1 ends", detail);
                self.act = Act::Over(Finish::of(&end));
            }
            Act::Storm | Act::Calm => {
                if !self.ledger.heard.contains(&revision("v2")) {
                    return;
                }
                if self.awaits_encore() {
                    return;
                }
                let finish = Finish::of(&end);
                let ended = *self.ended_at.get_or_insert(now);
                self.begin_calm();
                let sound = self.world.config().truths.values();
                let sound = sound.into_iter().all(|truth| *truth == Truth::Good);
                let worth_watching = matches!(finish, Finish::Completed | Finish::RolledBack);
                let kept = self.kept_failed();
                let watch = (self.quiet_wanted && sound && worth_watching) || 0 < kept;
                if !watch || ended + kept + 2 * TIDYING <= now {
                    self.act = Act::Over(finish);
                }
            }
            Act::Over(_) => {}
        }
    }

    /// Whether the engine has nothing left to do.
    fn is_quiet(&self) -> bool {
        let kept = self.kept_failed();
        self.ended_at.is_some_and(|ended| ended + kept + TIDYING < self.world.now())
    }

    /// Time that a failed candidate is kept after the end, in milliseconds.
    fn kept_failed(&self) -> u64 {
        let is_back = self.ledger.end == Some(rollout_core::engine::End::RolledBack);
        let spec = self.ledger.spec.as_ref().filter(|_| is_back);
        spec.map_or(0, |spec| spec.rollback.keep_failed.as_millis())
    }
}

/// A revision with a template of its own.
fn whole(id: RevisionId) -> Arc<Revision> {
    let template = Value::String(id.to_string());
    Arc::new(Revision { id, template })
}
