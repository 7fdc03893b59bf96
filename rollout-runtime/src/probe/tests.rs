//! When probes are asked, in virtual time.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Event, ProbeKind, ProbeTarget},
    id::InstanceId,
    spec::{Health, Probe},
    time::{Span, Timestamp},
};
use tokio::sync::mpsc;

use super::{Answer, Prober, Probers};
use crate::{SystemClock, clock::ReignTime};

/// Answers after a while, and writes down when it was asked.
struct Asked {
    time: ReignTime,
    takes: Span,
    at: Mutex<Vec<u64>>,
}

#[async_trait]
impl Prober for Asked {
    async fn ask(&self, _: &InstanceId, _: IpAddr, _: &Probe) -> Answer {
        self.at.lock().unwrap().push(self.time.now().0);
        self.time.sleep(self.takes).await;
        Answer::healthy("well")
    }
}

struct Bench {
    time: ReignTime,
    asked: Arc<Asked>,
    probers: Probers,
    answers: mpsc::Receiver<Event>,
}

fn bench(takes: u64) -> Bench {
    let time = ReignTime::after(Arc::new(SystemClock::starting_at(Timestamp(0))), Timestamp(0));
    let takes = Span::from_millis(takes);
    let asked = Arc::new(Asked { time: time.clone(), takes, at: Mutex::default() });
    let (sender, answers) = mpsc::channel(256);
    let probers = Probers::new(asked.clone(), time.clone(), sender);
    Bench { time, asked, probers, answers }
}

fn probe(period: u64, timeout: u64, delay: u64) -> Probe {
    let text = format!(
        r#"{{"tcp":{{"port":80}},"period":"{period}ms","timeout":"{timeout}ms","initial_delay":"{delay}ms"}}"#
    );
    serde_json::from_str(&text).unwrap()
}

impl Bench {
    fn target(&mut self, health: &Health, started: bool) {
        let instance = InstanceId::new("web-1").unwrap();
        let address = Ipv4Addr::LOCALHOST.into();
        let target = ProbeTarget { instance: &instance, address, health, started };
        self.probers.reconcile([target].into_iter());
    }

    /// Lets time run until `until`; returns when which probe was answered, and how.
    async fn run(&mut self, until: u64) -> Vec<(u64, ProbeKind, bool)> {
        let mut answers = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some(event) = self.answers.recv() => {
                    let Event::Probed { probe, healthy, .. } = event else {
                        panic!("{event:?}");
                    };
                    answers.push((self.time.now().0, probe, healthy));
                }
                () = self.time.sleep_until(Timestamp(until)) => return answers,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_period_runs_from_the_start_of_an_attempt() {
    let mut bench = bench(30);
    let health = Health { readiness: Some(probe(100, 1_000, 50)), ..Health::default() };
    bench.target(&health, true);
    let answers = bench.run(300).await;
    let ready = ProbeKind::Readiness;
    assert_eq!(answers, [(80, ready, true), (180, ready, true), (280, ready, true)]);
    assert_eq!(*bench.asked.at.lock().unwrap(), [50, 150, 250]);
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_a_bad_answer() {
    let mut bench = bench(500);
    let health = Health { readiness: Some(probe(100, 40, 0)), ..Health::default() };
    bench.target(&health, true);
    let answers = bench.run(250).await;
    let times: Vec<_> = answers.iter().map(|(at, _, healthy)| (*at, *healthy)).collect();
    assert_eq!(times, [(40, false), (140, false), (240, false)]);
}

#[tokio::test(start_paused = true)]
async fn the_startup_probe_runs_alone_until_it_has_passed() {
    let mut bench = bench(0);
    let health = Health {
        startup: Some(probe(10, 10, 0)),
        readiness: Some(probe(20, 10, 0)),
        liveness: Some(probe(30, 10, 0)),
        ..Health::default()
    };
    bench.target(&health, false);
    let answers = bench.run(25).await;
    assert!(answers.iter().all(|(_, kind, _)| *kind == ProbeKind::Startup), "{answers:?}");
    assert_eq!(answers.len(), 3);
    bench.target(&health, true);
    let answers = bench.run(80).await;
    let of = |kind| -> Vec<u64> {
        answers.iter().filter(|answer| answer.1 == kind).map(|answer| answer.0).collect()
    };
    assert_eq!(of(ProbeKind::Startup), Vec::<u64>::new());
    assert_eq!(of(ProbeKind::Readiness), [25, 45, 65]);
    assert_eq!(of(ProbeKind::Liveness), [55], "its first attempt comes after a period");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_keeps_its_pace_and_one_that_goes_is_left_alone() {
    let mut bench = bench(0);
    let health = Health { readiness: Some(probe(100, 10, 0)), ..Health::default() };
    bench.target(&health, true);
    bench.run(50).await;
    bench.target(&health, true);
    let answers = bench.run(150).await;
    assert_eq!(answers.len(), 1, "asked again though nothing changed: {answers:?}");
    bench.probers.reconcile(std::iter::empty());
    assert_eq!(bench.run(1_000).await, []);
}
