//! Faults: what goes wrong, one class in each file.
//!
//! A class draws from a stream of its own whether it exists in a run and how often it strikes, so adding
//! one shifts no draw of another. A new class is a file here and a line in [`CLASSES`].

pub(crate) mod autoscaler;
mod bad_candidate;
mod bad_hook;
mod busy;
mod clock_set;
mod crash_after_ready;
mod delayed_effect;
mod engine_crash;
mod failed_start;
mod flap;
mod halt;
mod instance_lost;
mod journal_out;
mod load_balancer_restart;
mod lost_answer;
mod node_lost;
mod observation_failure;
mod operator;
pub(crate) mod orders;
mod others_modules;
mod script;
mod second_engine;
mod slow_action;
mod slow_start;
mod stale_view;

use rollout_core::{
    engine::{Effect, Step},
    id::{HookRun, InstanceId, RevisionId},
};

use self::script::Script;
use crate::{
    incident::{Answer, CrashPoint, Deed, Fate, Incident, Sight},
    ledger::Ledger,
    random::Stream,
    world::{BEGINNING, Job, Life, Truth, World},
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

/// What a strike by the clock sees, and what it does.
pub(crate) struct Scene<'a> {
    /// The world.
    pub(crate) world: &'a World,
    /// What the journal says.
    pub(crate) ledger: &'a Ledger,
    /// What is done.
    pub(crate) deeds: &'a mut Vec<Deed>,
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
    ("second engine", second_engine::make),
    ("clock set", clock_set::make),
    ("node lost", node_lost::make),
    ("journal out", journal_out::make),
];

/// Number of classes.
pub const CLASS_COUNT: usize = CLASSES.len();

/// Name of a class.
#[must_use]
pub fn class_name(class: usize) -> &'static str {
    CLASSES[class].0
}

/// What goes wrong in one run: classes that draw, or a script.
pub(crate) struct Faults {
    /// Whether they strike.
    pub(crate) on: bool,
    classes: Vec<(usize, Box<dyn Fault>)>,
    /// Strikes of each class since they were last taken.
    pub(crate) struck: Vec<usize>,
    script: Option<Script>,
    /// What the classes did, if that is wanted.
    kept: Option<Script>,
}

/// Chance, in a million, that a run has a given class.
const PRESENT: u64 = 350_000;

impl Faults {
    /// Draws the classes of the run with this seed, of those whose name `is_wanted`.
    pub(crate) fn draw(seed: u64, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut classes = Vec::new();
        for (class, (name, make)) in CLASSES.iter().enumerate() {
            let mut stream = Stream::new(seed, name);
            let present = stream.hits(PRESENT);
            if present && is_wanted(name) {
                classes.push((class, make(&mut stream)));
            }
        }
        Self { classes, ..Self::none() }
    }

    /// The classes of these names, every one of them.
    pub(crate) fn named(seed: u64, names: &[String]) -> Self {
        let wanted = CLASSES
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| names.iter().any(|wanted| wanted == name));
        let classes = wanted.map(|(class, (name, make))| {
            let mut stream = Stream::new(seed, name);
            // So that it strikes as it does where it is drawn.
            stream.hits(PRESENT);
            (class, make(&mut stream))
        });
        Self { classes: classes.collect(), ..Self::none() }
    }

    /// No class at all.
    pub(crate) const fn none() -> Self {
        Self { on: false, classes: Vec::new(), struck: Vec::new(), script: None, kept: None }
    }

    /// What is written down, and nothing else.
    pub(crate) fn written(incidents: &[Incident]) -> Self {
        Self { script: Some(Script::new(incidents)), ..Self::none() }
    }

    /// Keeps everything that the classes do from now on.
    pub(crate) fn keep(&mut self) {
        self.kept = Some(Script::default());
    }

    /// What was kept.
    pub(crate) fn into_kept(self) -> Vec<Incident> {
        self.kept.map(Script::into_incidents).unwrap_or_default()
    }

    /// Whether a script says what goes wrong.
    pub(crate) const fn is_written(&self) -> bool {
        self.script.is_some()
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

    fn written_now(&mut self) -> Option<&mut Script> {
        self.script.as_mut().filter(|_| self.on)
    }

    fn note(&mut self, incident: impl FnOnce() -> Incident) {
        if let Some(kept) = &mut self.kept {
            kept.keep(incident());
        }
    }

    pub(crate) fn truth(&mut self, revision: &RevisionId) -> Truth {
        if let Some(script) = &mut self.script {
            return script.truth(revision).unwrap_or(Truth::Good);
        }
        let mut truth = Truth::Good;
        self.each(|fault| fault.truth(&mut truth));
        if truth != Truth::Good {
            self.note(|| Incident::Truth { revision: revision.clone(), truth });
        }
        truth
    }

    pub(crate) fn life(&mut self, instance: &InstanceId, life: &mut Life) {
        if let Some(script) = self.written_now() {
            *life = script.life(instance).unwrap_or(*life);
            return;
        }
        let before = *life;
        self.each(|fault| fault.life(life));
        if before != *life {
            self.note(|| Incident::Life { instance: instance.clone(), life: *life });
        }
    }

    pub(crate) fn job(&mut self, run: &HookRun, job: &mut Job) {
        if let Some(script) = self.written_now() {
            return script.job(run, job);
        }
        let before = *job;
        self.each(|fault| fault.job(job));
        if before != *job {
            let longer = job.ends - before.ends;
            let Job { fails, forgotten, .. } = *job;
            self.note(|| Incident::Hook { run: run.clone(), longer, fails, forgotten });
        }
    }

    pub(crate) fn attempt(&mut self, effect: &Effect, fate: &mut Fate) {
        let is_on = self.on;
        if let Some(script) = &mut self.script {
            *fate = script.attempt(effect).filter(|_| is_on).unwrap_or(*fate);
            return;
        }
        let before = *fate;
        self.each(|fault| fault.attempt(fate));
        if let Some(kept) = &mut self.kept {
            let (effect, nth) = kept.count_attempt(effect);
            if before != *fate {
                kept.keep(Incident::Attempt { effect, nth, fate: *fate });
            }
        }
    }

    /// What happens to a look at `what`.
    pub(crate) fn observation(&mut self, now: u64, what: &impl ToString) -> Sight {
        let at = now - BEGINNING;
        if let Some(script) = self.written_now() {
            return script.sight(at, &what.to_string()).unwrap_or_default();
        }
        let mut sight = Sight::default();
        self.each(|fault| fault.observation(&mut sight));
        if sight != Sight::default() {
            self.note(|| Incident::Sight { what: what.to_string(), at, sight });
        }
        sight
    }

    pub(crate) fn crash(&mut self, now: u64, step: &Step) -> Option<CrashPoint> {
        let at = now - BEGINNING;
        if let Some(script) = self.written_now() {
            return script.crash(at);
        }
        let mut point = None;
        self.each(|fault| {
            let drawn = fault.crash(step);
            point = point.or(drawn);
            drawn.is_some()
        });
        if let Some(point) = point {
            self.note(|| Incident::Crash { at, point });
        }
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

    /// Notes what is done at a time.
    pub(crate) fn note_deed(&mut self, now: u64, deed: &Deed) {
        self.note(|| Incident::Deed { at: now - BEGINNING, deed: deed.clone() });
    }

    /// What a script does by the clock: the place in it, and when.
    pub(crate) fn deeds(&self) -> Vec<(usize, u64)> {
        self.script.as_ref().map(Script::deeds).unwrap_or_default()
    }

    /// What a script does at that place. The environment does nothing once the faults are off.
    pub(crate) fn deed(&mut self, place: usize) -> Option<Deed> {
        let is_on = self.on;
        self.script.as_mut()?.deed(place).filter(|deed| is_on || deed.is_order())
    }

    /// Whether a script has an order to give yet.
    pub(crate) fn has_orders_left(&self) -> bool {
        self.script.as_ref().is_some_and(Script::has_orders_left)
    }
}

/// A rate in a million whose order of magnitude is drawn evenly, up to `most`.
fn rate(stream: &mut Stream, most: u64) -> u64 {
    stream.magnitude(most / 64, most)
}

/// The instances that serve, to choose a victim from.
fn victim(stream: &mut Stream, world: &World) -> Option<InstanceId> {
    let now = world.now();
    let serving = || {
        let all = world.instances().iter();
        all.filter(move |(_, instance)| instance.serves(now))
    };
    let chosen = usize::try_from(stream.below(serving().count() as u64)).unwrap_or_default();
    serving().nth(chosen).map(|(name, _)| name.clone())
}
