//! The guard's own books: single instances, what was seen of them, and the limits in force.
//!
//! Built from the same events and records as the engine's state, by other code and towards another end:
//! which actions were let through, and the worst that may have become of them.

mod imprint;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Change, Effect, EnrolState, Event, InstanceSeen, InstanceState, Observation, Outcome,
        PoolSeen, ProbeKind, Record, Route, Settlement,
    },
    id::{ActionId, InstanceId, Mark, RevisionId},
    plan::{Budget, Plan},
    port::{Capabilities, Confirmation, Making},
    spec::{CheckedSpec, Counting, Drain},
    time::{Span, Timestamp},
};

/// What the guard knows of one instance.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each learned by itself")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub(super) revision: Option<RevisionId>,
    /// Whether the last snapshot showed its process running.
    pub(super) runs: bool,
    /// Whether the last snapshot showed that its process ended or is not there.
    pub(super) ended: bool,
    /// The last answers of its readiness probe say that it may get no traffic.
    pub(super) unready: bool,
    /// It was found, and no spec speaks of it.
    pub(super) found: bool,
    /// Its orchestrator says so.
    pub(super) unhealthy: bool,
    /// The load balancer was told of it, and no detachment was acknowledged since.
    pub(super) attached: bool,
    /// It was let into traffic and nothing has taken it out since.
    pub(super) enrolled: bool,
    /// A drain was let through and acknowledged: when, and from which mark on snapshots show it.
    pub(super) drained: Option<(Timestamp, Mark)>,
    /// The last snapshot of the load balancer, if it said that nothing is in flight on the instance, or
    /// that it is not known there.
    pub(super) quiet_at: Option<Mark>,
    /// It was told to go.
    pub(super) retired: bool,
    /// It failed: nothing is lost with it.
    pub(super) failed: bool,
    /// It is dead, was lost, or its removal was acknowledged.
    pub(super) over: bool,
}

/// The limits in force, from the submitted spec and its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Limits {
    /// Fewest instances there are to be, for the floor.
    pub(super) least: u64,
    /// Most instances there are to be, for the ceiling.
    pub(super) most: u64,
    pub(super) surge: u64,
    pub(super) unavailable: u64,
    pub(super) counting: Counting,
    /// Whether the floor binds: not before a first revision is proven, not where downtime is declared.
    pub(super) has_floor: bool,
}

/// Answers of a readiness probe in a row that make an instance unready, and ready again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Thresholds {
    failures: u32,
    successes: u32,
}

/// Answers in a row of one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Answers {
    failures: u32,
    successes: u32,
}

/// The guard's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Book {
    pub(super) entries: BTreeMap<InstanceId, Entry>,
    /// Instances whose creation was let through or that were found, until they are gone.
    pub(super) live: BTreeSet<InstanceId>,
    pub(super) limits: Option<Limits>,
    /// The route let through last.
    pub(super) route: Option<Route>,
    /// The route seen in force last.
    pub(super) in_force: Option<Route>,
    pub(super) pending: BTreeMap<ActionId, Effect>,
    pub(super) last_action: ActionId,
    /// Whether the backend makes instances by name, not by count. It and the next are of the ports of this
    /// run: no record tells them.
    #[serde(skip)]
    pub(super) is_by_name: bool,
    #[serde(skip)]
    pub(super) confirmation: Option<Confirmation>,
    /// Pools that a backend keeps by count, as the last snapshot showed them.
    pub(super) pools: BTreeMap<RevisionId, PoolSeen>,
    pools_at: Mark,
    /// Instances of those pools that the last snapshot showed not to answer.
    not_ready: BTreeSet<InstanceId>,
    /// The sizes let through last.
    pub(super) sizes: BTreeMap<RevisionId, u64>,
    pub(super) now: Timestamp,
    /// Modules that must be available, by the spec submitted last.
    pub(super) must_be_available: BTreeSet<String>,
    /// Everything is halted.
    pub(super) halted: bool,
    answers: BTreeMap<InstanceId, Answers>,
    /// Answers in a row that count, by revision; `None`: it has no readiness probe.
    thresholds: BTreeMap<RevisionId, Option<Thresholds>>,
    /// The same of the newest revision, for instances made anew of one that was found.
    newest_threshold: Option<Thresholds>,
    /// Longest drain of each revision, and of those nobody submitted.
    drains: BTreeMap<RevisionId, Span>,
    longest_drain: Option<Span>,
    is_first: bool,
    stable: Option<RevisionId>,
    /// Instances of the stable revision when the attempt began.
    from: u64,
}

impl Book {
    /// Books for ports that can do this.
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        Self {
            is_by_name: capabilities.making == Making::ByName,
            confirmation: capabilities.enrolment,
            ..Self::empty()
        }
    }

    /// Books that know of no ports, to fold records in.
    pub(crate) fn empty() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    /// Takes note of a fact that came in at `now`.
    pub(super) fn witness(&mut self, now: Timestamp, event: &Event) {
        self.now = self.now.max(now);
        match event {
            Event::Attempted { id, outcome: Outcome::Applied { mark } } => self.applied(*id, *mark),
            Event::Observed(observation) => self.observed(observation),
            Event::Probed { instance, probe: ProbeKind::Readiness, healthy, .. } => {
                self.answered(instance, *healthy);
            }
            Event::Probed { .. }
            | Event::Attempted { .. }
            | Event::Claimed { .. }
            | Event::Woke
            | Event::Ordered(_)
            | Event::Unobserved { .. }
            | Event::Polled { .. }
            | Event::Measured { .. }
            | Event::Vetoed(_) => {}
        }
    }

    fn answered(&mut self, instance: &InstanceId, healthy: bool) {
        let Some(entry) = self.entries.get_mut(instance) else { return };
        let answers = self.answers.entry(instance.clone()).or_default();
        *answers = if healthy {
            Answers { failures: 0, successes: answers.successes.saturating_add(1) }
        } else {
            Answers { failures: answers.failures.saturating_add(1), successes: 0 }
        };
        let own = entry.revision.as_ref().and_then(|revision| self.thresholds.get(revision));
        let thresholds = match own {
            Some(own) => *own,
            None if entry.found => None,
            None => self.newest_threshold,
        };
        let Some(thresholds) = thresholds else { return };
        if thresholds.failures <= answers.failures {
            entry.unready = true;
        } else if thresholds.successes <= answers.successes {
            entry.unready = false;
        }
    }

    fn applied(&mut self, id: ActionId, mark: Mark) {
        let Some(effect) = self.pending.get(&id) else { return };
        if let Effect::Drain { instance } = effect
            && let Some(entry) = self.entries.get_mut(instance)
        {
            entry.drained = Some((self.now, mark));
        }
    }

    fn observed(&mut self, observation: &Observation) {
        match observation {
            Observation::Inventory(inventory) => {
                // Counts that are older than those seen last say nothing of now.
                if self.pools_at <= inventory.mark {
                    self.pools_at = inventory.mark;
                    self.pools.clone_from(&inventory.pools);
                    if !self.is_by_name {
                        let is_out = |seen: &InstanceSeen| seen.healthy != Some(true);
                        let not_ready = inventory.instances.iter().filter(|(_, seen)| is_out(seen));
                        self.not_ready = not_ready.map(|(instance, _)| instance.clone()).collect();
                    }
                }
                for (instance, entry) in &mut self.entries {
                    let seen = inventory.instances.get(instance);
                    entry.runs = seen.is_some_and(|seen| seen.state == InstanceState::Running);
                    entry.ended = seen.is_none_or(|seen| {
                        matches!(
                            seen.state,
                            InstanceState::Exited { .. } | InstanceState::Stuck { .. }
                        )
                    });
                    let Some(seen) = seen else { continue };
                    entry.revision.get_or_insert_with(|| seen.revision.clone());
                    entry.unhealthy = seen.healthy == Some(false);
                }
            }
            Observation::Enrolments(enrolments) => {
                for (instance, entry) in &mut self.entries {
                    let is_quiet = enrolments.instances.get(instance).is_none_or(|seen| {
                        seen.state == EnrolState::Draining && seen.in_flight == Some(0)
                    });
                    entry.quiet_at = is_quiet.then_some(enrolments.mark);
                }
            }
            Observation::Route(seen) => self.in_force.clone_from(&seen.route),
            Observation::Modules(_) => {}
        }
    }

    /// Takes note of a record that is durable now.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the guard looks at what concerns it")]
    pub(crate) fn commit(&mut self, record: &Record) {
        self.now = self.now.max(record.at);
        match &record.change {
            Change::Submitted { revision, spec, plan, .. } => {
                self.submitted(&revision.id, spec, plan);
            }
            Change::Proven { revision } => {
                self.is_first = false;
                self.stable = Some(revision.clone());
            }
            Change::Adopted { revision } => {
                self.is_first = false;
                self.stable = Some(revision.id.clone());
            }
            Change::Resized { spec, plan, .. } => self.resized(spec, plan),
            Change::Halted { .. } => self.halted = true,
            Change::Resumed { .. } => self.halted = false,
            // The way back is to as many as there were, not to as many as there should have been.
            Change::Aborted { .. } if !self.is_first => {
                if let Some(limits) = &mut self.limits {
                    limits.least = limits.least.min(self.from);
                    limits.most = limits.most.max(self.from);
                }
            }
            Change::Found { instance, revision, enrolled, started } => {
                self.found(instance, &revision.id, (*enrolled, *started));
            }
            Change::Named { instance, revision, enrolled } => {
                self.named(record.at, instance, revision, *enrolled);
            }
            Change::Spared { instance } => {
                self.entries.entry(instance.clone()).or_default().retired = false;
            }
            Change::Intended { id, effect } => self.intended(*id, effect),
            Change::Settled { id, how } => self.settled(record.at, *id, how),
            Change::Snapshot(snapshot) => {
                let Self { is_by_name, confirmation, .. } = *self;
                *self = Self { is_by_name, confirmation, ..snapshot.book.clone() };
            }
            Change::Failed { instance, failure } => {
                let entry = self.entries.entry(instance.clone()).or_default();
                entry.failed = true;
                entry.over |= failure.is_dead();
            }
            Change::Lost { instance } => self.is_over(instance),
            Change::Retired { instance } => {
                self.entries.entry(instance.clone()).or_default().retired = true;
            }
            Change::Gone { instance } => {
                self.entries.remove(instance);
                self.live.remove(instance);
                self.answers.remove(instance);
            }
            _ => {}
        }
    }

    fn found(
        &mut self,
        instance: &InstanceId,
        revision: &RevisionId,
        (is_in, has_started): (bool, bool),
    ) {
        let entry = self.entries.entry(instance.clone()).or_default();
        entry.revision = Some(revision.clone());
        entry.enrolled = is_in;
        entry.runs = has_started;
        entry.attached = is_in;
        entry.found = true;
        self.live.insert(instance.clone());
    }

    fn named(&mut self, at: Timestamp, instance: &InstanceId, revision: &RevisionId, is_in: bool) {
        let entry = self.entries.entry(instance.clone()).or_default();
        entry.revision = Some(revision.clone());
        entry.enrolled = is_in;
        entry.found = true;
        entry.unhealthy = self.not_ready.contains(instance);
        entry.drained = (!is_in).then_some((at, Mark(0)));
    }

    fn submitted(&mut self, revision: &RevisionId, spec: &CheckedSpec, plan: &Plan) {
        let threshold = spec.health.readiness.as_ref().map(|probe| Thresholds {
            failures: probe.failure_threshold,
            successes: probe.success_threshold,
        });
        self.thresholds.insert(revision.clone(), threshold);
        self.newest_threshold = threshold;
        self.drains.insert(revision.clone(), spec.drain.deadline);
        self.longest_drain = Some(spec.drain.deadline);
        self.must_be_available = spec
            .modules
            .iter()
            .filter(|module| module.must_be_available)
            .map(|module| module.name.clone())
            .collect();
        let stable = self.stable.as_ref();
        let is_stable = |entry: &&Entry| !entry.retired && entry.revision.as_ref() == stable;
        let by_name = self.entries.values().filter(is_stable).count() as u64;
        let by_count = stable.map_or(0, |id| {
            let seen = self.pools.get(id).map_or(0, |seen| seen.replicas);
            self.sizes.get(id).copied().unwrap_or(seen)
        });
        self.from = by_name.max(by_count);
        self.limit(plan);
    }

    /// Another number of instances counts from now on, there and back.
    fn resized(&mut self, spec: &CheckedSpec, plan: &Plan) {
        self.from = spec.replicas;
        self.limit(plan);
    }

    /// The limits of a plan.
    fn limit(&mut self, plan: &Plan) {
        let has_downtime = plan.stages.iter().any(|stage| plan.desired <= stage.budget.unavailable);
        let widest = |pick: fn(&Budget) -> u64| {
            plan.stages
                .iter()
                .map(|stage| pick(&stage.budget))
                .chain([pick(&plan.rollback)])
                .max()
                .unwrap_or(0)
        };
        self.limits = Some(Limits {
            least: plan.desired,
            most: plan.desired,
            surge: widest(|budget| budget.surge),
            unavailable: widest(|budget| budget.unavailable),
            counting: plan.counting,
            has_floor: !self.is_first && !has_downtime,
        });
    }

    /// When the drain of an instance is over at the latest, if it was acknowledged.
    pub(super) fn drain_until(&self, entry: &Entry) -> Option<Timestamp> {
        let (at, _) = entry.drained?;
        let own = entry.revision.as_ref().and_then(|revision| self.drains.get(revision)).copied();
        let longest = own.or(self.longest_drain).unwrap_or_else(|| Drain::default().deadline);
        Some(at.after(longest))
    }

    /// Whether nothing is in flight on a drained instance any more.
    pub(super) fn is_quiet(&self, entry: &Entry) -> bool {
        let Some((at, from)) = entry.drained else { return false };
        match self.confirmation {
            Some(Confirmation::Elapsed(bound)) => {
                let is_late = self.drain_until(entry).is_some_and(|until| until <= self.now);
                is_late && at.after(bound) <= self.now
            }
            Some(Confirmation::Observed) | None => entry.quiet_at.is_some_and(|mark| from <= mark),
        }
    }

    fn is_over(&mut self, instance: &InstanceId) {
        self.entries.entry(instance.clone()).or_default().over = true;
    }

    fn intended(&mut self, id: ActionId, effect: &Effect) {
        self.last_action = self.last_action.max(id);
        self.pending.insert(id, effect.clone());
        match effect {
            Effect::Create { instance, revision } => {
                let entry = self.entries.entry(instance.clone()).or_default();
                entry.revision = Some(revision.clone());
                self.live.insert(instance.clone());
            }
            Effect::Enrol { instance, .. } => {
                let entry = self.entries.entry(instance.clone()).or_default();
                entry.enrolled = true;
                entry.attached = true;
                entry.drained = None;
            }
            Effect::Drain { instance } => {
                self.entries.entry(instance.clone()).or_default().enrolled = false;
            }
            Effect::Route(route) => self.route = Some(route.clone()),
            Effect::Scale { revision, replicas } => {
                self.sizes.insert(revision.clone(), *replicas);
            }
            Effect::Start { .. }
            | Effect::Detach { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }

    fn settled(&mut self, at: Timestamp, id: ActionId, how: &Settlement) {
        let Some(effect) = self.pending.remove(&id) else { return };
        if !matches!(how, Settlement::Applied) {
            return;
        }
        match effect {
            // After a restart the mark of the drain is lost: any snapshot of now shows it.
            Effect::Drain { instance } => {
                self.entries.entry(instance).or_default().drained.get_or_insert((at, Mark(0)));
            }
            Effect::Detach { instance } => {
                let entry = self.entries.entry(instance).or_default();
                entry.attached = false;
            }
            Effect::Remove { instance } => self.is_over(&instance),
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Enrol { .. }
            | Effect::Stop { .. }
            | Effect::Scale { .. }
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }
}
