//! Scale: the largest fleets, and the most rollouts in one process.
//!
//! Run with `cargo run --release -p rollout-benches --bin scale`; with a number behind `--`, that part of the size
//! alone in percent. Printed are times, and of many rollouts the memory of each and how long steps take; and at
//! full size which of the first three took longer than it should.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use rollout_benches::World;
use rollout_core::port::Making;

/// Replicas of the largest fleet by count.
const COUNTED: u64 = 1_000_000;
/// Instances of the largest fleet by name.
const NAMED: u64 = 100_000;
/// Rollouts at once.
const ROLLOUTS: u64 = 100_000;
/// Replicas of each of them.
const REPLICAS_OF_EACH: u64 = 10;
/// Most time that is aimed at for each of them.
const LIMIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let part = match std::env::args().nth(1).map(|word| word.parse::<u64>()) {
        None => 100,
        Some(Ok(part)) => part,
        Some(Err(_)) => {
            eprintln!("usage: scale [PERCENT]; a whole number");
            return ExitCode::from(2);
        }
    };
    let of = |whole: u64| (whole * part / 100).max(10);
    let mut slow = Vec::new();
    for (what, time) in [by_count(of(COUNTED)), first_by_name(of(NAMED)), update_by_name(of(NAMED))]
    {
        println!("{what}: {:.3} s", time.as_secs_f64());
        slow.extend((LIMIT < time).then_some(what));
    }
    at_once(of(ROLLOUTS));
    if !slow.is_empty() && part == 100 {
        println!("longer than the {} s that are aimed at: {}", LIMIT.as_secs(), slow.join("; "));
    }
    ExitCode::SUCCESS
}

/// A rolling update on a backend that makes instances by count.
fn by_count(replicas: u64) -> (String, Duration) {
    let mut world = World::new(Making::ByCount, replicas);
    let began = Instant::now();
    let ticks = world.run();
    (format!("rolling update of {replicas} replicas by count, {ticks} ticks"), began.elapsed())
}

/// The first deploy where each instance is made, started and enrolled by name.
fn first_by_name(instances: u64) -> (String, Duration) {
    let mut world = World::empty(Making::ByName);
    let began = Instant::now();
    world.submit("v1", instances);
    let ticks = world.run();
    let what = format!(
        "first deploy of {instances} instances by name, {ticks} ticks, {} records",
        world.records
    );
    (what, began.elapsed())
}

/// A rolling update where each instance is made, enrolled, drained and removed by name.
fn update_by_name(instances: u64) -> (String, Duration) {
    let mut world = World::at_once(Making::ByName, instances);
    let before = world.records;
    let began = Instant::now();
    let ticks = world.run();
    let records = world.records - before;
    let what = format!(
        "rolling update of {instances} instances by name, {ticks} ticks, {records} records"
    );
    (what, began.elapsed())
}

/// Many rollouts, each a little further in turn, until all have ended.
fn at_once(rollouts: u64) {
    let before = resident();
    let mut worlds: Vec<World> =
        (0..rollouts).map(|_| World::new(Making::ByCount, REPLICAS_OF_EACH)).collect();
    let each = resident().saturating_sub(before) / rollouts;
    let (mut times, mut left) = (Vec::new(), worlds.len());
    let began = Instant::now();
    while 0 < left {
        left = 0;
        for world in worlds.iter_mut().filter(|world| world.engine.end().is_none()) {
            world.times = Some(std::mem::take(&mut times));
            world.tick();
            times = world.times.take().unwrap_or_default();
            left += 1;
        }
    }
    let took = began.elapsed();
    times.sort_unstable();
    let steps = times.len();
    let share =
        |of_1000: usize| times.get(steps.saturating_sub(1) * of_1000 / 1000).copied().unwrap_or(0);
    println!(
        "{rollouts} rollouts of {REPLICAS_OF_EACH} replicas at once: {each} bytes each, with the world that stands \
         for its backend; {steps} steps in {:.1} s, {:.0} events a second on one core; a step with its commit \
         takes {} ns (p50), {} ns (p99), {} ns at most",
        took.as_secs_f64(),
        f64::from(u32::try_from(steps).unwrap_or(u32::MAX)) / took.as_secs_f64(),
        share(500),
        share(990),
        share(1000),
    );
}

/// Memory of this process in bytes; 0 where nobody says.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
