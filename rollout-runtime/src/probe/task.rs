//! One task per instance and probe: asks at the period of the spec and sends the answers.
//!
//! In: the engine's probe targets after every step. Out: [`Event::Probed`]. A startup probe runs alone
//! until the engine says that it has passed.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use rollout_core::{
    engine::{Event, ProbeKind, ProbeTarget},
    id::InstanceId,
    spec::{Health, Probe},
    time::Span,
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Answer, Prober};
use crate::clock::ReignTime;

/// Shortest period that is kept, so that no spec makes a probe spin.
const PERIOD_LEAST: Span = Span::from_millis(1);

/// The probes under way.
pub(crate) struct Probers {
    prober: Arc<dyn Prober>,
    time: ReignTime,
    answers: mpsc::Sender<Event>,
    asked: BTreeMap<InstanceId, Asked>,
}

/// The probes of one instance. Dropping it ends them.
struct Asked {
    address: IpAddr,
    starting: bool,
    health: Health,
    _tasks: JoinSet<()>,
}

impl Probers {
    /// No probes yet; answers go to `answers`.
    pub(crate) fn new(
        prober: Arc<dyn Prober>,
        time: ReignTime,
        answers: mpsc::Sender<Event>,
    ) -> Self {
        Self { prober, time, answers, asked: BTreeMap::new() }
    }

    /// Starts, keeps and ends probes so that exactly `targets` are asked.
    pub(crate) fn reconcile<'a>(&mut self, targets: impl Iterator<Item = ProbeTarget<'a>>) {
        let mut before = std::mem::take(&mut self.asked);
        for target in targets {
            let asked = match before.remove(target.instance) {
                Some(asked) if asked.fits(&target) => asked,
                Some(_) | None => self.ask(&target),
            };
            self.asked.insert(target.instance.clone(), asked);
        }
    }

    fn ask(&self, target: &ProbeTarget<'_>) -> Asked {
        let mut tasks = JoinSet::new();
        for (kind, probe) in due(target) {
            let first = match (kind, probe.initial_delay) {
                // Nothing is gained by asking at once whether what has just started must be replaced.
                (ProbeKind::Liveness, Span::ZERO) => probe.period,
                (ProbeKind::Startup | ProbeKind::Readiness | ProbeKind::Liveness, delay) => delay,
            };
            let repeat = Repeat {
                prober: Arc::clone(&self.prober),
                time: self.time.clone(),
                answers: self.answers.clone(),
                instance: target.instance.clone(),
                address: target.address,
                kind,
                probe: probe.clone(),
            };
            tasks.spawn(repeat.run(first));
        }
        Asked {
            address: target.address,
            starting: is_starting(target),
            health: target.health.clone(),
            _tasks: tasks,
        }
    }
}

impl Asked {
    fn fits(&self, target: &ProbeTarget<'_>) -> bool {
        self.address == target.address
            && self.starting == is_starting(target)
            && self.health == *target.health
    }
}

/// Whether only the startup probe is due.
fn is_starting(target: &ProbeTarget<'_>) -> bool {
    target.health.startup.is_some() && !target.started
}

/// The probes that are due: the startup probe alone until it has passed, then the other two.
fn due<'a>(target: &ProbeTarget<'a>) -> impl Iterator<Item = (ProbeKind, &'a Probe)> + use<'a> {
    let health = target.health;
    let pick = |kind, probe: &'a Option<Probe>| probe.as_ref().map(|probe| (kind, probe));
    let due = if is_starting(target) {
        [pick(ProbeKind::Startup, &health.startup), None]
    } else {
        [pick(ProbeKind::Readiness, &health.readiness), pick(ProbeKind::Liveness, &health.liveness)]
    };
    due.into_iter().flatten()
}

/// One probe of one instance, asked again and again.
struct Repeat {
    prober: Arc<dyn Prober>,
    time: ReignTime,
    answers: mpsc::Sender<Event>,
    instance: InstanceId,
    address: IpAddr,
    kind: ProbeKind,
    probe: Probe,
}

impl Repeat {
    /// Asks after `first`, then a period after the start of the attempt before; ends with its listener.
    async fn run(self, first: Span) {
        let period = self.probe.period.max(PERIOD_LEAST);
        let mut due = self.time.now().after(first);
        loop {
            self.time.sleep_until(due).await;
            let began = self.time.now();
            let answer = self.ask().await;
            let event = Event::Probed {
                instance: self.instance.clone(),
                probe: self.kind,
                healthy: answer.healthy,
                detail: answer.detail,
            };
            if self.answers.send(event).await.is_err() {
                return;
            }
            due = began.after(period);
        }
    }

    async fn ask(&self) -> Answer {
        let limit = self.probe.timeout;
        let asked = self.prober.ask(&self.instance, self.address, &self.probe);
        match self.time.within(limit, asked).await {
            Some(answer) => answer,
            None => Answer::unhealthy(format!("no answer within {limit}")),
        }
    }
}
