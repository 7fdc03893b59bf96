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
        if let Event::Observed(Observation::Inventory(inventory)) = &event {
            self.last = Some(inventory.clone());
        }
        let is_blind = matches!(event, Event::Unobserved { port: Port::Backend, .. });
        let Some(mut empty) = self.last.clone().filter(|_| is_blind) else {
            return Some(event);
        };
        empty.instances.clear();
        empty.pools.clear();
        Some(Event::Observed(Observation::Inventory(empty)))
    }
}
