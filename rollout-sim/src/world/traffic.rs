//! Traffic: requests between two changes, computed, not played.
//!
//! Between changes the split is constant, so requests are rate × time. Amounts are millionths of a
//! request, so that shares lose nothing that matters. A request fails for one named reason.

use rollout_core::{
    engine::{EnrolState, Route, Shares},
    id::{InstanceId, RevisionId},
    spec::Counting,
};

use super::{
    Condition, Instance, World,
    load::{Delays, Span},
};

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Nobody was enrolled to take it.
    Nobody,
    /// The plan declares that nobody serves, or nothing was ever deployed.
    Downtime,
    /// It was sent to an instance that had not started to answer.
    NotYetServing,
    /// It was sent to an instance that had been told to end.
    Stopped,
    /// It was sent to an instance that the environment had taken down.
    Crashed,
    /// It was sent to an instance that did not answer for a while.
    Unready,
    /// It was answered with an error.
    Error,
    /// It was sent to an instance that had more to do than it can.
    Overloaded,
    /// It was in flight when its instance was told to end, or taken from the load balancer, too early.
    CutByEngine,
    /// It was in flight when the drain deadline passed.
    CutAtDeadline,
    /// It was in flight when the environment took its instance or the load balancer.
    CutByCrash,
}

impl Loss {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Nobody,
        Self::Downtime,
        Self::NotYetServing,
        Self::Stopped,
        Self::Crashed,
        Self::Unready,
        Self::Error,
        Self::Overloaded,
        Self::CutByEngine,
        Self::CutAtDeadline,
        Self::CutByCrash,
    ];

    /// Its name, for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody enrolled",
            Self::Downtime => "declared downtime",
            Self::NotYetServing => "not serving yet",
            Self::Stopped => "told to stop",
            Self::Crashed => "crashed",
            Self::Unready => "unready",
            Self::Error => "answered with an error",
            Self::Overloaded => "overloaded",
            Self::CutByEngine => "cut in flight",
            Self::CutAtDeadline => "cut at the drain deadline",
            Self::CutByCrash => "cut by a crash",
        }
    }
}

/// Requests so far.
#[derive(Clone, Debug)]
pub struct Traffic {
    settled: u64,
    begun: bool,
    sent: u128,
    copies: u128,
    copies_lost: u128,
    failed: [u128; Loss::ALL.len()],
    /// How long answers took, where that is kept.
    pub(super) delays: Delays,
    /// Whether the load balancer ever started anew.
    pub(super) load_balancer_lost: bool,
}

/// Millionths of a request in a request.
pub(super) const WHOLE: u128 = 1_000_000;

/// Requests, in a million, that match whatever a route asks for.
const MATCHED: u128 = 20_000;

impl Traffic {
    pub(super) const fn new(now: u64) -> Self {
        Self {
            settled: now,
            begun: false,
            sent: 0,
            copies: 0,
            copies_lost: 0,
            failed: [0; Loss::ALL.len()],
            delays: Delays::new(),
            load_balancer_lost: false,
        }
    }

    /// Requests sent, a part not counting.
    #[must_use]
    pub fn sent(&self) -> u64 {
        u64::try_from(self.sent / WHOLE).unwrap_or(u64::MAX)
    }

    /// Copies of requests sent, and those of them that nobody took, parts not counting.
    #[must_use]
    pub fn copies(&self) -> (u64, u64) {
        let whole = |amount: u128| u64::try_from(amount / WHOLE).unwrap_or(u64::MAX);
        (whole(self.copies), whole(self.copies_lost))
    }

    /// Requests that failed for this reason, a part counting as one.
    #[must_use]
    pub fn failed(&self, loss: Loss) -> u64 {
        u64::try_from(self.failed[loss as usize].div_ceil(WHOLE)).unwrap_or(u64::MAX)
    }

    /// Requests that failed for any reason but downtime that the plan declares.
    #[must_use]
    pub fn failed_in_all(&self) -> u64 {
        let counted = Loss::ALL.iter().filter(|loss| !matches!(loss, Loss::Downtime));
        counted.map(|loss| self.failed(*loss)).sum()
    }

    /// Whether the load balancer ever started anew.
    #[must_use]
    pub const fn load_balancer_lost(&self) -> bool {
        self.load_balancer_lost
    }

    fn fail(&mut self, loss: Loss, amount: u128) {
        self.failed[loss as usize] += amount;
    }
}

impl World {
    /// Counts the requests up to `at`, with everything as it is now.
    pub(super) fn settle(&mut self, at: u64) {
        let (from, rate) = (self.traffic.settled, self.config.rate);
        if at <= from {
            return;
        }
        self.traffic.settled = at;
        // Milliseconds × requests per second are thousandths of a request.
        let amount = u128::from(at - from) * u128::from(rate) * 1000;
        if !self.traffic.begun {
            let pools = self.pools.iter();
            let mut ready = pools.filter(|(_, pool)| 0 < pool.ready());
            if !self.instances.values().any(|one| self.gets_traffic(one))
                && !ready.any(|(revision, _)| self.revision_gets_traffic(revision))
            {
                return;
            }
            self.traffic.begun = true;
        }
        self.traffic.sent += amount;
        // Nothing below asks for the route: it is lent, not copied.
        let route = self.route.take();
        match &route {
            Some(Route::Empty) => self.traffic.fail(Loss::Downtime, amount),
            None | Some(Route::ByReplicas) => self.spread(from, at, amount, None),
            Some(Route::Weighted(Shares { weights, trial })) => {
                let rules = trial.as_ref().map(|trial| &trial.rules);
                let is_matched = rules.is_some_and(|rules| !rules.matches.is_empty());
                let matched = if is_matched { amount * MATCHED / WHOLE } else { 0 };
                for (revision, weight) in weights {
                    let part = (amount - matched) * u128::from(weight.basis_points()) / 10_000;
                    if 0 < part {
                        self.spread(from, at, part, Some(revision));
                    }
                }
                if let Some(trial) = trial {
                    if 0 < matched {
                        self.spread(from, at, matched, Some(&trial.revision));
                    }
                    let mirror = u128::from(trial.rules.mirror.basis_points());
                    self.copy(from, amount * mirror / 10_000, &trial.revision);
                }
            }
        }
        self.route = route;
    }

    /// Spreads `amount` evenly over the enrolled instances, of `revision` if one is named.
    fn spread(&mut self, from: u64, at: u64, amount: u128, revision: Option<&RevisionId>) {
        // Nothing is sent to those of a pool that do not answer.
        let keeps_pods = self.keeps_pods();
        let takes = |instance: &Instance| {
            is_in(instance)
                && revision.is_none_or(|wanted| instance.revision == *wanted)
                && (!keeps_pods || instance.accepts(from))
        };
        let pools = self.pools.iter().filter(|(id, _)| revision.is_none_or(|wanted| *id == wanted));
        // Nothing is sent to those of a pool that do not answer, and those that go finish what they have.
        let ready: u64 = pools.map(|(_, pool)| pool.ready()).sum();
        let one_by_one = self.instances.values().filter(|one| takes(one)).count() as u128;
        let shared_by = one_by_one + u128::from(ready);
        if shared_by == 0 {
            self.traffic.fail(Loss::Nobody, amount);
            return;
        }
        let each = amount / shared_by;
        let (service, zones) = (self.config.service, self.config.zones);
        let span = Span { from, at, limit: self.config.limit };
        // Requests of one millisecond, times the milliseconds one takes.
        let load = (each * u128::from(service) / u128::from(at - from)).div_ceil(WHOLE);
        for instance in self.instances.values_mut() {
            if !takes(instance) {
                continue;
            }
            if instance.accepts(from) {
                let borne = instance.bear(each, &span, zones);
                instance.errors = borne.share_of_errors(each);
                self.traffic.failed[Loss::Error as usize] += borne.errors;
                self.traffic.failed[Loss::Overloaded as usize] += borne.overload;
                if span.limit.is_some() {
                    let mean = borne.mean(service * instance.life.slowness);
                    self.traffic.delays.add(each - borne.overload, mean);
                }
                if let Some(server) = &mut instance.server {
                    server.busy_until = at + service;
                    server.load = u64::try_from(load).unwrap_or(u64::MAX);
                }
            } else {
                self.traffic.failed[refused_for(instance, from) as usize] += each;
            }
        }
    }

    /// Counts copies of requests. What they do to whom they are sent is nobody's loss.
    fn copy(&mut self, from: u64, amount: u128, revision: &RevisionId) {
        self.traffic.copies += amount;
        let takes = |one: &Instance| is_in(one) && one.revision == *revision && one.accepts(from);
        let ready = self.pools.get(revision).map_or(0, super::Pool::ready);
        if ready == 0 && !self.instances.values().any(takes) {
            self.traffic.copies_lost += amount;
        }
    }

    /// Whether requests are sent to the instance now, by its share or beside it.
    #[must_use]
    pub fn gets_traffic(&self, instance: &Instance) -> bool {
        is_in(instance) && self.revision_gets_traffic(&instance.revision)
    }

    /// Whether the instance takes part in a share of the traffic now.
    #[must_use]
    pub fn has_share(&self, instance: &Instance) -> bool {
        is_in(instance) && self.revision_has_share(&instance.revision)
    }

    /// Whether anything is sent to the revision, by its share or beside it.
    #[must_use]
    pub fn revision_gets_traffic(&self, revision: &RevisionId) -> bool {
        let beside = self.route.as_ref().is_some_and(|route| route.sends_beside(revision));
        beside || self.revision_has_share(revision)
    }

    /// Whether the revision has a share of the traffic.
    #[must_use]
    pub fn revision_has_share(&self, revision: &RevisionId) -> bool {
        match &self.route {
            None | Some(Route::ByReplicas) => true,
            Some(Route::Empty) => false,
            Some(Route::Weighted(Shares { weights, .. })) => {
                weights.get(revision).is_some_and(|weight| !weight.is_zero())
            }
        }
    }

    /// Requests in flight on the instance now.
    #[must_use]
    pub fn in_flight(&self, instance: &Instance) -> u64 {
        if self.gets_traffic(instance) && instance.accepts(self.now) && 0 < self.config.rate {
            return instance.server.map_or(0, |server| server.load).max(1);
        }
        instance.in_flight(self.now)
    }

    /// Cuts what is in flight on an instance.
    pub(super) fn cut(&mut self, name: &InstanceId, loss: Loss) {
        let Some(instance) = self.instances.get(name) else {
            return;
        };
        let in_flight = self.in_flight(instance);
        self.traffic.fail(loss, u128::from(in_flight) * WHOLE);
        if let Some(server) =
            self.instances.get_mut(name).and_then(|instance| instance.server.as_mut())
        {
            server.busy_until = 0;
        }
    }

    /// The reason for what is cut on an instance by an order of the engine now.
    pub(super) fn cut_loss(&self, name: &InstanceId) -> Loss {
        let server = self.instances.get(name).and_then(|one| one.server);
        match server {
            Some(server)
                if server.drained != 0
                    && self.config.drain_deadline <= self.now.saturating_sub(server.drained) =>
            {
                Loss::CutAtDeadline
            }
            Some(_) | None => Loss::CutByEngine,
        }
    }

    /// Whether instances on their way out count against the ceiling by default.
    #[must_use]
    pub const fn counts_strictly(&self) -> bool {
        matches!(self.config.capabilities.counting, Counting::Strict)
    }
}

/// Whether the load balancer sends an instance what the route gives it.
fn is_in(instance: &Instance) -> bool {
    instance.server.is_some_and(|server| server.admitted && server.state == EnrolState::In)
}

/// Why an instance does not take a request.
fn refused_for(instance: &Instance, now: u64) -> Loss {
    match instance.condition {
        Condition::Running if instance.has_served(now) => Loss::Unready,
        Condition::Created | Condition::Running => Loss::NotYetServing,
        Condition::Exited { asked: false, .. } => Loss::Crashed,
        // Removed by the engine it was stopped first; by anyone else it is a loss.
        Condition::Gone if instance.ends == u64::MAX => Loss::Crashed,
        Condition::Stopping | Condition::Exited { asked: true, .. } | Condition::Gone => {
            Loss::Stopped
        }
    }
}
