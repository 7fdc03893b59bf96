//! Museum: how soon the search that knows nothing of a bug finds it, for every planted bug.
//!
//! `cargo run --release -p rollout-sim --example museum` plays seeds, from 0 on, with one bug after the other
//! planted, until the invariant that is to catch it does: seeds, and seconds of the processor. Then the
//! exhibits of the museum, with the planted bug of the same kind.

#![expect(clippy::print_stdout, reason = "a program for people prints")]

use std::{process::ExitCode, time::Duration};

use rollout_sim::{
    RunConfig,
    museum::{exhibits, planted_as},
    run_with, saboteur,
};
use rustix::time::{ClockId, clock_gettime};

/// Seeds that each planted bug gets.
const SEEDS: u64 = 1000;

fn main() -> ExitCode {
    let mut times = Vec::new();
    println!("| planted bug | caught by | seeds | CPU seconds |\n|---|---|---|---|");
    for place in 0..saboteur::all().len() {
        let planted = || saboteur::all().swap_remove(place);
        let (name, by) = (planted().name(), planted().caught_by());
        let began = spent();
        let found = (0..SEEDS).find(|seed| finds(*seed, planted().as_mut(), by));
        let took = spent().saturating_sub(began).as_secs_f64();
        match found {
            Some(seed) => println!("| {name} | {by} | {} | {took:.3} |", seed + 1),
            None => println!("| {name} | {by} | not found in {SEEDS} | {took:.3} |"),
        }
        times.push((found, took));
    }
    let mut found: Vec<f64> =
        times.iter().filter(|(found, _)| found.is_some()).map(|(_, took)| *took).collect();
    found.sort_by(f64::total_cmp);
    let median = found.get(found.len() / 2).copied().unwrap_or_default();
    println!("\n{} of {} found, median {median:.3} CPU seconds\n", found.len(), times.len());
    println!("| source | what happened | planted as |\n|---|---|---|");
    for exhibit in exhibits() {
        println!("| {} | {} | {} |", exhibit.source, exhibit.what, planted_as(&exhibit));
    }
    if found.len() == times.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn finds(seed: u64, planted: &mut dyn saboteur::Saboteur, by: &str) -> bool {
    let config = RunConfig { seed, until_broken: Some(by.to_owned()), ..RunConfig::default() };
    let report = run_with(&config, Some(planted));
    report.violations.iter().any(|violation| violation.invariant == by)
}

/// Time that this thread has had a processor.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}
