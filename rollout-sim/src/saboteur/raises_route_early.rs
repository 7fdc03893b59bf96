//! Sends all traffic to the candidate as soon as it is being made.

use rollout_core::engine::{Action, Effect, Route, Step};

use super::{Saboteur, replace};
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct RaisesRouteEarly {
    done: bool,
}

impl Saboteur for RaisesRouteEarly {
    fn name(&self) -> &'static str {
        "raises the route before there is capacity"
    }

    fn caught_by(&self) -> &'static str {
        "T2 no weight without backing"
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        let Some(Route::Weighted(_)) = world.route() else {
            return;
        };
        let creates = |action: &&Action| matches!(action.effect, Effect::Create { .. });
        let (Some(action), Some(candidate)) =
            (step.actions.iter().find(creates), &ledger.candidate)
        else {
            return;
        };
        let on_trial =
            matches!(&action.effect, Effect::Create { revision, .. } if revision == candidate);
        if !on_trial || ledger.first || std::mem::replace(&mut self.done, true) {
            return;
        }
        let (id, effect) = (action.id, Effect::Route(Route::all_on(candidate.clone())));
        replace(step, id, &effect);
    }
}
