//! Goes on to the next stage while the calendar is closed.

use rollout_core::engine::{Change, Record, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct StepsInAFreeze {
    done: bool,
}

impl Saboteur for StepsInAFreeze {
    fn name(&self) -> &'static str {
        "takes a step forward in a freeze"
    }

    fn caught_by(&self) -> &'static str {
        "D4 freeze stops steps forward only"
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        let stages = ledger.plan.as_ref().map_or(0, |plan| plan.stages.len());
        let Some(stage) = ledger.stage.map(|stage| stage + 1).filter(|stage| *stage < stages)
        else {
            return;
        };
        if ledger.frozen && ledger.end.is_none() && !self.done {
            self.done = true;
            let change = Change::Entered { stage };
            step.records.push(Record { at: world.timestamp(), change });
        }
    }
}
