//! One instance's place at the load balancer: enrolled, drained, detached.

use std::net::IpAddr;

use rollout_core::{
    engine::{Admission, EnrolState, RefusalKind, Retry},
    id::{ActionId, InstanceId, RevisionId},
};

use crate::world::{Condition, Receipt, Server, World};

impl World {
    pub(super) fn enrol(
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
                self.count_on_again(name);
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

    pub(super) fn drain(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
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

    pub(super) fn detach(&mut self, id: ActionId, name: &InstanceId) -> Receipt {
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
}
