//! Skips stages and keeps the reason to itself.

use rollout_core::engine::{Change, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct SkipsSilently;

impl Saboteur for SkipsSilently {
    fn name(&self) -> &'static str {
        "skips stages and records no reason"
    }

    fn caught_by(&self) -> &'static str {
        "G6 evidence is recorded"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        for record in &mut step.records {
            if let Change::Skipped { why, .. } = &mut record.change {
                why.clear();
            }
        }
    }
}
