//! Stops something that is not the workload's own.

use rollout_core::{
    engine::{Action, Change, Effect, Step},
    id::{ActionId, InstanceId},
    time::Span,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct TouchesForeign {
    done: bool,
}

/// Somebody else's.
fn others() -> InstanceId {
    InstanceId::new("database-1").expect("letters, a dash and a digit make a name")
}

impl Saboteur for TouchesForeign {
    fn name(&self) -> &'static str {
        "stops an instance of somebody else"
    }

    fn caught_by(&self) -> &'static str {
        "F6 foreign objects"
    }

    fn open(&mut self, world: &mut World) {
        world.put_foreign(others(), 1);
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        let (Some(first), Some(record)) = (step.actions.first(), step.records.last()) else {
            return;
        };
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        // A number that the engine is not at yet.
        let id = ActionId(first.id.0 + 1_000_000);
        let effect = Effect::Stop { instance: others(), grace: Span::ZERO };
        let (mut record, action) =
            (record.clone(), Action { id, effect: effect.clone(), ..first.clone() });
        record.change = Change::Intended { id, effect };
        step.records.push(record);
        step.actions.push(action);
    }
}
