//! Gives an action the number of an earlier one.

use rollout_core::{
    engine::{Change, Step},
    id::ActionId,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct ReusesId {
    seen: u64,
}

/// Every how many-th number is one that was used before.
const EVERY: u64 = 7;

impl Saboteur for ReusesId {
    fn name(&self) -> &'static str {
        "reuses the number of an action"
    }

    fn caught_by(&self) -> &'static str {
        "C3 action ids"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        for record in &mut step.records {
            if let Change::Intended { id, .. } = &mut record.change {
                self.seen += 1;
                if self.seen.is_multiple_of(EVERY) {
                    let old = *id;
                    *id = ActionId(old.0.saturating_sub(2));
                    for action in &mut step.actions {
                        if action.id == old {
                            action.id = *id;
                        }
                    }
                }
            }
        }
    }
}
