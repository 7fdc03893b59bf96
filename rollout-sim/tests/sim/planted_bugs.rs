//! Every planted bug is caught by the invariant that names it, within a few seeds.

use rollout_sim::{RunConfig, run_with, saboteur};

/// Seeds that each planted bug gets.
const SEEDS: u64 = 1000;

#[test]
fn every_planted_bug_is_caught_by_its_invariant() {
    let bugs = saboteur::all().len();
    assert!(5 <= bugs);
    for bug in 0..bugs {
        let caught = (0..SEEDS).find(|seed| {
            let mut saboteur = saboteur::all().swap_remove(bug);
            let named = saboteur.caught_by();
            let until_broken = Some(named.to_owned());
            let config = RunConfig { seed: *seed, until_broken, ..RunConfig::default() };
            let report = run_with(&config, Some(saboteur.as_mut()));
            report.violations.iter().any(|one| one.invariant == named)
        });
        let saboteur = saboteur::all().swap_remove(bug);
        eprintln!("{caught:?} {}", saboteur.name());
        assert!(
            caught.is_some(),
            "`{}` was not caught by {} in {SEEDS} seeds",
            saboteur.name(),
            saboteur.caught_by()
        );
    }
}
