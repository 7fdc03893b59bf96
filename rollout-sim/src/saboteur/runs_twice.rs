//! Decides upon a run of a hook a second time.

use rollout_core::{
    engine::{Change, Effect, Record, Step},
    id::ActionId,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct RunsTwice {
    done: bool,
}

impl Saboteur for RunsTwice {
    fn name(&self) -> &'static str {
        "decides upon a run of a hook twice"
    }

    fn caught_by(&self) -> &'static str {
        "H1 hooks run once"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        let runs = step.records.iter().find_map(|record| {
            let Change::Intended { id, effect: effect @ Effect::Run { .. } } = &record.change
            else {
                return None;
            };
            Some((record.at, *id, effect.clone()))
        });
        let Some((at, id, effect)) = runs.filter(|_| !self.done) else {
            return;
        };
        self.done = true;
        // A number that the engine is not at yet.
        let id = ActionId(id.0 + 1_000_000);
        step.records.push(Record { at, change: Change::Intended { id, effect } });
    }
}
