//! What a run tells afterwards.

use std::fmt;

use rollout_core::engine::{End, Route};

use super::{Act, Coverage, Film, Heard, Run};
use crate::{
    incident::Incident,
    invariants::Violation,
    world::{Tally, Traffic},
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finish {
    /// Every instance is the candidate's.
    Completed,
    /// Every instance is the stable revision's again.
    RolledBack,
    /// The first deploy failed.
    Failed,
    /// The engine asked for an operator.
    NeedsOperator,
    /// The engine was fenced off.
    Fenced,
    /// An end that this version knows no name for.
    Other,
    /// It did not end in its time.
    Overdue,
}

impl Finish {
    /// The finish that an end of the engine is.
    #[must_use]
    pub const fn of(end: &End) -> Self {
        match end {
            End::Completed => Self::Completed,
            End::RolledBack => Self::RolledBack,
            End::Failed => Self::Failed,
            End::NeedsOperator { .. } => Self::NeedsOperator,
            End::Fenced => Self::Fenced,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Failed => "failed",
            Self::NeedsOperator => "needs operator",
            Self::Fenced => "fenced",
            Self::Other => "other",
            Self::Overdue => "overdue",
        })
    }
}

/// The fingerprint of what is somebody else's.
pub(super) const NEIGHBOUR: u64 = 7;

/// What a run tells afterwards.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub finish: Finish,
    /// Promises that did not hold, the first break of each.
    pub violations: Vec<Violation>,
    /// Time from the submission under trial to the end, in milliseconds.
    pub duration: u64,
    /// Requests.
    pub traffic: Traffic,
    /// Fewest instances that answered requests at any time after there was a stable revision.
    pub lowest_capacity: u64,
    /// Number of things that happened.
    pub events: u64,
    /// Number of times the engine was asked to decide.
    pub steps: u64,
    /// Steps that the guard refused.
    pub vetoes: u64,
    /// Number of engines, 1 without a crash.
    pub engines: u32,
    /// Which faults struck in which phase.
    pub coverage: Coverage,
    /// Everything that went wrong, or was ordered; empty if that was not wanted.
    pub incidents: Vec<Incident>,
    /// The transcript; empty if none was wanted.
    pub transcript: String,
    /// What was seen, moment by moment, if that was wanted.
    pub film: Option<Film>,
    /// What the engines heard and decided, if that was wanted.
    pub heard: Vec<Heard>,
    /// The numbers of the last moment.
    pub tally: Tally,
    /// The route of the last moment.
    pub route: Option<Route>,
    /// Times that the environment harmed an instance.
    pub harms: u64,
    /// Whether what is somebody else's is as it was.
    pub neighbour_is_well: bool,
}

impl Run<'_> {
    /// What this run tells.
    pub(super) fn report(mut self) -> RunReport {
        if let Some(engine) = self.engine.take()
            && self.seed.is_multiple_of(4)
        {
            self.compare_last(&engine);
        }
        let finish = match self.act {
            Act::Over(finish) => finish,
            Act::Prologue | Act::Storm | Act::Calm => Finish::Overdue,
        };
        let ended = self.ended_at.unwrap_or(self.world.now());
        RunReport {
            seed: self.seed,
            finish,
            violations: self.violations,
            duration: ended.saturating_sub(self.began),
            traffic: self.world.traffic().clone(),
            lowest_capacity: self.lowest.unwrap_or_default(),
            events: self.events,
            steps: self.steps,
            vetoes: self.ledger.vetoes,
            engines: self.life,
            coverage: self.coverage,
            incidents: self.faults.into_kept(),
            transcript: self.transcript.into_text(),
            heard: self.hearing.into_all(),
            tally: self.world.tally(),
            route: self.world.route().cloned(),
            harms: self.world.harms().len() as u64,
            neighbour_is_well: self.world.foreign().values().all(|print| *print == NEIGHBOUR),
            film: self.film.map(|film| film.until(ended.saturating_sub(self.began))),
        }
    }
}
