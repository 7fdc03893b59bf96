//! The acts of a run: a deploy without faults, the storm, the calm, the end.
//!
//! In: what the journal says, and the time. Out: the next act. Absent: the faults themselves.

use rollout_core::engine::End;

use super::{Run, TIDYING, queue::Job, report::Finish};
use crate::world::{BEGINNING, Truth};

/// The revision under trial.
const TRIAL: &str = "v2";

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The revision that runs before is deployed or adopted, without faults.
    Prologue,
    /// The rollout under trial, with faults.
    Storm,
    /// The same, with the faults off.
    Calm,
    /// Over.
    Over(Finish),
}

impl Run<'_> {
    /// Starts the rollout under trial, and the faults.
    pub(super) fn begin_trial(&mut self) {
        self.act = Act::Storm;
        self.began = self.world.now();
        self.calm_at = self.began + self.setting.storm;
        self.faults.on = true;
        self.queue.push(self.began, Job::Submit(TRIAL));
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
    pub(super) fn begin_calm(&mut self) {
        if self.act == Act::Storm {
            self.act = Act::Calm;
            self.faults.on = false;
            self.calm_at = self.world.now();
            self.rivals.end();
            self.store.mend();
            self.transcript.say(self.world.now(), "faults off");
            self.queue.push(self.world.now() + 10_000, Job::Help);
            self.degrade();
        }
    }

    /// Latest end of the act under way, in milliseconds.
    pub(super) fn limit(&self) -> u64 {
        match self.act {
            Act::Prologue => BEGINNING + self.patience,
            Act::Storm | Act::Calm | Act::Over(_) => {
                self.calm_at.saturating_add(self.patience).saturating_add(TIDYING * 2)
            }
        }
    }

    /// Decides whether the act, or the run, is over.
    pub(super) fn judge_end(&mut self) {
        let now = self.world.now();
        let Some(finish) = self.ledger.end.as_ref().map(Finish::of) else {
            return;
        };
        if self.ledger.queued || self.engine.is_none() {
            return;
        }
        match self.act {
            Act::Prologue if finish == Finish::Completed => {
                self.begin_trial();
            }
            Act::Prologue => {
                let end = self.ledger.end.as_ref().map(ToString::to_string).unwrap_or_default();
                let detail = format!("the deploy before the trial, without faults: {end}");
                self.violate("L1 ends", detail);
                self.act = Act::Over(finish);
            }
            Act::Storm | Act::Calm => {
                if !self.ledger.heard.iter().any(|heard| heard.as_str() == TRIAL) {
                    return;
                }
                if self.awaits_encore() {
                    return;
                }
                self.take_frame();
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
    pub(super) fn is_quiet(&self) -> bool {
        let kept = self.kept_failed();
        self.ended_at.is_some_and(|ended| ended + kept + TIDYING < self.world.now())
    }

    /// Time that a failed candidate is kept after the end, in milliseconds.
    pub(super) fn kept_failed(&self) -> u64 {
        let is_back = self.ledger.end == Some(End::RolledBack);
        let spec = self.ledger.spec.as_ref().filter(|_| is_back);
        spec.map_or(0, |spec| spec.rollback.keep_failed.as_millis())
    }
}
