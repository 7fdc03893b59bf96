//! Turns back and leaves the route for later.

use rollout_core::engine::{Change, Effect, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct AbortsWithoutTraffic;

impl Saboteur for AbortsWithoutTraffic {
    fn name(&self) -> &'static str {
        "leaves the candidate its traffic as it turns back"
    }

    fn caught_by(&self) -> &'static str {
        "L3 abort at once"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        let turns_back = |change: &Change| matches!(change, Change::Aborted { .. });
        if !step.records.iter().any(|record| turns_back(&record.change)) {
            return;
        }
        step.records.retain(|record| {
            !matches!(&record.change, Change::Intended { effect: Effect::Route(_), .. })
        });
        step.actions.retain(|action| !matches!(action.effect, Effect::Route(_)));
    }
}
