//! Oracles: a sample of the runs is held against them.

use rollout_sim::oracles::{EVERY, ORACLE_COUNT, ask, is_sampled, oracle_name};

/// Runs of the search that the sample here is taken from.
const RUNS: u64 = 2560;

#[test]
fn a_sample_of_the_runs_is_as_the_oracles_have_it() {
    let mut applied = [0; ORACLE_COUNT];
    let mut different = Vec::new();
    let sample: Vec<u64> = (0..RUNS).filter(|seed| is_sampled(*seed)).collect();
    assert_eq!(sample.len() as u64, RUNS / EVERY);
    for seed in sample {
        let (said, found) = ask(seed);
        for (sum, said) in applied.iter_mut().zip(said) {
            *sum += u64::from(said);
        }
        different.extend(found.iter().map(ToString::to_string));
    }
    assert!(different.is_empty(), "{different:#?}");
    for (oracle, count) in applied.into_iter().enumerate() {
        assert!(2 <= count, "`{}` had something to say {count} times", oracle_name(oracle));
    }
}
