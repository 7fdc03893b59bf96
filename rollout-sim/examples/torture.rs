//! Torture: many rollouts, each with a crash at every point of every decision and every combination of what is
//! in doubt then: `cargo run --release -p rollout-sim --example torture -- [A..B]`, seeds of what they are about.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rollout_sim::torture::{Torture, torture};

/// Violations that are shown.
const SHOWN: usize = 10;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_else(|| "0..100".to_owned());
    let seeds = wanted
        .split_once("..")
        .and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    let Some((first, last)) = seeds else {
        eprintln!("usage: torture [A..B]; seeds are whole numbers, A below B");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let (next, all) = (AtomicU64::new(first), Mutex::new(Torture::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if last <= seed {
                        return;
                    }
                    let found = torture(seed, 1);
                    all.lock().expect("no thread panics while it holds it").merge(found);
                }
            });
        }
    });
    let all = all.into_inner().expect("no thread panics while it holds it");
    println!(
        "{} rollouts, {} decisions, {} records; {} runs with a crash each in {:.1} s; at most {} effects in doubt, \
         {} crashes with more than every combination of is played; {} broken promises",
        last.saturating_sub(first),
        all.decisions,
        all.records,
        all.runs,
        began.elapsed().as_secs_f64(),
        all.in_doubt_most,
        all.bounded,
        all.broken.len()
    );
    for (finish, count) in &all.finishes {
        println!("{count:>10}  {finish}");
    }
    for broken in all.broken.iter().take(SHOWN) {
        println!("{broken}");
    }
    if all.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
