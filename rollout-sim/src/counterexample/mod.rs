//! Counterexamples: runs in which a promise does not hold, made small, written down and played again.
//!
//! In: a seed that breaks a promise, or a text. Out: the smallest run found that breaks the same promise, one
//! line of text for it, and a story of how it came to that. Absent: anything of the engine's own.

mod ease;
mod shrink;
mod story;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    shrink::{Shrunk, shrink},
    story::story,
};
use crate::{
    incident::Incident,
    runner::{FaultChoice, RunConfig, RunReport, run_with},
    saboteur::{self, Saboteur},
    setting::Setting,
};

/// A run in which a promise does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// The promise, as GUARANTEES.md has it.
    pub breaks: String,
    /// The planted bug, if it takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// Seed of what the world draws.
    pub seed: u64,
    /// Everything that goes wrong, or is ordered, in the order of time.
    pub incidents: Vec<Incident>,
    /// What the run is about.
    pub setting: Setting,
}

/// A text that is no counterexample.
#[derive(Debug, thiserror::Error)]
pub enum NotACounterexample {
    /// It cannot be read.
    #[error("this is no counterexample: {0}; paste the whole line that was printed")]
    Unreadable(#[from] serde_json::Error),
    /// It names a planted bug that there is none of.
    #[error("there is no planted bug `{name}`; those of this version are: {known}")]
    UnknownBug {
        /// The name as given.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Counterexample {
    /// Plays it again.
    #[must_use]
    pub fn replay(&self, transcript: bool) -> RunReport {
        let config = RunConfig {
            seed: self.seed,
            setting: Some(self.setting.clone()),
            faults: FaultChoice::Written(self.incidents.clone()),
            transcript,
            until_broken: Some(self.breaks.clone()),
            ..RunConfig::default()
        };
        play(&config, self.bug.as_deref())
    }

    /// Whether its promise is broken when it is played again.
    #[must_use]
    pub fn is_one(&self) -> bool {
        let report = self.replay(false);
        report.violations.iter().any(|violation| violation.invariant == self.breaks)
    }

    /// Number of events that it takes: the submission, and everything that goes wrong or is ordered beside.
    #[must_use]
    pub const fn events(&self) -> usize {
        1 + self.incidents.len()
    }
}

/// Carries out a run, with a planted bug if one is named.
fn play(config: &RunConfig, bug: Option<&str>) -> RunReport {
    let mut saboteur = bug.and_then(planted);
    match &mut saboteur {
        Some(saboteur) => run_with(config, Some(saboteur.as_mut())),
        None => run_with(config, None),
    }
}

/// The planted bug of that name, fresh.
fn planted(name: &str) -> Option<Box<dyn Saboteur>> {
    saboteur::all().into_iter().find(|saboteur| saboteur.name() == name)
}

impl FromStr for Counterexample {
    type Err = NotACounterexample;
    fn from_str(text: &str) -> Result<Self, NotACounterexample> {
        let read: Self = serde_json::from_str(text.trim())?;
        match &read.bug {
            Some(name) if planted(name).is_none() => {
                let all = saboteur::all();
                let known: Vec<&str> = all.iter().map(|saboteur| saboteur.name()).collect();
                let (name, known) = (name.clone(), known.join(", "));
                Err(NotACounterexample::UnknownBug { name, known })
            }
            Some(_) | None => Ok(read),
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        // Pasted between single quotes into a shell; JSON has the same character in other words.
        f.write_str(&text.replace('\'', "\\u0027"))
    }
}
