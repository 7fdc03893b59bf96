//! Torture: one rollout, and the engine crashes at every point of every decision of it, with everything that is
//! in doubt then having happened, not having happened, or happening late.
//!
//! In: a seed, for what the rollout is about. Out: a [`Torture`]: how many runs that made, how they ended, and
//! every promise that did not hold. Absent: chance: the grid is walked as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rollout_core::{engine::Event, id::ActionId};

use crate::{
    incident::{Answer, CrashPoint, Fate, Incident},
    invariants::Violation,
    runner::{FaultChoice, Finish, Heard, RunConfig, Took, run},
    setting::Setting,
};

/// Most effects in doubt whose every combination is played; of more, each alone and all together.
const IN_DOUBT_MAX: usize = 5;

/// Time to an effect that comes late, in milliseconds: another engine has claimed the workload by then.
const LATE: u64 = 20_000;

/// What became of one rollout under torture.
#[derive(Clone, Debug, Default)]
pub struct Torture {
    /// Decisions of the rollout without a crash.
    pub decisions: u64,
    /// Records of its journal: the prefixes at which a crash left it.
    pub records: u64,
    /// Runs, each with one crash.
    pub runs: u64,
    /// Most effects in doubt at one crash.
    pub in_doubt_most: usize,
    /// Crashes at which not every combination was played, for more effects were in doubt than the bound allows.
    pub bounded: u64,
    /// Runs by how they ended.
    pub finishes: BTreeMap<Finish, u64>,
    /// Promises that did not hold.
    pub broken: Vec<Broken>,
}

/// A promise that did not hold after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The decision at which the engine crashed, counted from 1.
    pub decision: u64,
    /// Where in it.
    pub point: CrashPoint,
    /// What became of effects in doubt, where it was not what it would have been.
    pub incidents: Vec<Incident>,
    /// The promise.
    pub violation: Violation,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decision, point, incidents, violation } = self;
        write!(f, "{violation}\n    crash at decision {decision}, {point:?}")?;
        incidents.iter().try_for_each(|incident| write!(f, "\n    {incident}"))
    }
}

impl Torture {
    /// Adds what became of another rollout.
    pub fn merge(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.records += other.records;
        self.runs += other.runs;
        self.in_doubt_most = self.in_doubt_most.max(other.in_doubt_most);
        self.bounded += other.bounded;
        for (finish, count) in other.finishes {
            *self.finishes.entry(finish).or_insert(0) += count;
        }
        self.broken.extend(other.broken);
    }

    /// Plays a rollout with one crash.
    fn play(&mut self, told: &RunConfig, incidents: &[Incident]) {
        let faults = FaultChoice::Written(incidents.to_vec());
        let report = run(&RunConfig { faults, ..told.clone() });
        self.runs += 1;
        *self.finishes.entry(report.finish).or_insert(0) += 1;
        let Some((decision, point)) = told.crash else { return };
        let broken =
            |violation| Broken { decision, point, incidents: incidents.to_vec(), violation };
        self.broken.extend(report.violations.into_iter().map(broken));
    }
}

/// An effect in doubt, told from every other by its words and the number of the attempt.
type Doubt = (String, u32);

/// Crashes the rollout with this seed at every point of every `stride`-th decision; 1 is all of them.
#[must_use]
pub fn torture(seed: u64, stride: u64) -> Torture {
    let told = RunConfig {
        seed,
        setting: Some(Setting::draw(seed)),
        faults: FaultChoice::Written(Vec::new()),
        ..RunConfig::default()
    };
    let calm = run(&RunConfig { heard: true, ..told.clone() });
    let mut torture = Torture::default();
    let mut doubts = Doubts::default();
    for heard in calm.heard {
        let Heard::Took(took) = heard else { continue };
        let Took { event, step, .. } = *took;
        if let Event::Attempted { id, .. } = event {
            doubts.under_way.remove(&id);
        }
        if step.records.is_empty() && step.actions.is_empty() {
            continue;
        }
        torture.decisions += 1;
        torture.records += step.records.len() as u64;
        let points = [CrashPoint::BeforeAppend, CrashPoint::BeforeCommit];
        let points =
            points.into_iter().chain((0..=step.actions.len()).map(CrashPoint::AfterAttempts));
        let before = doubts.clone();
        for action in &step.actions {
            doubts.begin(action.id, action.effect.to_string());
        }
        if !torture.decisions.is_multiple_of(stride) {
            continue;
        }
        for point in points {
            let mut in_doubt = before.clone();
            if let CrashPoint::AfterAttempts(count) = point {
                for action in step.actions.iter().take(count) {
                    in_doubt.begin(action.id, action.effect.to_string());
                }
            }
            let crash = Some((torture.decisions, point));
            let told = RunConfig { crash, ..told.clone() };
            every_combination(&mut torture, &told, in_doubt.under_way.values());
        }
    }
    torture
}

/// Attempts that were not answered yet, and how often each effect was attempted.
#[derive(Clone, Debug, Default)]
struct Doubts {
    under_way: BTreeMap<ActionId, Doubt>,
    attempts: BTreeMap<String, u32>,
}

impl Doubts {
    fn begin(&mut self, id: ActionId, words: String) {
        let nth = self.attempts.entry(words.clone()).or_default();
        *nth += 1;
        self.under_way.insert(id, (words, *nth));
    }
}

/// Plays one crash with every combination of what became of the effects in doubt.
fn every_combination<'a>(
    torture: &mut Torture,
    told: &RunConfig,
    in_doubt: impl Iterator<Item = &'a Doubt>,
) {
    let in_doubt: Vec<&Doubt> = in_doubt.collect();
    torture.in_doubt_most = torture.in_doubt_most.max(in_doubt.len());
    let mut combinations: BTreeSet<Vec<Option<bool>>> = BTreeSet::new();
    if in_doubt.len() <= IN_DOUBT_MAX {
        for number in 0..(1_u32 << in_doubt.len()) {
            let lost = |place: usize| (number >> place & 1 == 1).then_some(false);
            combinations.insert((0..in_doubt.len()).map(lost).collect());
        }
    } else {
        torture.bounded += 1;
        let alone =
            |one: usize| (0..in_doubt.len()).map(|it| (it == one).then_some(false)).collect();
        combinations.extend((0..in_doubt.len()).map(alone));
        combinations.extend([vec![None; in_doubt.len()], vec![Some(false); in_doubt.len()]]);
    }
    // Each late, the others as they come.
    let late = |one: usize| (0..in_doubt.len()).map(|it| (it == one).then_some(true)).collect();
    combinations.extend((0..in_doubt.len()).map(late));
    for combination in combinations {
        let fates = in_doubt.iter().zip(combination);
        let incidents: Vec<Incident> =
            fates.filter_map(|(doubt, fate)| Some(incident(doubt, fate?))).collect();
        torture.play(told, &incidents);
    }
}

/// An attempt that arrives late, or not at all, without an answer.
fn incident((effect, nth): &Doubt, arrives: bool) -> Incident {
    let fate = Fate { there: LATE, back: 1, arrives, answer: Answer::Lost(2 * LATE) };
    Incident::Attempt { effect: effect.clone(), nth: *nth, fate }
}
