//! Replay: one seed again, told line by line.
//!
//! `cargo run --release -p rollout-sim --example replay -- --seed 42 [--calm] [--say WORD] [--without CLASS]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people prints")]

use std::process::ExitCode;

use rollout_sim::{CLASS_COUNT, FaultChoice, RunConfig, class_name, run, setting::Setting};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((seed, calm, words, without)) = parse(&arguments) else {
        eprintln!(
            "usage: replay --seed N [--calm] [--say WORD] [--without CLASS]; N is a whole number, --calm leaves the faults out, WORD and CLASS are those that the search was told"
        );
        return ExitCode::from(2);
    };
    let report = run(&RunConfig {
        seed,
        faults: if calm { FaultChoice::Off } else { FaultChoice::Without(without) },
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

fn parse(arguments: &[String]) -> Option<(u64, bool, Vec<String>, Vec<String>)> {
    let (mut seed, mut calm) = (None, false);
    let (mut said, mut without) = (Vec::new(), Vec::new());
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
            "--without" => {
                let class = words.next()?;
                (0..CLASS_COUNT).find(|known| class_name(*known) == class)?;
                without.push(class.clone());
            }
            _ => return None,
        }
    }
    Some((seed?, calm, said, without))
}
