//! Faults: what goes wrong, one class in each file.
//!
//! A class draws from a stream of its own whether it exists in a run and how often it strikes, so adding
//! one shifts no draw of another. A new class is a file here and a line in [`CLASSES`].

pub(crate) mod autoscaler;
mod bad_candidate;
mod bad_hook;
mod busy;
mod crash_after_ready;
mod delayed_effect;
mod engine_crash;
mod failed_start;
mod flap;
mod halt;
mod instance_lost;
mod load_balancer_restart;
mod lost_answer;
mod observation_failure;
mod operator;
pub(crate) mod orders;
mod others_modules;
mod slow_action;
mod slow_start;
mod stale_view;

use rollout_core::engine::{OrderKind, Step};

use crate::{
    ledger::Ledger,
    random::Stream,
    world::{Job, Life, Truth, World},
};

/// One class of faults, in one run. Every method says whether it struck.
pub(crate) trait Fault: Send {
    /// Says what is true of the next candidate.
    fn truth(&mut self, _truth: &mut Truth) -> bool {
        false
    }

    /// Changes the life of an instance that starts.
    fn life(&mut self, _life: &mut Life) -> bool {
        false
    }

    /// Changes a run of a hook that begins.
    fn job(&mut self, _job: &mut Job) -> bool {
        false
    }

    /// Changes what happens to an attempt.
    fn attempt(&mut self, _fate: &mut Fate) -> bool {
        false
    }

    /// Changes what happens to an observation.
    fn observation(&mut self, _sight: &mut Sight) -> bool {
        false
    }

    /// Lets the engine crash while it carries out a step.
    fn crash(&mut self, _step: &Step) -> Option<CrashPoint> {
        None
    }

    /// Time to its next strike by the clock, in milliseconds; `None`: it has none.
    fn wait(&mut self) -> Option<u64> {
        None
    }

    /// Strikes by the clock.
    fn strike(&mut self, _scene: &mut Scene<'_>) -> bool {
        false
    }
}

/// What happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Time from order to effect, in milliseconds.
    pub(crate) there: u64,
    /// Time from effect to answer, in milliseconds.
    pub(crate) back: u64,
    /// Whether it reaches the world.
    pub(crate) arrives: bool,
    /// What comes back.
    pub(crate) answer: Answer,
}

/// What comes back from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What the world says.
    Honest,
    /// Nothing; the attempt is given up after this long, in milliseconds.
    Lost(u64),
    /// A refusal: too busy.
    Busy,
}

/// What happens to an observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Time from snapshot to delivery, in milliseconds.
    pub(crate) lag: u64,
    /// Whether there is no answer.
    pub(crate) fails: bool,
}

/// Where in carrying out a step the engine crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// Before the records are durable.
    BeforeAppend,
    /// After they are, before they are committed.
    BeforeCommit,
    /// After they were committed and this many actions were attempted.
    AfterAttempts(usize),
}

/// What a strike by the clock can change.
pub(crate) struct Scene<'a> {
    /// The world.
    pub(crate) world: &'a mut World,
    /// What the journal says.
    pub(crate) ledger: &'a Ledger,
    /// Orders to give.
    pub(crate) orders: &'a mut Vec<OrderKind>,
    /// Whether the engine crashes.
    pub(crate) crash: &'a mut bool,
}

/// Makes one class for a run, or decides that the run goes without it.
type Make = fn(&mut Stream) -> Box<dyn Fault>;

/// Every class with its name.
const CLASSES: &[(&str, Make)] = &[
    ("bad candidate", bad_candidate::make),
    ("slow start", slow_start::make),
    ("failed start", failed_start::make),
    ("crash after ready", crash_after_ready::make),
    ("readiness flap", flap::make),
    ("instance lost", instance_lost::make),
    ("load balancer restart", load_balancer_restart::make),
    ("lost answer", lost_answer::make),
    ("delayed effect", delayed_effect::make),
    ("refused busy", busy::make),
    ("slow action", slow_action::make),
    ("stale view", stale_view::make),
    ("observation failure", observation_failure::make),
    ("engine crash", engine_crash::make),
    ("operator", operator::make),
    ("rare orders", orders::make),
    ("halt", halt::make),
    ("autoscaler", autoscaler::make),
    ("bad hook", bad_hook::make),
    ("modules of others", others_modules::make),
];

/// Number of classes.
pub const CLASS_COUNT: usize = CLASSES.len();

/// Name of a class.
#[must_use]
pub fn class_name(class: usize) -> &'static str {
    CLASSES[class].0
}

/// The classes of one run.
pub(crate) struct Faults {
    /// Whether they strike.
    pub(crate) on: bool,
    classes: Vec<(usize, Box<dyn Fault>)>,
    /// Strikes of each class since they were last taken.
    pub(crate) struck: Vec<usize>,
}

/// Chance, in a million, that a run has a given class.
const PRESENT: u64 = 350_000;

impl Faults {
    /// Draws the classes of the run with this seed. `only` limits them by name.
    pub(crate) fn draw(seed: u64, only: Option<&[String]>) -> Self {
        let mut classes = Vec::new();
        for (class, (name, make)) in CLASSES.iter().enumerate() {
            let mut stream = Stream::new(seed, name);
            let present = stream.hits(PRESENT);
            let wanted = only.is_none_or(|only| only.iter().any(|one| one == name));
            if present && wanted {
                classes.push((class, make(&mut stream)));
            }
        }
        Self { on: false, classes, struck: Vec::new() }
    }

    /// No class at all.
    pub(crate) const fn none() -> Self {
        Self { on: false, classes: Vec::new(), struck: Vec::new() }
    }

    /// Names of the classes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.classes.iter().map(|(class, _)| class_name(*class))
    }

    fn each(&mut self, mut strike: impl FnMut(&mut dyn Fault) -> bool) {
        if !self.on {
            return;
        }
        for (class, fault) in &mut self.classes {
            if strike(fault.as_mut()) {
                self.struck.push(*class);
            }
        }
    }

    pub(crate) fn truth(&mut self) -> Truth {
        let mut truth = Truth::Good;
        self.each(|fault| fault.truth(&mut truth));
        truth
    }

    pub(crate) fn life(&mut self, life: &mut Life) {
        self.each(|fault| fault.life(life));
    }

    pub(crate) fn job(&mut self, job: &mut Job) {
        self.each(|fault| fault.job(job));
    }

    pub(crate) fn attempt(&mut self, fate: &mut Fate) {
        self.each(|fault| fault.attempt(fate));
    }

    pub(crate) fn observation(&mut self, sight: &mut Sight) {
        self.each(|fault| fault.observation(sight));
    }

    pub(crate) fn crash(&mut self, step: &Step) -> Option<CrashPoint> {
        let mut point = None;
        self.each(|fault| {
            let drawn = fault.crash(step);
            point = point.or(drawn);
            drawn.is_some()
        });
        point
    }

    /// First strikes by the clock: place of the class in this run, and time to it.
    pub(crate) fn first_strikes(&mut self) -> Vec<(usize, u64)> {
        let classes = self.classes.iter_mut().enumerate();
        let waits = classes.map(|(place, (_, fault))| (place, fault.wait()));
        waits.filter_map(|(place, wait)| wait.map(|wait| (place, wait))).collect()
    }

    /// Strikes by the clock, and says when it does so again.
    pub(crate) fn strike(&mut self, place: usize, scene: &mut Scene<'_>) -> Option<u64> {
        if !self.on {
            return None;
        }
        let (class, fault) = &mut self.classes[place];
        if fault.strike(scene) {
            self.struck.push(*class);
        }
        fault.wait()
    }
}

/// A rate in a million whose order of magnitude is drawn evenly, up to `most`.
fn rate(stream: &mut Stream, most: u64) -> u64 {
    stream.magnitude(most / 64, most)
}

/// The instances that serve, to choose a victim from.
fn victim(stream: &mut Stream, world: &World) -> Option<rollout_core::id::InstanceId> {
    let now = world.now();
    let serving = || {
        let all = world.instances().iter();
        all.filter(move |(_, instance)| instance.serves(now))
    };
    let chosen = usize::try_from(stream.below(serving().count() as u64)).unwrap_or_default();
    serving().nth(chosen).map(|(name, _)| name.clone())
}
