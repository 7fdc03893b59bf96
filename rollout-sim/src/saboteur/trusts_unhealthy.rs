//! Takes an unhealthy instance for a healthy one.

use rollout_core::engine::{Event, Observation};

use super::Saboteur;

pub(super) struct TrustsUnhealthy;

impl Saboteur for TrustsUnhealthy {
    fn name(&self) -> &'static str {
        "takes unhealthy for healthy"
    }

    fn caught_by(&self) -> &'static str {
        "S1 no request lost"
    }

    fn event(&mut self, mut event: Event) -> Option<Event> {
        if let Event::Probed { healthy, .. } = &mut event {
            *healthy = true;
        }
        if let Event::Observed(Observation::Inventory(inventory)) = &mut event {
            for seen in inventory.instances.values_mut() {
                seen.healthy = seen.healthy.map(|_| true);
            }
        }
        Some(event)
    }
}
