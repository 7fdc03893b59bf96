//! Turns an undo back because it takes too long.

use rollout_core::engine::{Cause, Change, Purpose, Record, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct TurnsUndoBack {
    done: bool,
}

impl Saboteur for TurnsUndoBack {
    fn name(&self) -> &'static str {
        "rolls a rollback back by itself"
    }

    fn caught_by(&self) -> &'static str {
        "R6 rollback is not rolled back"
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        let is_undo = ledger.purpose == Purpose::Undo && ledger.end.is_none();
        if !is_undo || ledger.aborted.is_some() || self.done {
            return;
        }
        self.done = true;
        let change = Change::Aborted { cause: Cause::TooLong };
        step.records.push(Record { at: world.timestamp(), change });
    }
}
