//! Lets the progress deadline run while the rollout is paused.

use rollout_core::engine::{Cause, Change, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct TimesOutWhilePaused {
    done: bool,
}

impl Saboteur for TimesOutWhilePaused {
    fn name(&self) -> &'static str {
        "counts paused time"
    }

    fn caught_by(&self) -> &'static str {
        "D2 paused time"
    }

    fn step(&mut self, step: &mut Step, _: &World, ledger: &Ledger) {
        let is_paused = ledger.paused && ledger.end.is_none() && ledger.aborted.is_none();
        if !is_paused || ledger.first || self.done {
            return;
        }
        let Some(mut record) = step.records.first().cloned() else { return };
        record.change = Change::Aborted { cause: Cause::NoProgress { available: 0, wanted: 1 } };
        step.records.push(record);
        self.done = true;
    }
}
