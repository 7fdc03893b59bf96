//! Shrink: the smallest run that breaks the promise that a seed breaks, told and written down in one line.
//!
//! `cargo run --release -p rollout-sim --example shrink -- --seed 42 [--bug NAME]`
//! `cargo run --release -p rollout-sim --example shrink -- --replay TEXT` plays one that was written down.
//! `cargo run --release -p rollout-sim --example shrink -- --bugs` measures it on every planted bug.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::{process::ExitCode, time::Instant};

use rollout_sim::{
    RunConfig,
    counterexample::{Counterexample, Shrunk, shrink, story},
    run_with, saboteur,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (seed, bug) = match words[..] {
        ["--bugs"] => return measure(),
        ["--replay", text] => return replay(text),
        ["--seed", seed] => (seed.parse(), None),
        ["--seed", seed, "--bug", bug] => (seed.parse(), Some(bug)),
        _ => {
            eprintln!(
                "usage: shrink --seed N [--bug NAME] | --replay TEXT | --bugs; N is a whole number"
            );
            return ExitCode::from(2);
        }
    };
    let Ok(seed) = seed else {
        eprintln!("a seed is a whole number");
        return ExitCode::from(2);
    };
    let Some(shrunk) = shrink(seed, bug, None) else {
        println!("seed {seed} breaks no promise");
        return ExitCode::SUCCESS;
    };
    tell(&shrunk);
    ExitCode::FAILURE
}

fn replay(text: &str) -> ExitCode {
    match text.parse::<Counterexample>() {
        Ok(counterexample) => {
            println!("{}", story(&counterexample));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn tell(shrunk: &Shrunk) {
    let Shrunk { counterexample, events_before, runs } = shrunk;
    println!("{}", story(counterexample));
    println!("{events_before} events before, {} now, after {runs} runs", counterexample.events());
    println!(
        "REPLAY WITH: cargo run --release -p rollout-sim --example shrink -- --replay '{counterexample}'"
    );
}

/// Most events that the median of the planted bugs may take, and most seconds to find and shrink it.
const EVENTS_MAX: usize = 12;
const SECONDS_MAX: f64 = 10.0;
/// Seeds that each planted bug gets.
const SEEDS: u64 = 1000;

fn measure() -> ExitCode {
    let (mut events, mut times, mut is_short) = (Vec::new(), Vec::new(), true);
    println!("{:>7} {:>6} {:>6} {:>7}  planted bug", "events", "before", "runs", "seconds");
    for bug in 0..saboteur::all().len() {
        let planted = || saboteur::all().swap_remove(bug);
        let (name, by) = (planted().name(), planted().caught_by());
        let finds = |seed: &u64| {
            let config = RunConfig { seed: *seed, ..RunConfig::default() };
            let report = run_with(&config, Some(planted().as_mut()));
            report.violations.iter().any(|violation| violation.invariant == by)
        };
        let began = Instant::now();
        let shrunk = (0..SEEDS).find(finds).and_then(|seed| shrink(seed, Some(name), Some(by)));
        let Some(Shrunk { counterexample, events_before, runs }) = shrunk else {
            println!("{name}: {by} is not broken when it is played again");
            is_short = false;
            continue;
        };
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{:>7} {events_before:>6} {runs:>6} {seconds:>7.2}  {name}",
            counterexample.events()
        );
        events.push(counterexample.events());
        times.push(seconds);
    }
    events.sort_unstable();
    times.sort_by(f64::total_cmp);
    let median = events.get(events.len() / 2).copied().unwrap_or_default();
    let seconds = times.get(times.len() / 2).copied().unwrap_or_default();
    let slowest = times.last().copied().unwrap_or_default();
    println!("median {median} events in {seconds:.2} s, the slowest took {slowest:.2} s");
    let is_short = is_short && median <= EVENTS_MAX && seconds <= SECONDS_MAX;
    if is_short { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
