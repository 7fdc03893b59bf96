//! Edges that a person or an autoscaler finds: orders in odd moments, pauses that overlap, ports that are down.

mod back;
mod jobs;
mod pauses;
mod ports;
mod sizes;
mod waiting;

use rollout_core::engine::Phase;

use crate::world::World;

fn log(world: &World) -> String {
    world.log.join("\n")
}

fn ticks(world: &mut World, n: usize) {
    for _ in 0..n {
        world.tick();
    }
}

fn n(name: &str) -> rollout_core::id::RevisionId {
    name.parse().unwrap()
}

fn route(world: &World) -> String {
    world.route.as_ref().unwrap().to_string()
}

fn is_at_half(world: &World) -> bool {
    let status = world.engine.status(world.now);
    status.phase == Phase::Gating && status.stage.is_some_and(|stage| stage.0.contains("50"))
}
