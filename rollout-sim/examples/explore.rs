//! Explores small worlds to the end: `cargo run --release -p rollout-sim --example explore -- [NAME|all] [BOUND]`.
//!
//! Each configuration of the table is a small fleet with the faults and orders that may strike in it, each
//! at any moment. Printed are the distinct states, the moves between them, and whether everything that can
//! happen was seen; and every broken promise with the shortest way to it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rollout_sim::explore::{Configuration, Exploration, explore, table};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_else(|| "all".to_owned());
    let wanted = |one: &Configuration| name == "all" || one.name.starts_with(&name);
    let mut table: Vec<Configuration> = table().into_iter().filter(wanted).collect();
    if let Some(most) = std::env::args().nth(2).and_then(|most| most.parse().ok()) {
        for one in &mut table {
            one.states_max = most;
        }
    }
    if table.is_empty() {
        eprintln!("no configuration is called `{name}`; leave the name out for all");
        return ExitCode::FAILURE;
    }
    println!(
        "{:<34} {:>9} {:>10} {:>5} {:>7} {:>8}  frontier",
        "configuration", "states", "moves", "depth", "seconds", "states/s"
    );
    let began = Instant::now();
    let done = run(&table);
    tell(&done, began.elapsed());
    let is_sound = |one: &Exploration| one.violations == 0 && one.merges_wrong == 0;
    if done.iter().all(is_sound) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All of it in a few lines.
fn tell(done: &[Exploration], elapsed: Duration) {
    let sum = |of: fn(&Exploration) -> u64| done.iter().map(of).sum::<u64>();
    let (states, moves) = (sum(|one| one.states), sum(|one| one.transitions));
    let bounded = done.iter().filter(|one| one.bound.is_some()).count();
    println!(
        "{} configurations, {states} distinct states, {moves} moves between them, {} deep at most, in {:.0} s; \
         {bounded} stopped at a bound, {} broken promises",
        done.len(),
        done.iter().map(|one| one.depth).max().unwrap_or_default(),
        elapsed.as_secs_f64(),
        sum(|one| one.violations)
    );
    println!(
        "{} states replayed from their journal; {} merges checked, {} wrong; {} states of which nobody knows how \
         they end; {} vetoes",
        sum(|one| one.replays),
        sum(|one| one.merges),
        sum(|one| one.merges_wrong),
        sum(|one| one.undecided),
        sum(|one| one.vetoes)
    );
}

/// Explores every configuration, on as many threads as there are cores.
fn run(table: &[Configuration]) -> Vec<Exploration> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = table.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let exploration = explore(one);
                    let mut done = done.lock().expect("no thread panics while it holds it");
                    say(&exploration);
                    done.push(exploration);
                }
            });
        }
    });
    done.into_inner().expect("no thread panics while it holds it")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "a rate, for people"
)]
fn say(one: &Exploration) {
    let seconds = one.elapsed.as_secs_f64();
    let rate = (one.states as f64 / seconds) as u64;
    let frontier = match one.bound {
        None => "empty".to_owned(),
        Some(bound) => format!("stopped at the bound of {bound} states"),
    };
    println!(
        "{:<34} {:>9} {:>10} {:>5} {seconds:>7.1} {rate:>8}  {frontier}",
        one.name, one.states, one.transitions, one.depth
    );
    println!(
        "    ends {:?}; {} vetoes; {} replayed; {} merges checked, {} wrong; widest {}; {} undecided",
        one.ends, one.vetoes, one.replays, one.merges, one.merges_wrong, one.widest, one.undecided
    );
    for finding in &one.findings {
        println!("    BROKEN {}: {}", finding.promise, finding.what);
        for line in &finding.transcript {
            println!("        {line}");
        }
    }
}
