//! A backend that hears of another engine's reign only by its first action.

use super::Saboteur;
use crate::world::World;

pub(super) struct FencesLate;

impl Saboteur for FencesLate {
    fn name(&self) -> &'static str {
        "fences from the first action on, not from the claim"
    }

    fn caught_by(&self) -> &'static str {
        "F2 one reign"
    }

    fn open(&mut self, world: &mut World) {
        world.fence_late();
    }
}
