//! Cost of one step and of a whole rolling update, with allocations, by number of replicas.
//!
//! Run with `cargo bench -p rollout-benches --bench step`. On a backend that makes instances by count a
//! step costs the same whatever the number; by name it follows the number of instances.

use divan::{AllocProfiler, Bencher, black_box};
use rollout_benches::World;
use rollout_core::{engine::Event, port::Making};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// One observation that changes nothing, in mid-rollout.
fn idle_step(bencher: Bencher<'_, '_>, making: Making, replicas: u64) {
    let mut world = World::new(making, replicas);
    world.tick();
    bencher
        .with_inputs(|| (world.clone(), world.inventory()))
        .bench_local_values(|(mut world, seen)| black_box(world.step(Event::Observed(seen))));
}

#[divan::bench(args = [3, 1_000, 1_000_000, 1 << 31])]
fn step_by_count(bencher: Bencher<'_, '_>, replicas: u64) {
    idle_step(bencher, Making::ByCount, replicas);
}

#[divan::bench(args = [3, 30, 300])]
fn step_by_name(bencher: Bencher<'_, '_>, replicas: u64) {
    idle_step(bencher, Making::ByName, replicas);
}

#[divan::bench(args = [3, 1_000, 1_000_000, 1 << 31])]
fn rolling_update_by_count(bencher: Bencher<'_, '_>, replicas: u64) {
    let world = World::new(Making::ByCount, replicas);
    bencher.with_inputs(|| world.clone()).bench_local_values(|mut world| black_box(world.run()));
}

#[divan::bench(args = [3, 30, 300], sample_count = 10, sample_size = 1)]
fn rolling_update_by_name(bencher: Bencher<'_, '_>, replicas: u64) {
    let world = World::new(Making::ByName, replicas);
    bencher.with_inputs(|| world.clone()).bench_local_values(|mut world| black_box(world.run()));
}
