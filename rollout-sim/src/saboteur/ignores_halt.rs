//! Attempts again what is open, though everything is halted.

use rollout_core::engine::{Action, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct IgnoresHalt {
    last: Option<Action>,
}

impl Saboteur for IgnoresHalt {
    fn name(&self) -> &'static str {
        "attempts an action while halted"
    }

    fn caught_by(&self) -> &'static str {
        "L7 nothing goes out while halted"
    }

    fn step(&mut self, step: &mut Step, _: &World, ledger: &Ledger) {
        if ledger.halted {
            step.actions.extend(self.last.take());
        } else if let Some(action) = step.actions.last() {
            self.last = Some(action.clone());
        }
    }
}
