//! Killed as nothing can see coming, at random moments, and run again: nothing is lost, nothing is left.

use std::{env, time::Duration};

use rollout_live::{
    bed::Image,
    load::{Load, LoadPlan},
    rig::Serving,
};
use tokio::time::sleep;

use crate::Stage;

/// Kills in all.
const KILLS: usize = 20;
/// Kills of one rollout, at most: the last run is to end by itself.
const KILLS_EACH: usize = 4;
/// Shortest and longest life in milliseconds; one that lives longer than its rollout takes is not killed.
const LIFE_MS: (u64, u64) = (50, 2_500);
/// Seed of the moments, unless `ROLLOUT_LIVE_SEED` gives another.
const SEED: u64 = 20_260_101;

/// Random numbers that a seed brings back (SplitMix64).
struct Random(u64);

impl Random {
    fn life(&mut self) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let (shortest, longest) = LIFE_MS;
        Duration::from_millis(shortest + (bits ^ (bits >> 31)) % (longest - shortest))
    }
}

impl Stage {
    /// Rolls out `image`, killed up to `most` times. Returns how often it was.
    async fn run_killed(&self, image: Image, most: usize, random: &mut Random) -> usize {
        for nth in 0..most {
            let mut running = self.start(image, &[]);
            let life = random.life();
            sleep(life).await;
            if running.has_ended().expect("the system knows its children") {
                let ran = running.wait().expect("it ended");
                assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
                return nth;
            }
            let ran = running.kill().expect("it is killed");
            assert_eq!(ran.code, None, "it ended on its own: {}{}", ran.out, ran.err);
            let last = ran.out.lines().last().unwrap_or("nothing yet");
            println!("killed after {:>4} ms, at: {last}", life.as_millis());
        }
        self.run(image);
        most
    }
}

#[tokio::test]
async fn killed_at_twenty_random_moments_it_ends_where_it_should() {
    let seed = env::var("ROLLOUT_LIVE_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
    println!("moments of ROLLOUT_LIVE_SEED={seed}");
    let stage = Stage::new();
    stage.run(Image::V1);
    let load = Load::start(stage.rig.haproxy().addr(), LoadPlan::until_stopped())
        .expect("the load starts");
    load.reached(400).await;
    let (mut random, mut kills, mut next) = (Random(seed), 0, Image::V2);
    while kills < KILLS || next == Image::V2 {
        let most = KILLS_EACH.min(KILLS - kills);
        kills += stage.run_killed(next, most, &mut random).await;
        assert_eq!(stage.rig.serving().expect("the bed answers"), Serving::exactly(next));
        next = if next == Image::V2 { Image::V1 } else { Image::V2 };
    }
    let report = load.stop_and_finish().await;
    println!("killed {kills} times; {report}");
    assert_eq!(kills, KILLS);
    assert_eq!(report.all.failed, 0, "{report}");
    assert_eq!(stage.rig.serving().expect("the bed answers"), Serving::exactly(Image::V2));
}
