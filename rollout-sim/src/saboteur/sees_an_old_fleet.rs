//! Takes an old look at the fleet for a new one.

use rollout_core::engine::{Event, Inventory, Observation};

use super::Saboteur;

#[derive(Default)]
pub(super) struct SeesAnOldFleet {
    old: Option<Inventory>,
    looks: u64,
}

/// How many looks in a row show the same.
const LOOKS: u64 = 40;

impl Saboteur for SeesAnOldFleet {
    fn name(&self) -> &'static str {
        "takes an old look at the fleet for a new one"
    }

    fn caught_by(&self) -> &'static str {
        "P3 ceiling"
    }

    fn event(&mut self, mut event: Event) -> Option<Event> {
        if let Event::Observed(Observation::Inventory(inventory)) = &mut event {
            self.looks += 1;
            match &self.old {
                Some(old) if !self.looks.is_multiple_of(LOOKS) => {
                    inventory.instances.clone_from(&old.instances);
                    inventory.pools.clone_from(&old.pools);
                }
                Some(_) | None => self.old = Some(inventory.clone()),
            }
        }
        Some(event)
    }
}
