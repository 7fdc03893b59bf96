//! World: the ground truth of a small fleet, as few bits as will do.
//!
//! In: attempts, and what the environment does. Out: answers and snapshots. As the ports promise: fenced by
//! epoch, "already so" is `Applied`, and a late action changes nothing once a newer one on the same object
//! is known. Absent: time of its own, randomness; when something happens is the explorer's choice.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use rollout_core::{
    engine::{
        Action, Admission, Effect, EnrolState, Enrolled, Enrolments, Imprint, InstanceSeen,
        InstanceState, Inventory, Observation, Outcome, Port, RefusalKind, Retry, Route,
        RouteInForce, Subject,
    },
    id::{ActionId, Epoch, InstanceId, Mark, RevisionId},
    port::{Capabilities, Confirmation},
    time::{Span, Timestamp},
};

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Made, never started.
    Created,
    /// It runs and does not answer yet.
    Starting,
    /// It runs and answers.
    Ready,
    /// It runs and never will answer.
    Dud,
    /// Its process has ended.
    Exited,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    pub(super) revision: RevisionId,
    pub(super) life: Life,
    /// Whether it once answered no more.
    pub(super) harmed: bool,
}

/// An instance's entry in the load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) revision: RevisionId,
    pub(super) state: EnrolState,
    /// Whether it gets anything before the next route.
    pub(super) admitted: bool,
    /// Whether requests are in flight on it though nothing new is sent to it.
    pub(super) busy: bool,
    /// When its drain began.
    pub(super) drained: Timestamp,
}

/// A snapshot of every port.
pub(super) type Snapshot = Arc<[Observation; 3]>;

/// The ground truth.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) servers: BTreeMap<InstanceId, Server>,
    pub(super) route: Option<Route>,
    pub(super) mark: Mark,
    pub(super) epoch: Epoch,
    /// The newest action on each object, as long as an older one may still come.
    pub(super) newest: BTreeMap<(Port, Subject), ActionId>,
    /// Whether snapshots speak of health.
    pub(super) checks_health: bool,
    /// Whether a drained instance has requests in flight at first.
    pub(super) is_busy: bool,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) has_router: bool,
}

/// What came of an attempt.
pub(super) struct Landing {
    pub(super) outcome: Outcome,
    /// Whether it changed anything.
    pub(super) effective: bool,
}

impl World {
    /// A world without instances.
    pub(super) fn new(checks_health: bool, is_busy: bool, capabilities: &Capabilities) -> Self {
        Self {
            instances: BTreeMap::new(),
            servers: BTreeMap::new(),
            route: None,
            mark: Mark(1),
            epoch: Epoch(0),
            newest: BTreeMap::new(),
            checks_health,
            is_busy,
            confirmation: capabilities.enrolment,
            has_router: capabilities.router.is_some(),
        }
    }

    /// The world has changed: later snapshots show it.
    pub(super) fn changed(&mut self) {
        self.mark = self.mark.next();
    }

    /// Makes one attempt at `action`.
    pub(super) fn apply(&mut self, now: Timestamp, action: &Action) -> Landing {
        let refused = |kind, why: &str, retry| Landing {
            outcome: Outcome::refused(kind, why, retry),
            effective: false,
        };
        if action.epoch < self.epoch {
            return refused(RefusalKind::Fenced, "a newer engine has taken over", Retry::Never);
        }
        self.epoch = action.epoch;
        if self.knows_newer(action) {
            return refused(RefusalKind::Conflict, "a newer action on it is known", Retry::Never);
        }
        self.newest.insert((action.effect.port(), action.effect.subject()), action.id);
        let before = self.mark;
        if let Some((kind, why, retry)) = self.carry_out(now, &action.effect) {
            return refused(kind, why, retry);
        }
        Landing { outcome: Outcome::Applied { mark: self.mark }, effective: before < self.mark }
    }

    /// Whether a newer action on the same object was attempted.
    pub(super) fn knows_newer(&self, action: &Action) -> bool {
        let key = (action.effect.port(), action.effect.subject());
        self.newest.get(&key).is_some_and(|newest| action.id < *newest)
    }

    fn carry_out(
        &mut self,
        now: Timestamp,
        effect: &Effect,
    ) -> Option<(RefusalKind, &'static str, Retry)> {
        match effect {
            Effect::Create { instance, revision } => {
                if !self.instances.contains_key(instance) {
                    let copy =
                        Instance { revision: revision.clone(), life: Life::Created, harmed: false };
                    self.instances.insert(instance.clone(), copy);
                    self.changed();
                }
            }
            Effect::Start { instance } => {
                let Some(copy) = self.instances.get_mut(instance) else {
                    return Some((RefusalKind::Missing, "there is no such instance", Retry::Never));
                };
                if copy.life == Life::Created {
                    copy.life = Life::Starting;
                    self.changed();
                }
            }
            Effect::Stop { instance, .. } => {
                if let Some(copy) = self.instances.get_mut(instance)
                    && copy.runs()
                {
                    copy.life = Life::Exited;
                    self.changed();
                }
            }
            Effect::Remove { instance } => return self.remove(instance),
            Effect::Enrol { instance, revision, admission, .. } => {
                self.enrol(instance, revision, *admission);
            }
            Effect::Drain { instance } => self.drain(now, instance),
            Effect::Detach { instance } => {
                if self.servers.remove(instance).is_some() {
                    self.changed();
                }
            }
            Effect::Route(route) => self.set_route(route),
            Effect::Scale { .. } | Effect::Divide(_) | Effect::Run { .. } | Effect::Modules(_) => {
                return Some((RefusalKind::Invalid, "this world does not know that", Retry::Never));
            }
        }
        None
    }

    fn remove(&mut self, name: &InstanceId) -> Option<(RefusalKind, &'static str, Retry)> {
        match self.instances.get(name) {
            Some(copy) if copy.runs() => {
                return Some((RefusalKind::Conflict, "it still runs", Retry::Backoff));
            }
            Some(_) => {
                self.instances.remove(name);
                self.changed();
            }
            None => {}
        }
        None
    }

    fn drain(&mut self, now: Timestamp, name: &InstanceId) {
        let (serves, is_busy) = (self.serves(name), self.is_busy);
        if let Some(server) = self.servers.get_mut(name)
            && server.state == EnrolState::In
        {
            server.state = EnrolState::Draining;
            server.drained = now;
            server.busy = is_busy && serves && server.admitted;
            self.changed();
        }
    }

    fn enrol(&mut self, name: &InstanceId, revision: &RevisionId, admission: Admission) {
        let admits = admission == Admission::Serving;
        let Some(server) = self.servers.get_mut(name) else {
            let server = Server {
                revision: revision.clone(),
                state: EnrolState::In,
                admitted: admits,
                busy: false,
                drained: Timestamp::default(),
            };
            self.servers.insert(name.clone(), server);
            return self.changed();
        };
        let was = (server.state, server.admitted);
        server.state = EnrolState::In;
        server.admitted |= admits;
        server.busy = false;
        if was != (server.state, server.admitted) {
            self.changed();
        }
    }

    fn set_route(&mut self, route: &Route) {
        let mut is_change = self.route.as_ref() != Some(route);
        for server in self.servers.values_mut() {
            is_change |= !server.admitted;
            server.admitted = true;
        }
        if is_change {
            self.route = Some(route.clone());
            self.changed();
        }
    }

    /// A snapshot of every port as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let instances =
            self.instances.iter().map(|(name, copy)| (name.clone(), self.seen(name, copy)));
        let says = self.confirmation == Some(Confirmation::Observed);
        let servers = self.servers.iter().map(|(name, server)| {
            let in_flight = says.then_some(u64::from(server.busy));
            (name.clone(), Enrolled { state: server.state, in_flight })
        });
        Arc::new([
            Observation::Inventory(Inventory {
                mark: self.mark,
                epoch: self.epoch,
                instances: instances.collect(),
                ..Inventory::default()
            }),
            Observation::Enrolments(Enrolments { mark: self.mark, instances: servers.collect() }),
            Observation::Route(RouteInForce { mark: self.mark, route: self.route.clone() }),
        ])
    }

    fn seen(&self, name: &InstanceId, copy: &Instance) -> InstanceSeen {
        let state = match copy.life {
            Life::Created => InstanceState::Created,
            Life::Starting | Life::Ready | Life::Dud => InstanceState::Running,
            Life::Exited => InstanceState::Exited { code: 1, detail: String::new() },
        };
        InstanceSeen {
            revision: copy.revision.clone(),
            state,
            address: copy.runs().then(|| address(name)),
            healthy: self.checks_health.then_some(copy.life == Life::Ready),
            restarts: 0,
            rank: None,
        }
    }

    /// Whether the instance answers.
    pub(super) fn serves(&self, name: &InstanceId) -> bool {
        self.instances.get(name).is_some_and(|copy| copy.life == Life::Ready)
    }

    /// Whether anything new is sent to the instance.
    pub(super) fn is_in_traffic(&self, name: &InstanceId) -> bool {
        let server = self.servers.get(name);
        server.is_some_and(|one| {
            one.state == EnrolState::In && one.admitted && self.has_share(&one.revision)
        })
    }

    /// Whether anything is sent to a revision, by its share or beside it.
    fn has_share(&self, revision: &RevisionId) -> bool {
        self.route.as_ref().is_none_or(|route| route.gives_to(revision))
    }

    /// Instances that answer what is sent to them, of `revision` or of any.
    pub(super) fn capacity(&self, revision: Option<&RevisionId>) -> u64 {
        let of = |copy: &Instance| revision.is_none_or(|revision| copy.revision == *revision);
        let serving = self.instances.iter().filter(|(name, copy)| {
            of(copy) && copy.life == Life::Ready && self.is_in_traffic(name)
        });
        serving.count() as u64
    }

    /// Instances of `revision` that answer and are enrolled, whether anything is sent to them or not.
    pub(super) fn enrolled(&self, revision: &RevisionId) -> u64 {
        let serving = self.instances.iter().filter(|(name, copy)| {
            let server = self.servers.get(*name);
            copy.revision == *revision
                && copy.life == Life::Ready
                && server.is_some_and(|server| server.state == EnrolState::In)
        });
        serving.count() as u64
    }

    /// Instances that exist and have not ended.
    pub(super) fn live(&self) -> u64 {
        self.instances.values().filter(|copy| copy.life != Life::Exited).count() as u64
    }

    /// Adds everything that decides what the world does next, but for what it knows of attempts.
    pub(super) fn imprint(&self, imprint: &mut Imprint, drain: Span) {
        imprint.word(self.instances.len() as u64);
        for (name, copy) in &self.instances {
            imprint.instance(name);
            imprint.name(copy.revision.as_str());
            imprint.word(copy.life as u64 * 2 + u64::from(copy.harmed));
        }
        imprint.word(self.servers.len() as u64);
        for (name, server) in &self.servers {
            imprint.instance(name);
            let is_in = server.state == EnrolState::In;
            let flags = [is_in, server.admitted, server.busy];
            imprint.word(flags.iter().fold(0, |word, flag| word * 2 + u64::from(*flag)));
            if !is_in {
                imprint.age(server.drained, drain);
            }
        }
        imprint.route(self.route.as_ref());
        imprint.snapshot(self.mark);
        imprint.word(self.epoch.0);
    }
}

impl Instance {
    /// Whether its process runs.
    pub(super) const fn runs(&self) -> bool {
        matches!(self.life, Life::Starting | Life::Ready | Life::Dud)
    }
}

/// Where an instance answers: its name ends in a number that no other one has.
fn address(name: &InstanceId) -> IpAddr {
    let number = name.as_str().rsplit('-').next().and_then(|number| number.parse().ok());
    Ipv4Addr::from_bits(0x0a00_0000 + number.unwrap_or(0)).into()
}
