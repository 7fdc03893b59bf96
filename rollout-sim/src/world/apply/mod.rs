//! Effects: what an action does to the world.
//!
//! As the ports promise: fenced by epoch, idempotent by action id, "already so" is `Applied`, and a late
//! action changes nothing once a newer one on the same object is known.

mod enrolment;
mod instance;
mod route;

use std::sync::Arc;

use rollout_core::{
    engine::{Action, Effect, Outcome, RefusalKind, Retry},
    id::RevisionId,
};

use super::{Life, World};

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
