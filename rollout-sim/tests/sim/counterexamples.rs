//! A run is what went wrong in it: written down and played again, it is the same run.

use rollout_sim::{FaultChoice, RunConfig, run, setting::Setting};

/// Everything that is drawn is written down, and nothing else goes wrong in the run that is played again.
#[test]
fn what_is_written_down_is_played_again() {
    for seed in 0..200 {
        let told = RunConfig { seed, transcript: true, incidents: true, ..RunConfig::default() };
        let drawn = run(&told);
        let written = run(&RunConfig {
            setting: Some(Setting::draw(seed)),
            faults: FaultChoice::Written(drawn.incidents.clone()),
            ..told
        });
        let story = |transcript: &str| -> Vec<String> {
            transcript.lines().skip(4).map(str::to_owned).collect()
        };
        let (one, other) = (story(&drawn.transcript), story(&written.transcript));
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        let at = differs.map(|at| (&one[at], &other[at]));
        assert_eq!(at, None, "seed {seed}");
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}
