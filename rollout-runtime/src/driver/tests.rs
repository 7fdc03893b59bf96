//! Attempts and observations against adapters that are slow, silent or broken, in virtual time.

mod polls;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};
use rollout_core::{
    engine::{Action, Effect, Event, Inventory, Outcome, Port, RefusalKind, Retry},
    id::{ActionId, Attempt, Epoch, InstanceId, Mark, WorkloadId},
    port::{Backend, Claim, ClaimError, Making, ObserveError, PinError},
    time::{Span, Timestamp},
};
use tokio::sync::mpsc;

use super::{
    attempts::Attempts,
    observers::{Observers, Seen},
};
use crate::{clock::ReignTime, journal::MemoryJournal, options::Options, ports::Ports};

const MS: Span = Span::from_millis(1);

/// A backend that takes as many milliseconds for an action as the action's number says, and writes down
/// when what began and ended.
struct Slow {
    time: ReignTime,
    log: Mutex<Vec<(u64, &'static str, u64)>>,
    hints: Mutex<Option<mpsc::UnboundedReceiver<()>>>,
    observe_takes: Span,
}

impl Slow {
    fn write(&self, what: &'static str, number: u64) {
        self.log.lock().unwrap().push((self.time.now().0, what, number));
    }

    fn read(&self) -> Vec<(u64, &'static str, u64)> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

#[async_trait]
impl Backend for Slow {
    fn making(&self) -> Making {
        Making::ByName
    }
    async fn pin(
        &self,
        _: &WorkloadId,
        template: &serde_json::Value,
    ) -> Result<serde_json::Value, PinError> {
        Ok(template.clone())
    }
    async fn claim(&self, _: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        Ok(claim.epoch)
    }
    async fn observe(&self, _: &WorkloadId) -> Result<Inventory, ObserveError> {
        self.write("observe", 0);
        self.time.sleep(self.observe_takes).await;
        Ok(Inventory::default())
    }
    async fn apply(&self, action: &Action) -> Outcome {
        let number = action.id.0;
        assert_ne!(number, 13, "this adapter has a bug");
        self.write("begin", number);
        self.time.sleep(MS.times(number)).await;
        self.write("end", number);
        Outcome::Applied { mark: Mark(number) }
    }
    fn changes(&self, _: &WorkloadId) -> BoxStream<'static, ()> {
        let Some(hints) = self.hints.lock().unwrap().take() else {
            return futures_util::stream::pending().boxed();
        };
        futures_util::stream::unfold(hints, |mut hints| async move {
            hints.recv().await.map(|hint| (hint, hints))
        })
        .boxed()
    }
}

struct Bench {
    slow: Arc<Slow>,
    ports: Ports,
    time: ReignTime,
    options: Options,
    hint: mpsc::UnboundedSender<()>,
}

fn bench() -> Bench {
    let clock = Arc::new(crate::SystemClock::starting_at(Timestamp(0)));
    let time = ReignTime::after(clock.clone(), Timestamp(0));
    let (hint, hints) = mpsc::unbounded_channel();
    let slow = Arc::new(Slow {
        time: time.clone(),
        log: Mutex::default(),
        hints: Mutex::new(Some(hints)),
        observe_takes: MS.times(30),
    });
    let journal = Arc::new(MemoryJournal::new("test"));
    let ports = Ports::new(slow.clone(), journal).with_clock(clock);
    let options = Options { max_in_flight: NonZeroUsize::new(2).unwrap(), ..Options::default() };
    Bench { slow, ports, time, options, hint }
}

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn action(id: u64, effect: Effect) -> Action {
    Action {
        id: ActionId(id),
        epoch: Epoch(1),
        attempt: Attempt(1),
        workload: web(),
        revision: None,
        effect,
    }
}

fn start(id: u64, instance: &str) -> Action {
    action(id, Effect::Start { instance: InstanceId::new(instance).unwrap() })
}

fn outcome(event: Event) -> (u64, Outcome) {
    let Event::Attempted { id, outcome } = event else { panic!("{event:?}") };
    (id.0, outcome)
}

#[tokio::test(start_paused = true)]
async fn one_subject_is_changed_by_one_attempt_at_a_time() {
    let bench = bench();
    let mut attempts = Attempts::new(bench.ports, bench.time, bench.options);
    attempts.add(vec![start(30, "a"), start(5, "a"), start(20, "b"), start(4, "c")]);
    let mut ended = Vec::new();
    for _ in 0..4 {
        let (id, outcome) = outcome(attempts.next().await.event);
        assert_eq!(outcome, Outcome::Applied { mark: Mark(id) });
        ended.push(id);
    }
    assert_eq!(ended, [20, 4, 30, 5]);
    let log = bench.slow.read();
    let expected = [
        (0, "begin", 30),
        (0, "begin", 20), // Side by side: another subject.
        (20, "end", 20),
        (20, "begin", 4), // Only two at once.
        (24, "end", 4),
        (30, "end", 30),
        (30, "begin", 5), // The same subject: only now.
        (35, "end", 5),
    ];
    assert_eq!(log, expected);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_past_its_deadline_is_unknown_and_the_next_one_begins() {
    let mut bench = bench();
    bench.options.attempt_deadline = MS.times(100);
    bench.options.stop_margin = MS.times(50);
    let time = bench.time.clone();
    let mut attempts = Attempts::new(bench.ports, bench.time, bench.options);
    attempts.add(vec![start(101, "a"), start(1, "a")]);
    let (id, late) = outcome(attempts.next().await.event);
    assert_eq!((id, late), (101, Outcome::unknown("no answer within 100ms")));
    assert_eq!(time.now(), Timestamp(100));
    assert_eq!(outcome(attempts.next().await.event).1, Outcome::Applied { mark: Mark(1) });

    let instance = InstanceId::new("a").unwrap();
    let stop = Effect::Stop { instance, grace: MS.times(200) };
    attempts.add(vec![action(249, stop.clone()), action(251, stop)]);
    assert_eq!(outcome(attempts.next().await.event).1, Outcome::Applied { mark: Mark(249) });
    let (_, late) = outcome(attempts.next().await.event);
    assert_eq!(late, Outcome::unknown("no answer within 250ms"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_backend_does_not_hold_up_the_load_balancer() {
    let bench = bench();
    let mut attempts = Attempts::new(bench.ports, bench.time.clone(), bench.options);
    let drain = action(9, Effect::Drain { instance: InstanceId::new("d").unwrap() });
    attempts.add(vec![start(50, "a"), start(50, "b"), start(50, "c"), drain]);
    let (id, _) = outcome(attempts.next().await.event);
    assert_eq!((id, bench.time.now()), (9, Timestamp(0)));
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_leaves_the_attempt_unknown() {
    let bench = bench();
    let mut attempts = Attempts::new(bench.ports, bench.time, bench.options);
    attempts.add(vec![start(13, "a"), start(2, "a")]);
    let (id, broken) = outcome(attempts.next().await.event);
    assert_eq!((id, broken), (13, Outcome::unknown("the adapter panicked")));
    assert_eq!(outcome(attempts.next().await.event).0, 2);
}

#[tokio::test(start_paused = true)]
async fn an_action_without_its_port_is_refused_for_good() {
    let bench = bench();
    let mut attempts = Attempts::new(bench.ports, bench.time, bench.options);
    attempts.add(vec![action(1, Effect::Drain { instance: InstanceId::new("a").unwrap() })]);
    let (_, refused) = outcome(attempts.next().await.event);
    let expected =
        Outcome::refused(RefusalKind::Invalid, "no load balancer was given", Retry::Never);
    assert_eq!(refused, expected);
}

/// Runs the observers until `until` and returns when observations began.
async fn watch(bench: &Bench, observers: &mut Observers, until: u64) -> Vec<u64> {
    let options = bench.options;
    let end = Timestamp(until);
    while bench.time.now() < end {
        let next = observers.start_due(|_| options.poll_moving);
        let wake = next.map_or(end, |next| next.min(end));
        tokio::select! {
            seen = observers.next() => match seen {
                Seen::Event(Event::Observed(_)) | Seen::Hint => (),
                Seen::Event(other) => panic!("{other:?}"),
            },
            () = bench.time.sleep_until(wake) => (),
        }
    }
    bench.slow.read().into_iter().map(|(at, _, _)| at).collect()
}

fn observers(bench: &Bench) -> Observers {
    Observers::new(web(), bench.ports.clone(), bench.time.clone(), bench.options)
}

#[tokio::test(start_paused = true)]
async fn ports_are_observed_at_start_and_at_a_period() {
    let bench = bench();
    let mut observers = observers(&bench);
    assert_eq!(watch(&bench, &mut observers, 1_400).await, [0, 500, 1_000]);
}

#[tokio::test(start_paused = true)]
async fn wishes_while_one_is_under_way_become_one_more() {
    let bench = bench();
    let mut observers = observers(&bench);
    assert_eq!(watch(&bench, &mut observers, 10).await, [0]);
    for _ in 0..5 {
        observers.want(Port::Backend);
    }
    assert_eq!(watch(&bench, &mut observers, 300).await, [30]);
    observers.want(Port::Backend);
    assert_eq!(watch(&bench, &mut observers, 400).await, [300]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_hints_costs_one_observation_at_a_time() {
    let bench = bench();
    let mut observers = observers(&bench);
    assert_eq!(watch(&bench, &mut observers, 100).await, [0]);
    for _ in 0..1_000 {
        bench.hint.send(()).unwrap();
    }
    let began = watch(&bench, &mut observers, 400).await;
    assert_eq!(began[0], 100);
    assert!(began.len() <= 2, "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn hints_that_end_are_asked_for_again() {
    let bench = bench();
    let mut observers = observers(&bench);
    watch(&bench, &mut observers, 600).await;
    let (hint, hints) = mpsc::unbounded_channel();
    *bench.slow.hints.lock().unwrap() = Some(hints);
    let Bench { hint: first, .. } = &bench;
    first.send(()).unwrap();
    let mut bench = bench;
    bench.hint = hint; // Drops the first sender: its stream ends.
    let began = watch(&bench, &mut observers, 1_700).await;
    assert_eq!(began[0], 600, "the end of the stream is a hint too");
    bench.hint.send(()).unwrap();
    assert_eq!(watch(&bench, &mut observers, 1_800).await, [1_700]);
}

#[tokio::test(start_paused = true)]
async fn an_observation_that_does_not_end_is_told() {
    let mut bench = bench();
    bench.options.observe_deadline = MS.times(20);
    let mut observers = observers(&bench);
    observers.start_due(|_| bench.options.poll_moving);
    let Seen::Event(Event::Unobserved { port, why }) = observers.next().await else {
        panic!("it was observed");
    };
    assert_eq!(port, Port::Backend);
    assert!(why.contains("no answer within 20ms"), "{why}");
}
