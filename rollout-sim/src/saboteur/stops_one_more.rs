//! Drains a second serving instance along with the first.

use rollout_core::{
    engine::{Action, Change, Effect, Step},
    id::ActionId,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct StopsOneMore {
    done: bool,
}

impl Saboteur for StopsOneMore {
    fn name(&self) -> &'static str {
        "takes out one instance more"
    }

    fn caught_by(&self) -> &'static str {
        "P1 floor"
    }

    fn step(&mut self, step: &mut Step, world: &World, _: &Ledger) {
        let drains = |action: &&Action| matches!(action.effect, Effect::Drain { .. });
        let Some(first) = step.actions.iter().find(drains).cloned() else {
            return;
        };
        let taken = first.effect.instance();
        let mut serving = world
            .instances()
            .iter()
            .filter(|(name, one)| Some(*name) != taken && one.serves(world.now()))
            .filter(|(_, one)| world.gets_traffic(one));
        let Some((name, _)) = serving.next() else {
            return;
        };
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        // A number that the engine is not at yet.
        let id = ActionId(first.id.0 + 1_000_000);
        let effect = Effect::Drain { instance: name.clone() };
        if let Some(record) = step.records.last().cloned() {
            let mut record = record;
            record.change = Change::Intended { id, effect: effect.clone() };
            step.records.push(record);
        }
        step.actions.push(Action { id, effect, ..first });
    }
}
