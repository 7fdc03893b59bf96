//! A backend that lets actions of an older engine through.

use super::Saboteur;
use crate::world::World;

pub(super) struct IgnoresEpoch;

impl Saboteur for IgnoresEpoch {
    fn name(&self) -> &'static str {
        "ignores the epoch"
    }

    fn caught_by(&self) -> &'static str {
        "F1 fencing"
    }

    fn open(&mut self, world: &mut World) {
        world.drop_fence();
    }
}
