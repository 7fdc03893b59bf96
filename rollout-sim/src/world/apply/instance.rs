//! One instance: made, started, stopped, taken away.

use std::sync::Arc;

use rollout_core::{
    engine::{Action, RefusalKind, Retry},
    id::{ActionId, InstanceId, RevisionId},
    time::Span,
};

use crate::world::{Condition, Life, Manner, Receipt, World};

impl World {
    pub(super) fn create(
        &mut self,
        action: &Action,
        name: &InstanceId,
        revision: &RevisionId,
    ) -> Receipt {
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

    pub(super) fn start(&mut self, id: ActionId, name: &InstanceId, life: Option<Life>) -> Receipt {
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

    pub(super) fn stop(&mut self, id: ActionId, name: &InstanceId, grace: Span) -> Receipt {
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

    pub(super) fn remove(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
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
}
