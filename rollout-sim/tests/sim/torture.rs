//! Torture: the engine crashes at every point of every decision, whatever became of what is in doubt.

use rollout_sim::{runner::Finish, torture::torture};

/// Rollouts of the share that every run of the tests takes; `--example torture` walks the grid of many.
const SEEDS: [u64; 2] = [1, 5];

#[test]
fn a_crash_at_every_point_of_a_decision_breaks_no_promise() {
    for seed in SEEDS {
        let found = torture(seed, 7);
        assert_eq!(found.broken, [], "seed {seed}");
        assert!(20 < found.runs, "seed {seed}: only {} runs", found.runs);
        assert!(0 < found.in_doubt_most, "seed {seed}: nothing was ever in doubt");
        assert!(!found.finishes.contains_key(&Finish::Overdue), "seed {seed}");
    }
}
