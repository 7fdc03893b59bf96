//! Chaos experiments: a hypothesis about the steady state, one kind of fault at a time, a verdict and advice.
//!
//! In: a spec, a hypothesis, names of faults. Out: a trial for each: in how many runs it held, the worst that
//! was seen, and what would have helped. Absent: real faults; nothing real is touched.

use std::collections::BTreeMap;

use rollout_core::{
    plan::{self, PlanError},
    spec::CheckedSpec,
};

use super::{FaultSet, Hypothesis, Scenario, beside, config, outlook::side_by_side};
use crate::{
    invariants::Violation,
    runner::{self, Finish, RunReport, Second},
    world::Loss,
};

/// An experiment.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// What is expected to stay so.
    pub hypothesis: Hypothesis,
    /// Runs of each trial.
    pub runs: u64,
    /// The first without faults, then one for each fault.
    pub trials: Vec<Trial>,
}

/// One kind of fault.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its name; `None`: without any fault.
    pub fault: Option<String>,
    /// Runs in which it struck.
    pub struck: u64,
    /// Runs in which the hypothesis held in every second.
    pub held: u64,
    /// Most seconds in a row in which it did not.
    pub longest: u64,
    /// What was so in the worst run, in words; empty if it held.
    pub worst: String,
    /// What would have helped; empty if it held.
    pub advice: String,
    /// How the runs ended.
    pub ends: BTreeMap<Finish, u64>,
    /// Promises that did not hold. None is expected, ever.
    pub violations: Vec<Violation>,
}

impl Chaos {
    /// Whether the hypothesis held in every second of every run.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.trials.iter().all(|trial| trial.held == self.runs)
    }
}

/// Plays the rollout under each kind of fault alone, under `runs` seeds, and holds the hypothesis against every
/// second of it.
///
/// # Errors
///
/// [`PlanError`] if the ports of the scenario cannot do what the spec asks for.
pub fn chaos(
    spec: &CheckedSpec,
    scenario: &Scenario,
    hypothesis: Hypothesis,
    runs: u64,
) -> Result<Chaos, PlanError> {
    plan::build(spec, &scenario.capabilities, scenario.first)?;
    let named = match &scenario.faults {
        FaultSet::Named(names) => names.clone(),
        FaultSet::None | FaultSet::OfSeed => FaultSet::around(),
    };
    let faults: Vec<Option<String>> =
        [None].into_iter().chain(named.into_iter().map(Some)).collect();
    let each: Vec<(&Option<String>, u64)> =
        faults.iter().flat_map(|fault| (0..runs).map(move |run| (fault, run))).collect();
    let mut seen = side_by_side(&each, |(fault, run)| {
        let named = |name: &String| FaultSet::Named(vec![name.clone()]);
        let faults = fault.as_ref().map_or(FaultSet::None, named);
        let seed = scenario.seed.wrapping_add(*run);
        let scenario = Scenario { seed, faults, ..scenario.clone() };
        Seen::of(runner::run(&config(spec, &scenario)), hypothesis)
    })
    .into_iter();
    let per_trial = usize::try_from(runs).unwrap_or(usize::MAX);
    let trials = faults.iter().map(|fault| {
        let seen: Vec<Seen> = seen.by_ref().take(per_trial).collect();
        trial(spec, scenario, hypothesis, fault.as_ref(), seen)
    });
    Ok(Chaos { hypothesis, runs, trials: trials.collect() })
}

/// What was seen of one run.
struct Seen {
    struck: bool,
    finish: Finish,
    violations: Vec<Violation>,
    longest: u64,
    bad: Vec<Second>,
}

impl Seen {
    fn of(run: RunReport, hypothesis: Hypothesis) -> Self {
        let seconds = run.film.map(|film| film.seconds()).unwrap_or_default();
        let (mut longest, mut now) = (0, 0);
        for second in &seconds {
            now = if hypothesis.holds(second) { 0 } else { now + 1 };
            longest = longest.max(now);
        }
        let classes = 0..crate::CLASS_COUNT;
        Self {
            struck: classes.map(|class| run.coverage.of(class).iter().sum::<u64>()).sum::<u64>()
                != 0,
            finish: run.finish,
            violations: run.violations,
            longest,
            bad: seconds.into_iter().filter(|second| !hypothesis.holds(second)).collect(),
        }
    }
}

fn trial(
    spec: &CheckedSpec,
    scenario: &Scenario,
    hypothesis: Hypothesis,
    fault: Option<&String>,
    seen: Vec<Seen>,
) -> Trial {
    let worst = seen.iter().max_by_key(|one| one.bad.len()).filter(|one| !one.bad.is_empty());
    let words = worst.and_then(|worst| {
        let second = worst.bad.iter().min_by_key(|second| (second.capacity, second.sent))?;
        let count = worst.bad.len();
        Some(format!("{}, and {count} s in all not as expected", hypothesis.measured(second)))
    });
    let advice = worst.map(|worst| advice(spec, scenario, hypothesis, &worst.bad));
    let mut ends = BTreeMap::new();
    for one in &seen {
        *ends.entry(one.finish).or_default() += 1;
    }
    Trial {
        fault: fault.cloned(),
        struck: seen.iter().filter(|one| one.struck).count() as u64,
        held: seen.iter().filter(|one| one.bad.is_empty()).count() as u64,
        longest: seen.iter().map(|one| one.longest).max().unwrap_or_default(),
        worst: words.unwrap_or_default(),
        advice: advice.unwrap_or_default(),
        ends,
        violations: seen.into_iter().flat_map(|one| one.violations).collect(),
    }
}

/// What would have helped in those seconds.
fn advice(
    spec: &CheckedSpec,
    scenario: &Scenario,
    hypothesis: Hypothesis,
    bad: &[Second],
) -> String {
    let capacity = bad.iter().map(|second| second.capacity).min().unwrap_or_default();
    match hypothesis {
        Hypothesis::Errors(_) => against_errors(spec, bad),
        Hypothesis::Capacity(least) => {
            let more = least.saturating_sub(capacity);
            format!(
                "with {} replicas in the place of {} it holds",
                spec.replicas + more,
                spec.replicas
            )
        }
        Hypothesis::P99(limit) => against_slowness(spec, scenario, limit.as_millis(), capacity),
    }
}

/// What would have helped against answers that took more than `limit` milliseconds, where so few instances
/// had all requests.
fn against_slowness(spec: &CheckedSpec, scenario: &Scenario, limit: u64, capacity: u64) -> String {
    let replicas = spec.replicas;
    if capacity == 0 {
        return "for a moment nobody got requests: a load balancer that keeps what it knows over a restart, or a second one".to_owned();
    }
    let missing = replicas.saturating_sub(capacity);
    let mut more = replicas..=replicas.saturating_mul(10);
    let enough = more.find(|wanted| p99(spec, scenario, wanted - missing) < limit * 1000);
    match enough {
        Some(enough) if replicas < enough => format!(
            "{capacity} of {replicas} instances had it all; with {enough} replicas it holds"
        ),
        Some(_) => {
            "the candidate itself is slower: add a metric gate on the time of answers".to_owned()
        }
        None => format!(
            "no number of replicas keeps it: one request alone takes {} ms",
            scenario.fleet.service
        ),
    }
}

/// The time, in microseconds, that 99 of 100 answers do not take longer than with so many instances.
fn p99(spec: &CheckedSpec, scenario: &Scenario, instances: u64) -> u64 {
    /// -ln(1 - 0.99), in thousandths.
    const TAIL: u64 = 4605;
    let room = beside(spec, scenario).even * scenario.fleet.room / 100 * instances;
    if room <= scenario.rate {
        return u64::MAX;
    }
    scenario.fleet.service * TAIL * room / (room - scenario.rate)
}

/// What would have helped against the requests that failed in those seconds, by their most frequent cause.
fn against_errors(spec: &CheckedSpec, bad: &[Second]) -> String {
    let failed = |loss: &Loss| bad.iter().map(|second| second.failed[*loss as usize]).sum::<u64>();
    let Some(most) = Loss::ALL.into_iter().max_by_key(failed) else {
        return String::new();
    };
    let period = spec
        .health
        .readiness
        .as_ref()
        .map(|probe| format!("{} times {}", probe.failure_threshold, probe.period));
    let probe = period.map_or_else(
        || "give `health.readiness` a probe".to_owned(),
        |period| format!("a probe that fails sooner than {period} takes it out earlier"),
    );
    match most {
        Loss::Nobody => format!("nobody was there to answer: more than {} replicas, or less `unavailable`", spec.replicas),
        Loss::Downtime => "the strategy stops everything first: take `rolling`".to_owned(),
        Loss::Error => "the candidate answers with errors: add a metric gate, or smaller steps".to_owned(),
        Loss::Overloaded => format!("the instances left had more to do than they can: more than {} replicas", spec.replicas),
        Loss::CutAtDeadline => format!("`drain.deadline` of {} is shorter than the requests", spec.drain.deadline),
        Loss::Unready | Loss::Crashed => format!("a failed instance was sent requests until that was seen: {probe}, and a load balancer that tries another one loses none"),
        Loss::CutByCrash => "they were in flight on what died; only a client or load balancer that repeats them helps".to_owned(),
        Loss::NotYetServing | Loss::Stopped | Loss::CutByEngine => format!("no rollout may do this ({}): please report it with its seed", most.name()),
    }
}
