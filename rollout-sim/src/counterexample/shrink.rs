//! Shrinking: fewer events, a simpler setting, rounder numbers, as long as the same promise is broken.
//!
//! The events are halved and then taken out one by one; the setting is eased one word after the other, and
//! where the events at hand do not break the promise in the simpler setting, a few other seeds are tried in
//! it. Bounded by a number of runs, not by a clock, so that the same seed shrinks to the same text.

use super::{Counterexample, ease, play};
use crate::{
    incident::Incident,
    runner::{FaultChoice, RunConfig},
    setting::Setting,
};

/// Most runs that shrinking takes.
const RUNS_MAX: u64 = 3000;

/// Other seeds that are tried in a simpler setting.
const SEEDS_TRIED: u64 = 12;

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest run found.
    pub counterexample: Counterexample,
    /// Events before.
    pub events_before: usize,
    /// Runs that it took.
    pub runs: u64,
}

/// Shrinks the run of `seed`, with a planted bug if one is named, as long as `breaks` is broken; without one,
/// the promise that is broken first. `None`: no promise is broken, or not when the run is played again from
/// what was written down of it.
#[must_use]
pub fn shrink(seed: u64, bug: Option<&str>, breaks: Option<&str>) -> Option<Shrunk> {
    let config = RunConfig { seed, incidents: true, ..RunConfig::default() };
    let report = play(&config, bug);
    let mut broken = report.violations.iter().map(|violation| violation.invariant);
    let breaks = broken.find(|name| breaks.is_none_or(|wanted| wanted == *name))?;
    let first = Counterexample {
        breaks: breaks.to_owned(),
        bug: bug.map(str::to_owned),
        seed,
        incidents: report.incidents,
        setting: Setting::draw(seed),
    };
    let events_before = first.events();
    let mut search = Search { best: first.clone(), runs: 1 };
    if !search.takes(first) {
        return None;
    }
    search.drop_incidents();
    while search.ease() {
        search.drop_incidents();
    }
    search.round();
    Some(Shrunk { counterexample: search.best, events_before, runs: search.runs })
}

struct Search {
    best: Counterexample,
    runs: u64,
}

impl Search {
    const fn has_time(&self) -> bool {
        self.runs < RUNS_MAX
    }

    fn breaks(&mut self, one: &Counterexample) -> bool {
        self.runs += 1;
        one.is_one()
    }

    /// Takes `one` for the best if it breaks the promise.
    fn takes(&mut self, one: Counterexample) -> bool {
        let breaks = self.breaks(&one);
        if breaks {
            self.best = one;
        }
        breaks
    }

    /// Drops incidents: halves first, then smaller parts, down to single ones.
    fn drop_incidents(&mut self) {
        let mut part = self.best.incidents.len();
        while 0 < part && self.has_time() {
            let mut from = 0;
            while from < self.best.incidents.len() && self.has_time() {
                let mut fewer = self.best.clone();
                let to = (from + part).min(fewer.incidents.len());
                fewer.incidents.drain(from..to);
                if !self.takes(fewer) {
                    from += part;
                }
            }
            part /= 2;
        }
    }

    /// Eases the setting in every way there is. Returns whether any of them was taken.
    fn ease(&mut self) -> bool {
        let mut eased = false;
        for way in ease::WAYS {
            // As often as it helps: a step of a canary less, an instance less.
            while self.has_time() {
                let Some(setting) = ease::ease(&self.best.setting, *way) else { break };
                if !self.takes_setting(&setting) {
                    break;
                }
                eased = true;
            }
        }
        eased && self.has_time()
    }

    fn takes_setting(&mut self, setting: &Setting) -> bool {
        let same = Counterexample { setting: setting.clone(), ..self.best.clone() };
        if self.takes(same) {
            return true;
        }
        let seeds = self.best.seed..self.best.seed.saturating_add(SEEDS_TRIED);
        seeds.into_iter().any(|seed| self.has_time() && self.takes_seed(setting, seed))
    }

    /// Takes the run of another seed in this setting, if it needs no more events.
    fn takes_seed(&mut self, setting: &Setting, seed: u64) -> bool {
        let config = RunConfig {
            seed,
            setting: Some(setting.clone()),
            faults: FaultChoice::Drawn,
            incidents: true,
            until_broken: Some(self.best.breaks.clone()),
            ..RunConfig::default()
        };
        self.runs += 1;
        let report = play(&config, self.best.bug.as_deref());
        if !report.violations.iter().any(|one| one.invariant == self.best.breaks) {
            return false;
        }
        let before = self.best.clone();
        let (setting, incidents) = (setting.clone(), report.incidents);
        let other = Counterexample { seed, incidents, setting, ..before.clone() };
        if !self.takes(other) {
            return false;
        }
        self.drop_incidents();
        let is_better = self.best.incidents.len() <= before.incidents.len();
        if !is_better {
            self.best = before;
        }
        is_better
    }

    /// Brings times to round numbers.
    fn round(&mut self) {
        for place in 0..self.best.incidents.len() {
            for unit in [1000, 100, 10] {
                let Some(at) = time_of(&self.best.incidents[place]) else { break };
                let rounded = at / unit * unit;
                if rounded == at || !self.has_time() {
                    break;
                }
                let mut other = self.best.clone();
                set_time(&mut other.incidents[place], rounded);
                if self.takes(other) {
                    break;
                }
            }
        }
    }
}

const fn time_of(incident: &Incident) -> Option<u64> {
    match incident {
        Incident::Sight { at, .. } | Incident::Crash { at, .. } | Incident::Deed { at, .. } => {
            Some(*at)
        }
        Incident::Truth { .. }
        | Incident::Life { .. }
        | Incident::Hook { .. }
        | Incident::Attempt { .. } => None,
    }
}

const fn set_time(incident: &mut Incident, to: u64) {
    match incident {
        Incident::Sight { at, .. } | Incident::Crash { at, .. } | Incident::Deed { at, .. } => {
            *at = to;
        }
        Incident::Truth { .. }
        | Incident::Life { .. }
        | Incident::Hook { .. }
        | Incident::Attempt { .. } => {}
    }
}
