//! The `rollout` command killed between a record and its effect, and between the effect and its answer.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::{Image, Manners},
    load::{Load, LoadPlan},
    place::{Place, Standing},
    proxy::{Fault, Proxy, Trouble, Which},
    tool::{Running, Tool},
};
use tokio::time::sleep;

use crate::rolling;

/// Kills in all; the operator's own suite has more.
const KILLS: u32 = 8;
/// Kills of one rollout, at most: the last run is to end by itself.
const KILLS_EACH: u32 = 4;
/// Longest wait for a write that is held.
const HELD_DEADLINE: Duration = Duration::from_secs(90);

/// Exit code of a command that could not reach what it was to drive.
const UNREACHABLE: i32 = 5;

/// A place, and the command that reaches the API server through a proxy.
struct Stage {
    place: Place,
    proxy: Proxy,
    tool: Tool,
}

/// How a run that is to be killed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    /// It was through before its write came.
    Ended,
}

impl Stage {
    fn new() -> Self {
        let mut place = Place::new("killed", Manners::Abrupt).unwrap_or_else(|why| panic!("{why}"));
        let proxy = Proxy::start(place.cluster()).unwrap_or_else(|why| panic!("{why}"));
        let tool = Tool::within(place.dir()).unwrap_or_else(|why| panic!("{why}"));
        Self { place, proxy, tool }
    }

    fn start(&self, image: Image) -> Running {
        let file = self.place.dir().join(format!("{}.json", image.version()));
        std::fs::write(&file, self.place.spec(image, &rolling()).to_string()).expect("it is ours");
        let (file, journal) = (file.to_string_lossy(), self.place.journal());
        let (journal, kubeconfig) = (journal.to_string_lossy(), self.proxy.kubeconfig());
        let kubeconfig = kubeconfig.to_string_lossy();
        let args = ["run", &file, "--backend", "kubernetes", "--journal", &journal];
        let to = ["--kubeconfig", &kubeconfig, "--namespace", self.place.namespace()];
        self.tool.start(args.into_iter().chain(to)).expect("the command starts")
    }

    /// Runs it to its end, which is to be a good one. A command whose first words meet a connection that the
    /// proxy has just cut touches nothing, says so, and is run again, as a person would.
    fn run(&self, image: Image) {
        let mut ran = self.start(image).wait().expect("it ends");
        if ran.code == Some(UNREACHABLE) {
            ran = self.start(image).wait().expect("it ends");
        }
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    }

    /// Runs it until `trouble` meets a write after `spared` others, and kills it there.
    async fn run_killed(&self, image: Image, trouble: Trouble, spared: u32) -> Fate {
        let before = self.proxy.seen().len();
        self.proxy.inject(Fault::next(1, trouble, Which::Writes).sparing(spared));
        let mut running = self.start(image);
        let begun = Instant::now();
        let held = loop {
            assert!(begun.elapsed() < HELD_DEADLINE, "nothing is held: {}", running.said());
            let seen = self.proxy.seen().split_off(before);
            if let Some(held) = seen.into_iter().find(|seen| seen.trouble == Some(trouble)) {
                break Some(held);
            }
            if running.has_ended().expect("the system knows its children") {
                break None;
            }
            sleep(Duration::from_millis(10)).await;
        };
        // So that the API server has done what is held back.
        sleep(Duration::from_millis(100)).await;
        let ran = running.kill().expect("it is killed");
        self.proxy.heal();
        let Some(held) = held else {
            assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
            return Fate::Ended;
        };
        assert_eq!(ran.code, None, "it ended on its own: {}{}", ran.out, ran.err);
        println!("killed at {trouble:?} of {} {}", held.method, held.path);
        Fate::Killed
    }
}

#[tokio::test]
async fn killed_before_and_after_its_writes_it_ends_where_it_should() {
    let stage = Stage::new();
    stage.run(Image::V1);
    stage.place.answers().await.expect("the Service answers");
    let load = Load::start(stage.place.addr(), LoadPlan::strangers()).expect("the load starts");
    load.reached(100).await;
    let (mut kills, mut next) = (0, Image::V2);
    while kills < KILLS || next == Image::V2 {
        let mut fate = Fate::Killed;
        for _ in 0..KILLS_EACH {
            if kills == KILLS || fate == Fate::Ended {
                break;
            }
            let trouble =
                if kills.is_multiple_of(2) { Trouble::HoldAnswer } else { Trouble::Silence };
            // The first writes of a run are those of its claim: some kills are there, most are later.
            fate = stage.run_killed(next, trouble, kills % 7).await;
            kills += u32::from(fate == Fate::Killed);
        }
        if fate == Fate::Killed {
            stage.run(next);
        }
        let wanted = Standing::exactly(next);
        assert_eq!(stage.place.settled(&wanted).await.expect("the cluster answers"), wanted);
        next = if next == Image::V2 { Image::V1 } else { Image::V2 };
    }
    let report = load.stop_and_finish().await;
    println!("killed {kills} times; {report}");
    assert_eq!(report.all.failed, 0, "{report}: {:?}", report.moments());
}
