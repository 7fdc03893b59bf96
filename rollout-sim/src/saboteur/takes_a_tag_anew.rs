//! Makes later instances of a revision from what its tag means by then.

use std::sync::Arc;

use rollout_core::engine::Step;
use serde_json::Value;

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct TakesATagAnew {
    made: u64,
}

impl Saboteur for TakesATagAnew {
    fn name(&self) -> &'static str {
        "makes instances from what a tag means by then"
    }

    fn caught_by(&self) -> &'static str {
        "R9 artefact pinned"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        for revision in step.actions.iter_mut().filter_map(|action| action.revision.as_mut()) {
            self.made += 1;
            if 2 < self.made {
                let mut moved = revision.as_ref().clone();
                moved.template = Value::String("pushed since".to_owned());
                *revision = Arc::new(moved);
            }
        }
    }
}
