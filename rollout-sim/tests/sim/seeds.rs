//! Seeds: no promise is broken, the interesting states are reached, and the same seed gives the same bytes.

use std::collections::BTreeMap;

use rollout_sim::{
    CLASS_COUNT, FaultChoice, RunConfig, class_name, run,
    runner::{Coverage, Finish},
};

fn config(seed: u64) -> RunConfig {
    RunConfig { seed, ..RunConfig::default() }
}

#[test]
fn no_promise_is_broken_without_faults() {
    for seed in 0..300 {
        let report = run(&RunConfig { faults: FaultChoice::Off, ..config(seed) });
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.finish, Finish::Completed, "seed {seed}");
    }
}

#[test]
fn no_promise_is_broken_under_faults_and_every_class_strikes() {
    let mut coverage = Coverage::default();
    let mut finishes = BTreeMap::new();
    for seed in 0..1000 {
        let report = run(&config(seed));
        assert_eq!(report.violations, [], "seed {seed}");
        coverage.merge(&report.coverage);
        *finishes.entry(report.finish).or_insert(0) += 1;
    }
    for class in 0..CLASS_COUNT {
        let strikes: u64 = coverage.of(class).iter().sum();
        assert!(0 < strikes, "{} never struck", class_name(class));
    }
    for finish in [Finish::Completed, Finish::RolledBack] {
        assert!(finishes.contains_key(&finish), "never {finish}: {finishes:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..20 {
        let told = RunConfig { transcript: true, ..config(seed) };
        let (one, other) = (run(&told), run(&told));
        assert!(!one.transcript.is_empty());
        assert_eq!(one.transcript, other.transcript, "seed {seed}");
    }
}
