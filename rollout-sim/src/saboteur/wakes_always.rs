//! Wants to be woken at once, always.

use rollout_core::{engine::Step, time::Timestamp};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct WakesAlways;

impl Saboteur for WakesAlways {
    fn name(&self) -> &'static str {
        "runs hot"
    }

    fn caught_by(&self) -> &'static str {
        "F4 fixed point"
    }

    fn step(&mut self, step: &mut Step, world: &World, _: &Ledger) {
        step.wake_at = Some(Timestamp(world.now()));
    }
}
