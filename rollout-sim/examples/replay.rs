//! Replay: one seed again, told line by line.
//!
//! `cargo run --release -p rollout-sim --example replay -- --seed 42 [--calm] [--say WORD]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::process::ExitCode;

use rollout_sim::{FaultChoice, RunConfig, run, setting::Setting};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((seed, calm, words)) = parse(&arguments) else {
        eprintln!(
            "usage: replay --seed N [--calm] [--say WORD]; N is a whole number, --calm leaves the faults out, WORD is one that the search was told to say"
        );
        return ExitCode::from(2);
    };
    let report = run(&RunConfig {
        seed,
        faults: if calm { FaultChoice::Off } else { FaultChoice::Drawn },
        transcript: true,
        words,
        ..RunConfig::default()
    });
    print!("{}", report.transcript);
    println!(
        "{} after {} ms; {} requests, {} failed; lowest capacity {}; {} engines",
        report.finish,
        report.duration,
        report.traffic.sent(),
        report.traffic.failed_in_all(),
        report.lowest_capacity,
        report.engines,
    );
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(arguments: &[String]) -> Option<(u64, bool, Vec<String>)> {
    let (mut seed, mut calm, mut said) = (None, false, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => seed = Some(words.next()?.parse().ok()?),
            "--calm" => calm = true,
            "--say" => {
                let said_one =
                    words.next().filter(|it| Setting::words().any(|word| word == *it))?;
                said.push(said_one.clone());
            }
            _ => return None,
        }
    }
    Some((seed?, calm, said))
}
