//! Runner: drives the production engine through one rollout on a simulated world.
//!
//! In: a seed and what to do with it. Out: a [`RunReport`]. The order of the engine's contract is kept:
//! step, append, commit, attempt. First a storm with the faults of the seed, then calm, in which the
//! rollout must end. Absent: threads; runs are independent, so callers run many side by side.

mod acts;
mod attempts;
mod beside;
mod check;
mod clock;
mod config;
mod coverage;
mod drive;
mod encore;
mod film;
mod heard;
mod look;
mod person;
mod probes;
mod question;
mod queue;
mod reader;
mod report;
mod rivals;
mod store;
mod strikes;

use rollout_core::{
    engine::{Engine, Event, Record, Setup},
    id::InstanceId,
};

use self::{
    acts::Act,
    attempts::Attempts,
    beside::Beside,
    clock::Clock,
    encore::Encores,
    heard::Hearing,
    look::Looks,
    person::whole,
    probes::Probes,
    queue::{Job, Queue},
    reader::Reader,
    rivals::Rivals,
    store::Store,
};
pub use self::{
    config::{FaultChoice, RunConfig},
    coverage::{Coverage, ORDERS, PHASES, SIGHTS},
    film::{Film, Frame, Look, Second, Share, Track},
    heard::{Heard, Took},
    report::{Finish, RunReport},
};
use crate::{
    faults::Faults,
    incident::CrashPoint,
    invariants::{Invariant, Question, Violation},
    kinds::Hearers,
    ledger::Ledger,
    random::Stream,
    saboteur::Saboteur,
    setting::{History, Setting, revision},
    transcript::Transcript,
    world::{BEGINNING, Tally, Truth, World},
};

/// Most events of a run; one that has more goes in circles.
const EVENTS_MAX: u64 = 200_000;

/// Time from the beginning to the trial where a revision is adopted, in milliseconds.
pub(crate) const HEAD: u64 = 500;

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
    /// Which of them hear each kind of moment.
    hearers: Hearers,
    /// What the engine is asked for their sake.
    questions: Vec<Question>,
    broken: Vec<&'static str>,
    violations: Vec<Violation>,
    saboteur: Option<&'a mut dyn Saboteur>,
    setup: Setup,
    engine: Option<Engine>,
    journal: Vec<Record>,
    reader: Reader,
    /// Longest time from the end of all faults to the end of the rollout, in milliseconds.
    patience: u64,
    /// Number of engines so far; answers for an earlier one reach nobody.
    life: u32,
    steps: u64,
    wake_at: Option<u64>,
    queue: Queue,
    attempts: Attempts,
    looks: Looks,
    probes: Probes,
    beside: Beside,
    rivals: Rivals,
    store: Store,
    clock: Clock,
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
    film: Option<Film>,
    hearing: Hearing,
    /// Decisions until the one at which the engine is to crash, and where in it.
    crash_at: Option<(u64, CrashPoint)>,
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
    let is_told = |run: &Run<'_>| {
        let wanted = config.until_broken.as_deref();
        wanted.is_some_and(|wanted| run.broken.contains(&wanted))
    };
    while !is_told(&run) && run.turn() {}
    run.report()
}

/// What a run is about.
fn setting_of(config: &RunConfig) -> Setting {
    let drawn = || Setting::saying(config.seed, &config.words);
    let mut setting = config.setting.clone().unwrap_or_else(drawn);
    if matches!(config.faults, FaultChoice::Off) {
        // No storm: a person helps on from the beginning.
        setting.storm = 0;
    }
    setting
}

/// The world of a run, in which nothing has happened.
fn world_of(config: &RunConfig, setting: &Setting) -> World {
    let mut world = World::new(setting.world.clone(), config.seed);
    if config.neighbour {
        world.put_foreign(neighbour(), report::NEIGHBOUR);
    }
    world
}

/// What goes wrong in a run.
fn faults_of(config: &RunConfig) -> Faults {
    let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
    let mut faults = match &config.faults {
        FaultChoice::Drawn => Faults::draw(config.seed, |_| true),
        FaultChoice::Off => Faults::none(),
        FaultChoice::Only(names) => Faults::draw(config.seed, |name| has(names, name)),
        FaultChoice::Without(names) => Faults::draw(config.seed, |name| !has(names, name)),
        FaultChoice::Named(names) => Faults::named(config.seed, names),
        FaultChoice::Written(incidents) => Faults::written(incidents),
    };
    if config.incidents {
        faults.keep();
    }
    faults
}

/// The name of what is somebody else's: one that ours could have.
fn neighbour() -> InstanceId {
    InstanceId::new("web-v9-9").expect("a short name of letters, digits and dashes is a name")
}

impl<'a> Run<'a> {
    fn new(config: &RunConfig, saboteur: Option<&'a mut dyn Saboteur>) -> Self {
        let seed = config.seed;
        let setting = setting_of(config);
        let faults = faults_of(config);
        let setup = Setup {
            workload: setting.workload.clone(),
            capabilities: setting.world.capabilities.clone(),
            tuning: setting.tuning,
        };
        let mut stream = Stream::new(seed, "runner");
        let invariants = check::wanted(config);
        Self {
            seed,
            truth: config.truth,
            world: world_of(config, &setting),
            patience: setting.patience(),
            setting,
            ledger: Ledger::default(),
            faults,
            hearers: Hearers::of(&invariants),
            questions: invariants.iter().filter_map(|one| one.asks()).collect(),
            invariants,
            broken: Vec::new(),
            violations: Vec::new(),
            saboteur,
            setup,
            engine: None,
            journal: Vec::new(),
            reader: Reader::default(),
            life: 0,
            steps: 0,
            wake_at: None,
            queue: Queue::default(),
            attempts: Attempts::default(),
            looks: Looks::default(),
            probes: Probes::default(),
            beside: Beside::new(seed),
            rivals: Rivals::new(seed),
            store: Store::new(seed),
            clock: Clock::default(),
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
            film: config.film.then(Film::default),
            hearing: Hearing::new(config.heard),
            crash_at: config.crash,
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
                    InstanceId::new(format!("{}-v1-{number}", self.setting.workload))
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
                self.queue.push(self.world.now() + HEAD, Job::Trial);
            }
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
            self.feed(Event::Woke);
        } else if self.queue.next() <= at
            && let Some(job) = self.queue.pop()
        {
            self.carry_out(job);
        }
        self.judge_end();
        true
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
        self.take_frame();
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
            Job::Deed(place) => self.perform_written(place),
            Job::Encore => self.encore(),
            Job::Poll(run) => self.poll(run),
            Job::Polled(run, state, life) => self.polled(run, state, life),
            Job::Read(place) => self.read(place),
            Job::Degrade => self.degrade(),
            Job::Rival(life, due) => self.rival(life, due),
        }
    }
}
