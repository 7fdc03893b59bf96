//! Effects: what an action does to the world.
//!
//! As the ports promise: fenced by epoch, idempotent by action id, "already so" is `Applied`, and a late
//! action changes nothing once a newer one on the same object is known.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use rollout_core::{
    engine::{Action, Admission, Effect, EnrolState, Outcome, RefusalKind, Retry, Route, Shares},
    id::{ActionId, InstanceId, RevisionId},
    time::Span,
    weight::Weight,
};

use super::{Condition, Life, Manner, Server, World};

/// What came of an attempt, and when the answer is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The answer.
    pub outcome: Outcome,
    /// When it comes, in milliseconds.
    pub answer_at: u64,
    /// Whether it changed anything.
    pub effective: bool,
}

impl World {
    /// Makes one attempt at `action`.
    pub fn apply(&mut self, action: &Action) -> Receipt {
        let life = match (&action.effect, &action.effect.instance()) {
            (Effect::Start { .. }, Some(name)) => self
                .instances
                .get(*name)
                .map(|instance| instance.revision.clone())
                .map(|revision| self.draw_life(&revision)),
            _ => None,
        };
        self.apply_with(action, life)
    }

    /// Makes one attempt at `action`; an instance that it starts has this `life`.
    pub fn apply_with(&mut self, action: &Action, life: Option<Life>) -> Receipt {
        self.settle(self.now);
        let reigns = self.acted.unwrap_or(self.epoch);
        if self.fenced && action.epoch < reigns {
            let detail = "a newer engine has taken over";
            return self.refused(RefusalKind::Fenced, detail, Retry::Never);
        }
        self.epoch = self.epoch.max(action.epoch);
        self.acted = self.acted.map(|acted| acted.max(action.epoch));
        let before = self.mark;
        let mut receipt = self.carry_out(action, life);
        receipt.effective = before < self.mark;
        receipt
    }

    fn carry_out(&mut self, action: &Action, life: Option<Life>) -> Receipt {
        if self.knows_newer(action) {
            let detail = "a newer action on it is known";
            return self.refused(RefusalKind::Conflict, detail, Retry::Never);
        }
        match &action.effect {
            Effect::Create { instance, revision } => self.create(action, instance, revision),
            Effect::Start { instance } => self.start(action.id, instance, life),
            Effect::Enrol { instance, revision, address, admission } => {
                self.enrol(action.id, instance, revision, *address, *admission)
            }
            Effect::Drain { instance } => self.drain(action.id, instance),
            Effect::Detach { instance } => self.detach(action.id, instance),
            Effect::Stop { instance, grace } => self.stop(action.id, instance, *grace),
            Effect::Remove { instance } if self.replaces_in_place() => {
                self.take_away(action.id, instance)
            }
            Effect::Remove { instance } => self.remove(action.id, instance),
            Effect::Scale { revision, replicas } => self.scale(action, revision, *replicas),
            Effect::Divide(division) => self.divide(action, division),
            Effect::Route(route) => self.set_route(action.id, route),
            Effect::Run { run, .. } => self.begin_job(run),
            Effect::Modules(setting) => self.set_modules(action.id, setting),
        }
    }

    fn knows_newer(&self, action: &Action) -> bool {
        let newest = match &action.effect {
            Effect::Create { instance, .. }
            | Effect::Start { instance }
            | Effect::Stop { instance, .. }
            | Effect::Remove { instance } => {
                let alive = self.instances.get(instance).map(|one| one.newest);
                alive.max(self.removals.get(instance).copied())
            }
            Effect::Enrol { instance, .. }
            | Effect::Drain { instance }
            | Effect::Detach { instance } => {
                self.instances.get(instance).map(|one| one.newest_enrolment)
            }
            Effect::Scale { .. } | Effect::Divide(_) if self.replaces_in_place() => {
                Some(self.places.newest)
            }
            Effect::Scale { revision, .. } => self.pools.get(revision).map(|pool| pool.newest),
            Effect::Route(_) => Some(self.newest_route),
            Effect::Modules(_) => Some(self.modules.newest),
            Effect::Run { .. } | Effect::Divide(_) => None,
        };
        newest.is_some_and(|newest| action.id < newest)
    }

    pub(super) fn applied(&self) -> Receipt {
        Receipt {
            outcome: Outcome::Applied { mark: self.mark },
            answer_at: self.now,
            effective: false,
        }
    }

    pub(super) fn refused(&self, kind: RefusalKind, detail: &str, retry: Retry) -> Receipt {
        Receipt {
            outcome: Outcome::refused(kind, detail, retry),
            answer_at: self.now,
            effective: false,
        }
    }

    fn create(&mut self, action: &Action, name: &InstanceId, revision: &RevisionId) -> Receipt {
        if self.foreign.contains_key(name) {
            let detail = "something that is not ours has that name";
            return self.refused(RefusalKind::Conflict, detail, Retry::Never);
        }
        let Some(whole) = &action.revision else {
            let detail = "the action carries no revision";
            return self.refused(RefusalKind::Invalid, detail, Retry::Never);
        };
        if let Some(instance) = self.instances.get_mut(name)
            && instance.exists()
        {
            if instance.revision == *revision {
                instance.newest = action.id;
                return self.applied();
            }
            let detail = "an instance of another revision has that name";
            return self.refused(RefusalKind::Conflict, detail, Retry::Never);
        }
        if !self.revisions.contains_key(revision) {
            self.revisions.insert(revision.clone(), Arc::clone(whole));
        }
        let mut instance = self.blank(revision.clone());
        instance.newest = action.id;
        self.instances.insert(name.clone(), instance);
        self.changed();
        self.applied()
    }

    fn start(&mut self, id: ActionId, name: &InstanceId, life: Option<Life>) -> Receipt {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(name).filter(|one| one.exists()) else {
            let detail = "there is no such instance";
            return self.refused(RefusalKind::Missing, detail, Retry::Never);
        };
        instance.newest = id;
        if instance.condition == Condition::Created {
            instance.condition = Condition::Running;
            instance.started = now;
            instance.life = life.unwrap_or(instance.life);
            self.changed();
        }
        self.applied()
    }

    fn stop(&mut self, id: ActionId, name: &InstanceId, grace: Span) -> Receipt {
        let now = self.now;
        // Also of what is not there: a creation that was given up must not land after its removal.
        self.removals.insert(name.clone(), id);
        let Some(instance) = self.instances.get_mut(name).filter(|one| one.exists()) else {
            return self.applied();
        };
        instance.newest = id;
        match instance.condition {
            Condition::Running => {}
            Condition::Stopping => {
                let answer_at = instance.ends;
                return Receipt { answer_at, ..self.applied() };
            }
            Condition::Created | Condition::Exited { .. } | Condition::Gone => {
                return self.applied();
            }
        }
        let busy = instance.server.map_or(0, |server| server.busy_until);
        let takes = match instance.life.manner {
            Manner::Graceful => instance.life.stops_after.max(busy.saturating_sub(now)),
            Manner::Abrupt => 0,
            Manner::Ignores => u64::MAX,
        };
        instance.ends = now + takes.min(grace.as_millis());
        instance.condition = Condition::Stopping;
        if instance.life.manner == Manner::Abrupt {
            instance.condition = Condition::Exited { code: 143, asked: true };
        }
        let answer_at = instance.ends;
        let abrupt = instance.life.manner == Manner::Abrupt && 0 < instance.in_flight(now);
        if abrupt {
            let loss = self.cut_loss(name);
            self.cut(name, loss);
        }
        self.changed();
        Receipt { answer_at, ..self.applied() }
    }

    fn remove(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
        // Also of what is not there: a creation that was given up must not land after its removal.
        self.removals.insert(name.clone(), id);
        let Some(instance) = self.instances.get_mut(name).filter(|one| one.exists()) else {
            return self.applied();
        };
        instance.newest = id;
        match instance.condition {
            Condition::Running | Condition::Stopping => {
                let detail = "it still runs";
                self.refused(RefusalKind::Conflict, detail, Retry::Backoff)
            }
            Condition::Created | Condition::Exited { .. } => {
                instance.condition = Condition::Gone;
                instance.ends = self.now;
                self.changed();
                self.applied()
            }
            Condition::Gone => self.applied(),
        }
    }

    fn enrol(
        &mut self,
        id: ActionId,
        name: &InstanceId,
        revision: &RevisionId,
        address: IpAddr,
        admission: Admission,
    ) -> Receipt {
        let is_there = self.instances.get(name).is_some_and(|one| one.server.is_some());
        if self.keeps_pods() && !is_there {
            let detail = "there is no such instance";
            return self.refused(RefusalKind::Missing, detail, Retry::Never);
        }
        if !self.instances.contains_key(name) {
            // A load balancer takes whatever address it is given.
            let mut ghost = self.blank(revision.clone());
            ghost.condition = Condition::Gone;
            ghost.address = address;
            self.instances.insert(name.clone(), ghost);
        }
        let Some(instance) = self.instances.get_mut(name) else {
            return self.applied();
        };
        instance.newest_enrolment = id;
        match &mut instance.server {
            Some(server) if server.state == EnrolState::In => {
                // Standby turns into serving, never back: that is what a drain is for.
                if admission == Admission::Serving && !server.admitted {
                    server.admitted = true;
                    self.changed();
                }
            }
            Some(server) => {
                server.state = EnrolState::In;
                server.admitted |= admission == Admission::Serving;
                server.drained = 0;
                self.changed();
            }
            None => {
                instance.server = Some(Server {
                    state: EnrolState::In,
                    admitted: admission == Admission::Serving,
                    drained: 0,
                    busy_until: 0,
                    load: 0,
                });
                // On standby it gets nothing yet: what it had before is still missing.
                if admission == Admission::Serving {
                    self.heal_enrolment(name);
                }
                self.changed();
            }
        }
        self.applied()
    }

    fn drain(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
        let now = self.now;
        if let Some(instance) = self.instances.get_mut(name) {
            instance.newest_enrolment = id;
            if let Some(server) = &mut instance.server
                && server.state == EnrolState::In
            {
                server.state = EnrolState::Draining;
                server.drained = now;
                self.changed();
            }
        }
        self.applied()
    }

    fn detach(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(name) else {
            return self.applied();
        };
        instance.newest_enrolment = id;
        if instance.server.is_some() {
            let accepts = instance.accepts(now) || instance.condition == Condition::Stopping;
            if accepts {
                let loss = self.cut_loss(name);
                self.cut(name, loss);
            }
            if let Some(instance) = self.instances.get_mut(name) {
                instance.server = None;
            }
            self.changed();
        }
        self.applied()
    }

    fn set_route(&mut self, id: ActionId, route: &Route) -> Receipt {
        self.newest_route = id;
        let Some(units) = self.config.capabilities.router else {
            if matches!(route, Route::Weighted(_)) {
                let detail = "this router knows no weights";
                return self.refused(RefusalKind::Invalid, detail, Retry::Never);
            }
            return self.put_route(route.clone());
        };
        let rounded = match route {
            Route::Weighted(shares) => {
                let (weights, trial) = (round(&shares.weights, units), shares.trial.clone());
                Route::Weighted(Shares { weights, trial })
            }
            Route::ByReplicas | Route::Empty => route.clone(),
        };
        self.put_route(rounded)
    }

    fn put_route(&mut self, route: Route) -> Receipt {
        let mut admitted = Vec::new();
        for (name, instance) in &mut self.instances {
            if let Some(server) = &mut instance.server
                && !std::mem::replace(&mut server.admitted, true)
            {
                admitted.push(name.clone());
            }
        }
        for name in &admitted {
            self.heal_enrolment(name);
        }
        if !admitted.is_empty() || self.route.as_ref() != Some(&route) {
            self.route = Some(route);
            self.changed();
        }
        self.applied()
    }

    fn scale(&mut self, action: &Action, revision: &RevisionId, replicas: u64) -> Receipt {
        if self.replaces_in_place() {
            return self.set_places(action, revision, replicas);
        }
        if let Some(whole) = &action.revision {
            self.revisions.entry(revision.clone()).or_insert_with(|| Arc::clone(whole));
        }
        let life = self.draw_life(revision);
        let (now, keeps_pods) = (self.now, self.keeps_pods());
        let pool = self.pools.entry(revision.clone()).or_default();
        pool.newest = action.id;
        if pool.replicas != replicas {
            if keeps_pods {
                pool.replicas = replicas;
            } else {
                pool.scale(replicas, now, &life);
            }
            self.changed();
            self.control(Some(action.id));
        }
        self.applied()
    }
}

/// Rounds shares down to what `units` can say; the largest takes the rest. What it gives stays when it is
/// rounded again.
fn round(weights: &BTreeMap<RevisionId, Weight>, units: u64) -> BTreeMap<RevisionId, Weight> {
    let (units, full) = (units.max(1), Weight::FULL.basis_points());
    let largest = weights.iter().max_by_key(|(_, weight)| **weight);
    let largest = largest.map(|(revision, _)| revision.clone());
    let mut rounded = weights.clone();
    let mut rest = 0;
    for (revision, weight) in &mut rounded {
        if Some(revision) != largest.as_ref() {
            let points = weight.basis_points();
            let set = (points * units / full * full).div_ceil(units).min(points);
            rest += points - set;
            *weight = Weight::from_basis_points(set).unwrap_or(*weight);
        }
    }
    if let Some(weight) = largest.and_then(|revision| rounded.get_mut(&revision)) {
        *weight = Weight::from_basis_points(weight.basis_points() + rest).unwrap_or(*weight);
    }
    rounded
}
