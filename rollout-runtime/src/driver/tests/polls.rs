//! Questions about runs of hooks, against a port that is slow, silent or broken.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Event, HookState, Outcome, Port},
    id::{HookRun, WorkloadId},
    port::{Hooks, ObserveError},
    time::{Span, Timestamp},
};

use super::{Bench, MS, bench, web};
use crate::{clock::ReignTime, driver::polls::Polls};

/// Time between two questions about one run.
const PERIOD: Span = Span::from_millis(500);

/// A port that answers after a while, and writes down when it was asked for what.
struct Jobs {
    time: ReignTime,
    takes: Span,
    log: Mutex<Vec<(u64, String)>>,
}

#[async_trait]
impl Hooks for Jobs {
    async fn apply(&self, _: &Action) -> Outcome {
        Outcome::unknown("nobody begins anything here")
    }

    async fn poll(&self, _: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        assert_ne!(run.as_str(), "bug", "this adapter has a bug");
        self.log.lock().unwrap().push((self.time.now().0, run.to_string()));
        self.time.sleep(self.takes).await;
        Ok(HookState::Running)
    }
}

fn run(name: &str) -> HookRun {
    HookRun::new(name).unwrap()
}

fn polls(takes: Span) -> (Bench, Arc<Jobs>, Polls) {
    let mut bench = bench();
    let jobs = Arc::new(Jobs { time: bench.time.clone(), takes, log: Mutex::default() });
    bench.ports = bench.ports.with_hooks(jobs.clone());
    let polls = Polls::new(web(), bench.ports.clone(), bench.time.clone(), bench.options);
    (bench, jobs, polls)
}

/// Asks until `until` and returns when which run was asked for.
async fn ask(bench: &Bench, jobs: &Jobs, polls: &mut Polls, until: u64) -> Vec<(u64, String)> {
    let end = Timestamp(until);
    while bench.time.now() < end {
        let next = polls.start_due(PERIOD);
        let wake = next.map_or(end, |next| next.min(end));
        tokio::select! {
            event = polls.next() => {
                assert!(matches!(event, Event::Polled { state: HookState::Running, .. }), "{event:?}");
            }
            () = bench.time.sleep_until(wake) => (),
        }
    }
    std::mem::take(&mut jobs.log.lock().unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_open_run_is_asked_for_at_once_and_at_a_steady_pace() {
    let (bench, jobs, mut polls) = polls(MS.times(30));
    let (a, b) = (run("a"), run("b"));
    polls.reconcile([&a].into_iter());
    let asked = ask(&bench, &jobs, &mut polls, 700).await;
    assert_eq!(asked, [(0, "a".to_owned()), (500, "a".to_owned())]);
    polls.reconcile([&a, &b].into_iter());
    let asked = ask(&bench, &jobs, &mut polls, 1_100).await;
    assert_eq!(asked, [(700, "b".to_owned()), (1_000, "a".to_owned())]);
    polls.reconcile([&b].into_iter());
    let asked = ask(&bench, &jobs, &mut polls, 1_900).await;
    assert_eq!(asked, [(1_200, "b".to_owned()), (1_700, "b".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_before_the_next_question() {
    let (bench, jobs, mut polls) = polls(MS.times(800));
    polls.reconcile([&run("a")].into_iter());
    let asked = ask(&bench, &jobs, &mut polls, 1_500).await;
    assert_eq!(asked, [(0, "a".to_owned()), (800, "a".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_a_run_that_has_ended_is_dropped() {
    let (bench, jobs, mut polls) = polls(MS.times(100));
    polls.reconcile([&run("a")].into_iter());
    ask(&bench, &jobs, &mut polls, 50).await;
    polls.reconcile([].into_iter());
    assert!(bench.time.within(MS.times(300), polls.next()).await.is_none());
    // Opened anew, it is asked for anew.
    polls.reconcile([&run("a")].into_iter());
    assert_eq!(ask(&bench, &jobs, &mut polls, 400).await, [(350, "a".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_silent_broken_or_not_there_is_told() {
    let (mut bench, _jobs, mut slow) = polls(Span::from_secs(3_600));
    let unobserved = |event| {
        let Event::Unobserved { port: Port::Hooks, why } = event else { panic!("{event:?}") };
        why
    };
    slow.reconcile([&run("a")].into_iter());
    slow.start_due(PERIOD);
    let why = unobserved(slow.next().await);
    assert!(why.contains("hook run a cannot be observed: no answer within 10s"), "{why}");

    slow.reconcile([&run("bug")].into_iter());
    slow.start_due(PERIOD);
    assert_eq!(unobserved(slow.next().await), "the adapter panicked");

    bench.ports.hooks = None;
    let mut none = Polls::new(web(), bench.ports, bench.time, bench.options);
    none.reconcile([&run("a")].into_iter());
    none.start_due(PERIOD);
    let why = unobserved(none.next().await);
    assert!(why.contains("no hook port was given; give the driver one"), "{why}");
}
