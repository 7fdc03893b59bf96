//! Stops an instance where it should drain it.

use rollout_core::{
    engine::{Change, Effect, Step},
    time::Span,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct SkipsDrain;

/// What a drain is replaced by.
fn spoil(effect: &mut Effect) {
    if let Effect::Drain { instance } = effect {
        *effect = Effect::Stop { instance: instance.clone(), grace: Span::from_secs(1) };
    }
}

impl Saboteur for SkipsDrain {
    fn name(&self) -> &'static str {
        "stops instead of draining"
    }

    fn caught_by(&self) -> &'static str {
        "P5 drain order"
    }

    fn step(&mut self, step: &mut Step, _: &World, _: &Ledger) {
        for record in &mut step.records {
            if let Change::Intended { effect, .. } = &mut record.change {
                spoil(effect);
            }
        }
        for action in &mut step.actions {
            spoil(&mut action.effect);
        }
    }
}
