//! Takes a look that failed for an empty fleet.

use rollout_core::engine::{Event, Inventory, Observation, Port};

use super::Saboteur;

#[derive(Default)]
pub(super) struct TakesBlindForEmpty {
    last: Option<Inventory>,
}

impl Saboteur for TakesBlindForEmpty {
    fn name(&self) -> &'static str {
        "takes a look that failed for an empty fleet"
    }

    fn caught_by(&self) -> &'static str {
        "P3 ceiling"
    }

    fn event(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Observed(Observation::Inventory(inventory)) => {
                self.last = Some(inventory.clone());
                Some(Event::Observed(Observation::Inventory(inventory)))
            }
            Event::Unobserved { port: Port::Backend, .. } if self.last.is_some() => {
                let mut empty = self.last.clone()?;
                empty.instances.clear();
                empty.pools.clear();
                Some(Event::Observed(Observation::Inventory(empty)))
            }
            other => Some(other),
        }
    }
}
