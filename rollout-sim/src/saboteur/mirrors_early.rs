//! Copies requests to the candidate as soon as it is being made.

use rollout_core::{
    engine::{Effect, Route, Shares, Step, Trial},
    spec::Rules,
    weight::Weight,
};

use super::{Saboteur, replace};
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct MirrorsEarly {
    done: bool,
}

impl Saboteur for MirrorsEarly {
    fn name(&self) -> &'static str {
        "copies requests to a candidate that does not serve"
    }

    fn caught_by(&self) -> &'static str {
        "T6 mirrors and matches are backed"
    }

    fn step(&mut self, step: &mut Step, world: &World, ledger: &Ledger) {
        let (Some(Route::Weighted(shares)), Some(candidate)) = (world.route(), &ledger.candidate)
        else {
            return;
        };
        let creates = step.actions.iter().find(|action| {
            matches!(&action.effect, Effect::Create { revision, .. } if revision == candidate)
        });
        let Some(id) = creates.map(|action| action.id).filter(|_| !ledger.first && !self.done)
        else {
            return;
        };
        self.done = true;
        let rules = Rules { mirror: Weight::share(1, 10), ..Rules::default() };
        let trial = Some(Trial { revision: candidate.clone(), rules });
        let route = Route::Weighted(Shares { weights: shares.weights.clone(), trial });
        replace(step, id, &Effect::Route(route));
    }
}
