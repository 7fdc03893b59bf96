//! Takes another number of instances for the end of the rollout.

use rollout_core::engine::{Change, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct ResizesToTheEnd;

impl Saboteur for ResizesToTheEnd {
    fn name(&self) -> &'static str {
        "goes to the last stage when it is resized"
    }

    fn caught_by(&self) -> &'static str {
        "P8 resize in mid-rollout"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        for record in &mut step.records {
            if let Change::Resized { plan, stage, .. } = &mut record.change {
                *stage = plan.stages.len() - 1;
            }
        }
    }
}
