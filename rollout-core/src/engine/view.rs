//! What was seen: the last snapshots, probe answers, attempts under way. Volatile: all that `step` may
//! change, rebuilt by observing.

mod glance;
mod imprint;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(crate) use self::glance::Glance;
use self::glance::Sights;
use super::{
    action::{Action, Effect},
    division::Division,
    eta::Pace,
    event::ProbeKind,
    observation::{Enrolments, Inventory, ModulesInForce, Observation, PoolSeen, RouteInForce},
    outcome::Outcome,
    state::State,
    subject::{Port, Subject},
};
use crate::{
    calendar::Opening,
    fleet::HealthView,
    guard::Veto,
    id::{ActionId, Attempt, InstanceId, Mark, RevisionId},
    map::Map,
    spec::Health,
    time::Timestamp,
};

/// A snapshot and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen<T> {
    pub(crate) at: Timestamp,
    pub(crate) what: Arc<T>,
}

/// What a snapshot says of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight<T> {
    /// Nothing: there is no snapshot, or none that shows my last write to it.
    Unshown,
    /// It is not there.
    Absent,
    /// It is there.
    There(T),
}

impl<T> Sight<T> {
    /// What is there, if it is.
    pub(crate) fn there(self) -> Option<T> {
        match self {
            Self::There(what) => Some(what),
            Self::Unshown | Self::Absent => None,
        }
    }

    fn of(is_shown: bool, what: Option<T>) -> Self {
        match what {
            _ if !is_shown => Self::Unshown,
            None => Self::Absent,
            Some(what) => Self::There(what),
        }
    }
}

/// Attempts at one action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) count: u32,
    pub(crate) in_flight: bool,
    pub(crate) not_before: Timestamp,
    /// When the first of them did not succeed.
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) last: Option<Outcome>,
}

/// The guard refused the last step: no other before a time that grows with each refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) veto: Veto,
    pub(crate) refusals: u32,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

/// The sizes that one pool was told to have, any of which may be the one in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) last: u64,
    pub(crate) least: u64,
    pub(crate) most: u64,
    /// Instances that all of them together told to go.
    pub(crate) dropped: u64,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Whether this engine has begun its reign; before, it decides nothing.
    pub(crate) is_claimed: bool,
    pub(crate) inventory: Option<Seen<Inventory>>,
    pub(crate) enrolments: Option<Seen<Enrolments>>,
    pub(crate) route: Option<Seen<RouteInForce>>,
    pub(crate) modules: Option<Seen<ModulesInForce>>,
    /// Why the last snapshot of a port could not be taken, if it could not.
    pub(crate) blind: BTreeMap<Port, String>,
    pub(crate) attempts: Map<ActionId, Attempts>,
    pub(crate) health: Map<InstanceId, HealthView>,
    /// Sizes that pools made by count were told to have since a snapshot last showed all of it.
    pub(crate) told: BTreeMap<RevisionId, Told>,
    /// Attempts at setting a route that were not answered yet, replaced ones as well: they may still come.
    pub(crate) routes_out: BTreeSet<ActionId>,
    /// From which mark on the orchestrator's snapshots show my last acknowledged write to an instance.
    seen_from: Map<InstanceId, Mark>,
    /// The same of the load balancer's.
    enrolled_from: Map<InstanceId, Mark>,
    /// The same of whatever else a port has.
    shown_from: BTreeMap<(Port, Subject), Mark>,
    /// Since when every candidate instance serves without a break.
    pub(crate) whole_since: Option<Timestamp>,
    /// Since when some candidate instance of the stage does not serve.
    pub(crate) broken_since: Option<Timestamp>,
    /// Since when every port is seen; `None` while one is not. What nobody could see nobody could do, so no
    /// deadline of the engine's own runs from before.
    pub(crate) sighted_since: Option<Timestamp>,
    /// How long instances took in this rollout.
    pub(crate) pace: Pace,
    /// What the calendar said for an attempt at a time; good until the time it names.
    pub(crate) opening: Option<(Attempt, Timestamp, Opening)>,
    /// The last veto, until a step that the guard allows.
    pub(crate) held: Option<Held>,
}

impl View {
    /// Takes in a snapshot. One that is older than the last is not believed.
    pub(crate) fn observed(&mut self, now: Timestamp, observation: Observation) {
        self.blind.remove(&observation.port());
        match observation {
            Observation::Inventory(what) => {
                if self.inventory.as_ref().is_none_or(|last| last.what.mark <= what.mark) {
                    self.inventory = Some(Seen { at: now, what: Arc::new(what) });
                }
            }
            Observation::Enrolments(what) => {
                if self.enrolments.as_ref().is_none_or(|last| last.what.mark <= what.mark) {
                    self.enrolments = Some(Seen { at: now, what: Arc::new(what) });
                }
            }
            Observation::Route(what) => {
                if self.route.as_ref().is_none_or(|last| last.what.mark <= what.mark) {
                    self.route = Some(Seen { at: now, what: Arc::new(what) });
                }
            }
            Observation::Modules(what) => {
                if self.modules.as_ref().is_none_or(|last| last.what.mark <= what.mark) {
                    self.modules = Some(Seen { at: now, what: Arc::new(what) });
                }
            }
        }
    }

    /// The guard refused nothing at `now`: a veto whose time is over is forgotten.
    pub(crate) fn allowed(&mut self, now: Timestamp) {
        if self.held.as_ref().is_some_and(|held| held.until <= now) {
            self.held = None;
        }
    }

    /// Remembers that an acknowledged write shows from `mark` on.
    pub(crate) fn acknowledged(&mut self, effect: &Effect, mark: Mark) {
        self.acknowledged_at(effect.port(), effect.subject(), mark);
    }

    /// Remembers that a write to a subject shows from `mark` on.
    pub(crate) fn acknowledged_at(&mut self, port: Port, subject: Subject, mark: Mark) {
        let from = match (port, subject) {
            (Port::Backend, Subject::Instance(it)) => self.seen_from.or_default(&it),
            (Port::Enrolment, Subject::Instance(it)) => self.enrolled_from.or_default(&it),
            other => self.shown_from.entry(other).or_default(),
        };
        *from = mark.max(*from);
    }

    /// Remembers what goes out: until a snapshot shows it, it may have happened or not.
    pub(crate) fn attempting(&mut self, action: &Action) {
        self.attempts.or_default(&action.id).in_flight = true;
        if matches!(action.effect, Effect::Route(_)) {
            self.routes_out.insert(action.id);
        }
        if let Effect::Scale { revision, replicas } = &action.effect {
            let seen = self.inventory.as_ref().map(|seen| &seen.what);
            let seen = seen.and_then(|seen| seen.pools.get(revision)).map_or(0, |it| it.replicas);
            let first = Told { last: seen, least: *replicas, most: *replicas, dropped: 0 };
            let told = self.told.entry(revision.clone()).or_insert(first);
            told.dropped = told.dropped.saturating_add(told.last.saturating_sub(*replicas));
            told.least = told.least.min(*replicas);
            told.most = told.most.max(*replicas);
            told.last = *replicas;
        }
    }

    /// Whether an attempt at an action is under way.
    pub(crate) fn is_in_flight(&self, id: ActionId) -> bool {
        self.attempts.get(&id).is_some_and(|attempts| attempts.in_flight)
    }

    /// The route in force; `None` while no snapshot shows my last write to it, or one that another has
    /// replaced in `state` may still come.
    pub(crate) fn route_in_force(&self, state: &State) -> Option<&RouteInForce> {
        let may_come = self.routes_out.iter().any(|id| !state.pending.contains_key(id));
        let route = &self.route.as_ref().filter(|_| !may_come)?.what;
        self.shows(Port::Router, || Subject::Route, route.mark).then_some(route)
    }

    /// The modules in force; `None` while no snapshot shows my last write to them.
    pub(crate) fn modules_in_force(&self) -> Option<&ModulesInForce> {
        let modules = &self.modules.as_ref()?.what;
        self.shows(Port::Modules, || Subject::Modules, modules.mark).then_some(modules)
    }

    /// The division in force; `None` while no snapshot shows my last write to it, or nothing exists.
    pub(crate) fn division(&self) -> Option<&Division> {
        let inventory = &self.inventory.as_ref()?.what;
        let is_shown = self.shows(Port::Backend, || Subject::Division, inventory.mark);
        inventory.division.as_ref().filter(|_| is_shown)
    }

    /// The pool as the backend shows it; `None` while no snapshot shows my last write to it.
    pub(crate) fn pool(&self, revision: &RevisionId) -> Option<PoolSeen> {
        let inventory = &self.inventory.as_ref()?.what;
        self.shows(Port::Backend, || Subject::Pool(revision.clone()), inventory.mark)
            .then(|| inventory.pools.get(revision).cloned().unwrap_or_default())
    }

    fn shows(&self, port: Port, subject: impl FnOnce() -> Subject, mark: Mark) -> bool {
        // Nearly always there is nothing to wait for.
        self.shown_from.is_empty()
            || self.shown_from.get(&(port, subject())).is_none_or(|from| *from <= mark)
    }

    /// Takes in a probe's answer.
    pub(crate) fn probed(
        &mut self,
        health: &Health,
        instance: &InstanceId,
        kind: ProbeKind,
        healthy: bool,
        detail: String,
    ) {
        self.health.or_default(instance).probed(health, kind, healthy, detail);
    }

    /// Brings up to date since when each instance is ready, and forgets what is gone.
    pub(crate) fn refresh(&mut self, now: Timestamp, state: &State) {
        let (inventory, enrolments, route, modules) = (
            self.inventory.as_ref().map(|seen| seen.what.mark),
            self.enrolments.as_ref().map(|seen| seen.what.mark),
            self.route.as_ref().map(|seen| seen.what.mark),
            self.modules.as_ref().map(|seen| seen.what.mark),
        );
        // What the last snapshot shows, every later one shows.
        self.shown_from.retain(|(port, _), from| {
            let mark = match port {
                Port::Backend => inventory,
                Port::Enrolment => enrolments,
                Port::Router => route,
                Port::Modules => modules,
                // What became of a run is asked by its key, never by a mark.
                Port::Hooks => return false,
            };
            mark.is_none_or(|mark| mark < *from)
        });
        self.seen_from.retain(|_, from| inventory.is_none_or(|mark| mark < *from));
        self.enrolled_from.retain(|_, from| enrolments.is_none_or(|mark| mark < *from));
        self.attempts.retain(|id, _| state.pending.contains_key(id));
        let mut told = std::mem::take(&mut self.told);
        told.retain(|pool, _| state.pending_scale(pool).is_some() || self.pool(pool).is_none());
        self.told = told;
        self.refresh_health(now, state);
    }

    fn refresh_health(&mut self, now: Timestamp, state: &State) {
        let inventory = self.inventory.as_ref().map(|seen| (seen.what.mark, &seen.what.instances));
        let mut sights = Sights::new(inventory, &self.seen_from);
        let mut known = self.health.iter_mut().peekable();
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for (instance, entry) in &state.roster {
            while let Some((old, _)) = known.next_if(|(old, _)| *old < instance) {
                gone.push(old.clone());
            }
            let (health, seen) = (state.health_of(entry), sights.of(instance).there());
            let mut first = None;
            let view = match known.next_if(|(it, _)| *it == instance) {
                Some((_, view)) => view,
                None => first.insert(HealthView::default()),
            };
            view.saw(now, health, seen, entry.proved_ready);
            new.extend(first.map(|view| (instance.clone(), view)));
        }
        gone.extend(known.map(|(old, _)| old.clone()));
        for instance in gone {
            self.health.remove(&instance);
        }
        for (instance, view) in new {
            self.health.insert(instance, view);
        }
    }
}
