//! What the stories have in common: a world that serves, what is looked at, and what goes wrong.

use rollout_core::{
    engine::{Cause, InstanceState},
    id::InstanceId,
};
use serde_json::Value;

use crate::world::{World, setup, spec};

/// A world that serves `replicas` instances of v1 by the spec with the fields in `rest`.
pub(super) fn deployed(replicas: u64, router: Option<u64>, rest: &Value) -> World {
    let mut world = World::new(setup(router));
    world.submit("v1", &spec(replicas, rest)).unwrap();
    assert_eq!(world.run(), "completed");
    world
}

pub(super) fn ticks(world: &mut World, count: usize) {
    for _ in 0..count {
        world.tick();
    }
}

/// The instances of a revision whose process runs.
pub(super) fn running(world: &World, revision: &str) -> Vec<InstanceId> {
    let runs = world.instances.iter().filter(|(_, (seen, _))| {
        seen.revision.as_str() == revision && seen.state == InstanceState::Running
    });
    runs.map(|(instance, _)| instance.clone()).collect()
}

/// Ticks until so many instances of `revision` run.
pub(super) fn until_running(world: &mut World, revision: &str, count: usize) {
    for _ in 0..200 {
        if count <= running(world, revision).len() {
            return;
        }
        world.tick();
    }
    panic!("{count} of {revision} never ran\n{}", world.log.join("\n"));
}

pub(super) fn kill(world: &mut World, instance: &InstanceId, code: i64) {
    let (seen, _) = world.instances.get_mut(instance).expect("an instance that is there");
    seen.state = InstanceState::Exited { code, detail: String::new() };
}

/// Kills the first running instance of a revision.
pub(super) fn kill_one(world: &mut World, revision: &str) {
    until_running(world, revision, 1);
    let first = running(world, revision)[0].clone();
    kill(world, &first, 1);
}

/// Takes an instance away, as when its host is gone.
pub(super) fn lose(world: &mut World, instance: &InstanceId) {
    world.instances.remove(instance);
    world.enrolled.remove(instance);
}

pub(super) fn phase(world: &World) -> String {
    let status = world.engine.status(world.now);
    match (status.paused, status.end) {
        (true, _) => "paused".to_owned(),
        (false, Some(end)) => end.to_string(),
        (false, None) => status.phase.to_string(),
    }
}

/// Failures that the rollout turned back for; none if it did not.
pub(super) fn failures_that_counted(world: &World) -> Option<u64> {
    let cause = world.engine.status(world.now).cause?;
    if let Cause::Failures { failed, .. } = cause { Some(failed) } else { None }
}

pub(super) fn failed(world: &World) -> u64 {
    world.engine.status(world.now).pools.iter().map(|pool| pool.failed).sum()
}

pub(super) fn target(world: &World, revision: &str) -> u64 {
    let pools = world.engine.status(world.now).pools;
    pools.iter().find(|pool| pool.revision.as_str() == revision).map_or(0, |pool| pool.target)
}
