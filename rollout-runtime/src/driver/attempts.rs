//! Attempts under way: one after the other on one subject, side by side on different ones.
//!
//! In: the actions of a step, in order. Out: one outcome per action. An attempt past its deadline, and
//! one whose adapter panicked, ends as unknown: it may have happened, or may yet.

use std::collections::{BTreeMap, VecDeque};

use rollout_core::{
    engine::{Action, Event, Outcome, Port, RefusalKind, Retry, Subject},
    time::Span,
};

use super::tasks::{Ended, PANICKED, Tasks};
use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// The attempts of one reign. Dropping it cancels them.
pub(super) struct Attempts {
    ports: Ports,
    time: ReignTime,
    options: Options,
    /// What is still to be done on each subject; the first is under way or waits for its turn.
    lanes: BTreeMap<Subject, VecDeque<Action>>,
    ports_busy: BTreeMap<Port, Busy>,
    running: Tasks<Subject, Outcome>,
}

/// What goes on at one port. Each has room of its own, so that slow stops never hold up a route.
#[derive(Default)]
struct Busy {
    /// Subjects whose first action waits for its turn here.
    waiting: VecDeque<Subject>,
    /// Attempts under way here.
    running: usize,
}

/// An attempt that has ended.
pub(super) struct Attempted {
    /// The port that carried it out.
    pub(super) port: Port,
    /// Its outcome, for the engine.
    pub(super) event: Event,
}

impl Attempts {
    pub(super) fn new(ports: Ports, time: ReignTime, options: Options) -> Self {
        Self {
            ports,
            time,
            options,
            lanes: BTreeMap::new(),
            ports_busy: BTreeMap::new(),
            running: Tasks::new(),
        }
    }

    /// Queues `actions` and starts as many as there is room for.
    pub(super) fn add(&mut self, actions: Vec<Action>) {
        for action in actions {
            let subject = action.effect.subject();
            let port = action.effect.port();
            let lane = self.lanes.entry(subject.clone()).or_default();
            if lane.is_empty() {
                self.ports_busy.entry(port).or_default().waiting.push_back(subject);
            }
            lane.push_back(action);
        }
        self.start();
    }

    /// Subjects with an attempt that is under way or waits for its turn.
    pub(super) fn under_way(&self) -> usize {
        self.lanes.len()
    }

    /// Waits for the next attempt to end; for ever if none is under way.
    pub(super) async fn next(&mut self) -> Attempted {
        let ended = self.running.next().await;
        self.ended(ended)
    }

    /// Waits for the attempts under way, at most `grace`; queued ones are dropped.
    pub(super) async fn finish(&mut self, grace: Span) {
        let Self { running, time, .. } = self;
        // What is cut here is in doubt, as after a crash; the next run finds out.
        let _ = time.within(grace, running.finish()).await;
    }

    fn start(&mut self) {
        for busy in self.ports_busy.values_mut() {
            while busy.running < self.options.max_in_flight.get() {
                let Some(subject) = busy.waiting.pop_front() else { break };
                let action = self.lanes.get(&subject).and_then(VecDeque::front);
                let action = action.expect("a waiting lane has an action").clone();
                let limit = self.options.deadline_of(&action.effect);
                let attempt = attempt(self.ports.clone(), self.time.clone(), limit, action);
                self.running.begin(subject, attempt);
                busy.running += 1;
            }
        }
    }

    fn ended(&mut self, ended: Ended<Subject, Outcome>) -> Attempted {
        let Ended { subject, answer, .. } = ended;
        let outcome = answer.unwrap_or_else(|| Outcome::unknown(PANICKED));
        let lane = self.lanes.get_mut(&subject).expect("its lane is kept");
        let action = lane.pop_front().expect("its action leads the lane");
        let port = action.effect.port();
        self.ports_busy.entry(port).or_default().running -= 1;
        match lane.front() {
            Some(next) => {
                let next = self.ports_busy.entry(next.effect.port()).or_default();
                next.waiting.push_back(subject);
            }
            None => {
                self.lanes.remove(&subject);
            }
        }
        self.start();
        telemetry::attempted(&action, &outcome);
        Attempted { port, event: Event::Attempted { id: action.id, outcome } }
    }
}

async fn attempt(ports: Ports, time: ReignTime, limit: Span, action: Action) -> Outcome {
    telemetry::attempting(&action);
    let outcome = time.within(limit, apply(&ports, &action)).await;
    outcome.unwrap_or_else(|| Outcome::unknown(format!("no answer within {limit}")))
}

async fn apply(ports: &Ports, action: &Action) -> Outcome {
    let port = action.effect.port();
    let missing =
        || Outcome::refused(RefusalKind::Invalid, format!("no {port} was given"), Retry::Never);
    match port {
        Port::Backend => ports.backend.apply(action).await,
        Port::Enrolment => match &ports.enrolment {
            Some(enrolment) => enrolment.apply(action).await,
            None => missing(),
        },
        Port::Router => match &ports.router {
            Some(router) => router.apply(action).await,
            None => missing(),
        },
        Port::Hooks => match &ports.hooks {
            Some(hooks) => hooks.apply(action).await,
            None => missing(),
        },
        Port::Modules => match &ports.modules {
            Some(modules) => modules.apply(action).await,
            None => missing(),
        },
    }
}
