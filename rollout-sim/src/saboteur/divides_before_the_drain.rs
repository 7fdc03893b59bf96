//! Divides where it should drain first.

use std::sync::Arc;

use rollout_core::engine::{Division, Effect, Reach, Revision, Step};

use super::{Saboteur, replace};
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct DividesBeforeTheDrain {
    done: bool,
}

impl Saboteur for DividesBeforeTheDrain {
    fn name(&self) -> &'static str {
        "divides before the drain"
    }

    fn caught_by(&self) -> &'static str {
        "P5 drain order"
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        let (Some(candidate), Some(_)) = (&ledger.candidate, world.division()) else {
            return;
        };
        let drains = |effect: &Effect| {
            let Effect::Drain { instance } = effect else { return None };
            world.instance(instance).and_then(|one| world.rank(one))
        };
        let first = step.actions.iter().find_map(|it| Some((it.id, drains(&it.effect)?)));
        let Some((id, rank)) = first.filter(|_| !self.done && ledger.aborted.is_none()) else {
            return;
        };
        self.done = true;
        let reach = Reach::First(u64::from(rank) + 1);
        let effect = Effect::Divide(Division { revision: candidate.clone(), reach });
        replace(step, id, &effect);
        let template = serde_json::Value::Null;
        for action in step.actions.iter_mut().filter(|action| action.id == id) {
            let whole = Revision { id: candidate.clone(), template: template.clone() };
            action.revision = Some(Arc::new(whole));
        }
    }
}
