//! Torture: the engine crashes at every point of every decision, whatever became of what is in doubt.

use rollout_sim::{
    runner::Finish,
    torture::{Torture, torture},
};

/// Rollouts of the share that every run of the tests takes; `--example torture` walks the grid of many.
const SEEDS: [u64; 2] = [1, 5];

#[test]
fn a_crash_at_every_point_of_a_decision_breaks_no_promise() {
    let mut found = Torture::default();
    for seed in SEEDS {
        found.merge(torture(seed, 7));
    }
    assert_eq!(found.broken, []);
    assert!(20 < found.runs, "only {} runs", found.runs);
    assert!(0 < found.in_doubt_most, "nothing was ever in doubt");
    assert!(!found.finishes.contains_key(&Finish::Overdue), "{:?}", found.finishes);
}
