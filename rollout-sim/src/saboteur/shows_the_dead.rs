//! Goes on showing who died with a node, as they were.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{Event, InstanceSeen, Observation, Step},
    id::InstanceId,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct ShowsTheDead {
    seen: BTreeMap<InstanceId, InstanceSeen>,
    dead: Vec<InstanceId>,
}

impl Saboteur for ShowsTheDead {
    fn name(&self) -> &'static str {
        "goes on showing who died with a node"
    }

    fn caught_by(&self) -> &'static str {
        "L5 dead nodes"
    }

    fn step(&mut self, _: &mut Step, world: &World, _: &Ledger) {
        self.dead = world.died_with_nodes().iter().cloned().collect();
    }

    fn event(&mut self, mut event: Event) -> Option<Event> {
        if let Event::Observed(Observation::Inventory(inventory)) = &mut event {
            for name in &self.dead {
                if let Some(seen) = self.seen.get(name) {
                    inventory.instances.entry(name.clone()).or_insert_with(|| seen.clone());
                }
            }
            self.seen.extend(inventory.instances.clone());
        }
        Some(event)
    }
}
