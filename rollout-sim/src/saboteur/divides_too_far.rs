//! Divides one place further than whoever was drained for it: a rank is skipped.

use rollout_core::engine::{Action, Division, Effect, Reach};

use super::Saboteur;

pub(super) struct DividesTooFar;

impl Saboteur for DividesTooFar {
    fn name(&self) -> &'static str {
        "divides one place too far"
    }

    fn caught_by(&self) -> &'static str {
        "P5 drain order"
    }

    fn land(&mut self, action: &mut Action) {
        if let Effect::Divide(Division { reach: Reach::First(places), .. }) = &mut action.effect {
            *places += 1;
        }
    }
}
