//! Swarm: many seeds at once, and what they found.
//!
//! `cargo run --release -p rollout-sim --example swarm -- --seeds 0..100000 [--threads 2] [--calm] [--say WORD]
//! [--without CLASS]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rollout_sim::{
    CLASS_COUNT, FaultChoice, RunConfig, class_name,
    invariants::Violation,
    run,
    runner::{Coverage, Finish, ORDERS, PHASES, SIGHTS},
    setting::Setting,
};

/// Seeds shown that had a veto.
const SHOWN: usize = 20;
/// Violations of each promise shown in full.
const SHOWN_OF_EACH: usize = 5;
/// Seeds a thread takes at a time.
const CHUNK: u64 = 64;

/// What is asked for.
struct Wanted {
    first: u64,
    last: u64,
    threads: u64,
    calm: bool,
    /// Words that every spec says.
    words: Vec<String>,
    /// Classes of faults that are left out.
    without: Vec<String>,
}

#[derive(Default)]
struct Found {
    runs: u64,
    events: u64,
    steps: u64,
    engines: u64,
    vetoes: u64,
    vetoed: Vec<u64>,
    finishes: BTreeMap<Finish, u64>,
    coverage: Coverage,
    violations: Vec<Violation>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(wanted) = parse(&arguments) else {
        let words: Vec<&str> = Setting::words().collect();
        eprintln!(
            "usage: swarm [--seeds A..B] [--threads N] [--calm] [--say WORD] [--without CLASS]; seeds are whole numbers, A below B; --calm leaves the faults out, --without those of a CLASS; every spec says each WORD that it can: {}; classes: {}",
            words.join(", "),
            (0..CLASS_COUNT).map(class_name).collect::<Vec<_>>().join(", ")
        );
        return ExitCode::from(2);
    };
    let (next, found) = (AtomicU64::new(wanted.first), Mutex::new(Found::default()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads {
            scope.spawn(|| search(&next, &wanted, &found));
        }
    });
    let found = found.into_inner().expect("no thread panicked");
    tell(&found, &wanted, began.elapsed().as_secs_f64());
    if found.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(arguments: &[String]) -> Option<Wanted> {
    let (words, without) = (Vec::new(), Vec::new());
    let mut wanted = Wanted { first: 0, last: 10_000, threads: 2, calm: false, words, without };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--calm" {
            wanted.calm = true;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--seeds" => {
                let (first, last) = value.split_once("..")?;
                (wanted.first, wanted.last) = (first.parse().ok()?, last.parse().ok()?);
            }
            "--threads" => wanted.threads = value.parse().ok()?,
            "--say" if Setting::words().any(|word| word == value) => {
                wanted.words.push(value.clone());
            }
            "--without" if (0..CLASS_COUNT).any(|class| class_name(class) == value) => {
                wanted.without.push(value.clone());
            }
            _ => return None,
        }
    }
    (wanted.first < wanted.last && 0 < wanted.threads).then_some(wanted)
}

fn search(next: &AtomicU64, wanted: &Wanted, found: &Mutex<Found>) {
    let last = wanted.last;
    loop {
        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
        if last <= from {
            return;
        }
        let mut mine = Found::default();
        for seed in from..last.min(from + CHUNK) {
            let without = wanted.without.clone();
            let faults = if wanted.calm { FaultChoice::Off } else { FaultChoice::Without(without) };
            let words = wanted.words.clone();
            let report = run(&RunConfig { seed, faults, words, ..RunConfig::default() });
            mine.runs += 1;
            mine.events += report.events;
            mine.steps += report.steps;
            mine.engines += u64::from(report.engines);
            mine.vetoes += report.vetoes;
            mine.vetoed.extend((0 < report.vetoes).then_some(seed));
            *mine.finishes.entry(report.finish).or_insert(0) += 1;
            mine.coverage.merge(&report.coverage);
            mine.violations.extend(report.violations);
        }
        let mut all = found.lock().expect("no thread panicked");
        all.runs += mine.runs;
        all.events += mine.events;
        all.steps += mine.steps;
        all.engines += mine.engines;
        all.vetoes += mine.vetoes;
        all.vetoed.extend(mine.vetoed);
        for (finish, count) in mine.finishes {
            *all.finishes.entry(finish).or_insert(0) += count;
        }
        all.coverage.merge(&mine.coverage);
        all.violations.extend(mine.violations);
    }
}

fn tell(found: &Found, wanted: &Wanted, seconds: f64) {
    let each = |sum: u64| sum / found.runs.max(1);
    println!(
        "{} runs in {seconds:.1} s, {:.0} a minute; each {} events, {} steps, {} engine crashes and {} vetoes in all",
        found.runs,
        f64::from(u32::try_from(found.runs).unwrap_or(u32::MAX)) * 60.0 / seconds,
        each(found.events),
        each(found.steps),
        found.engines - found.runs,
        found.vetoes,
    );
    for (finish, count) in &found.finishes {
        println!("{count:>10}  {finish}");
    }
    if !found.vetoed.is_empty() {
        let shown: Vec<String> = found.vetoed.iter().take(SHOWN).map(u64::to_string).collect();
        println!("{} runs with a veto: {}", found.vetoed.len(), shown.join(" "));
    }
    tell_coverage(found);
    tell_violations(found, wanted);
}

/// What was reached, and how often.
fn tell_coverage(found: &Found) {
    print!("\n{:<24}", "strikes by phase");
    for phase in PHASES {
        print!("{:>10}", phase.to_string());
    }
    println!();
    for class in 0..CLASS_COUNT {
        print!("{:<24}", class_name(class));
        for count in found.coverage.of(class) {
            print!("{count:>10}");
        }
        println!();
    }
    println!();
    for (order, name) in ORDERS.iter().enumerate() {
        print!("{name:<14}");
        for (yes, no) in found.coverage.of_order(order) {
            print!("{:>18}", format!("{yes}, not {no}"));
        }
        println!();
    }
    println!();
    for (count, name) in found.coverage.sights().iter().zip(SIGHTS) {
        println!("{count:>10}  {name}");
    }
    for (rule, count) in found.coverage.vetoes() {
        println!("{count:>10}  refused by the rule {rule}");
    }
}

/// What was broken, and how to see it again.
fn tell_violations(found: &Found, wanted: &Wanted) {
    let mut violations: Vec<&Violation> = found.violations.iter().collect();
    violations.sort_by_key(|violation| (violation.seed, violation.at));
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for violation in &violations {
        *kinds.entry(violation.invariant).or_insert(0) += 1;
    }
    println!("\n{} violations", violations.len());
    for (invariant, count) in kinds {
        println!("{count:>10}  {invariant}");
    }
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    violations.retain(|violation| {
        let count = shown.entry(violation.invariant).or_insert(0);
        *count += 1;
        *count <= SHOWN_OF_EACH
    });
    let mut said: Vec<String> =
        wanted.words.iter().map(|word| format!(" --say '{word}'")).collect();
    said.extend(wanted.without.iter().map(|class| format!(" --without '{class}'")));
    for violation in violations {
        println!("{violation}");
        println!(
            "  REPRODUCE WITH: cargo run --release -p rollout-sim --example replay -- --seed {}{}",
            violation.seed,
            said.concat()
        );
    }
}
