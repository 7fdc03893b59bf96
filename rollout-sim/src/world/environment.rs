//! Environment: what happens to instances by nobody's order: they start, crash, flap, vanish, and the load
//! balancer forgets.
//!
//! Everything that harms an instance in service is noted as a [`Harm`], so that the invariants can tell what
//! the engine caused from what it could not help.

use rollout_core::id::InstanceId;

use super::{Condition, Harm, Loss, World};

impl World {
    /// Does what instances do by themselves at this very millisecond.
    pub(super) fn change_by_itself(&mut self) {
        let now = self.now;
        let mut cut = Vec::new();
        for (name, instance) in &mut self.instances {
            match instance.condition {
                Condition::Stopping if instance.ends <= now => {
                    if 0 < instance.in_flight(now) {
                        cut.push((name.clone(), true));
                    }
                    instance.condition = Condition::Exited { code: 0, asked: true };
                }
                Condition::Running => {
                    let crashes = instance.life.crashes_after;
                    if crashes.is_some_and(|after| instance.started + after <= now) {
                        cut.push((name.clone(), false));
                        let code = instance.life.exit_code;
                        instance.condition = Condition::Exited { code, asked: false };
                    }
                }
                Condition::Created
                | Condition::Stopping
                | Condition::Exited { .. }
                | Condition::Gone => {}
            }
        }
        for (name, asked) in cut {
            let loss = if asked { self.cut_loss(&name) } else { Loss::CutByCrash };
            self.cut(&name, loss);
            if !asked {
                self.harm(&name, false);
                self.note_exit(&name);
            }
        }
        self.note_flaps();
        for pool in self.pools.values_mut() {
            pool.advance(now);
        }
        self.modules.advance(now);
    }

    /// Notes instances that stopped answering, or answer again, at this very millisecond.
    fn note_flaps(&mut self) {
        let now = self.now;
        let mut began = Vec::new();
        for (name, instance) in &self.instances {
            let (Some(serves), Some((after, length))) =
                (instance.life.serves_after, instance.life.unready)
            else {
                continue;
            };
            let from = instance.started + serves + after;
            if instance.condition != Condition::Running {
                continue;
            }
            if from == now {
                began.push(name.clone());
            }
            if from + length == now {
                for harm in &mut self.harms {
                    if harm.instance == *name && !harm.enrolment {
                        harm.healed.get_or_insert(now);
                    }
                }
            }
        }
        for name in began {
            self.harm(&name, false);
        }
    }

    /// Notes that the environment harmed an instance that could carry traffic.
    fn harm(&mut self, name: &InstanceId, enrolment: bool) {
        let instance = self.instances.get(name);
        let could = instance.is_some_and(|one| enrolment || one.has_served(self.now));
        if !could {
            return;
        }
        let carried = enrolment || !instance.is_some_and(super::Instance::is_draining);
        self.harms.push(Harm {
            instance: name.clone(),
            at: self.now,
            enrolment,
            carried,
            known: None,
            healed: None,
            shown_well: false,
            known_over: None,
        });
    }

    /// Lets the process of an instance die, by nobody's order. Returns whether it ran.
    pub fn kill(&mut self, name: &InstanceId, code: i64) -> bool {
        self.settle(self.now);
        let Some(instance) = self.instances.get_mut(name) else {
            return false;
        };
        if !matches!(instance.condition, Condition::Running) {
            return false;
        }
        self.cut(name, Loss::CutByCrash);
        if let Some(instance) = self.instances.get_mut(name) {
            instance.condition = Condition::Exited { code, asked: false };
        }
        self.harm(name, false);
        self.note_exit(name);
        self.changed();
        true
    }

    /// Lets an instance vanish, by nobody's order. Returns whether it existed.
    pub fn lose(&mut self, name: &InstanceId) -> bool {
        self.settle(self.now);
        let Some(instance) = self.instances.get(name) else {
            return false;
        };
        if !instance.exists() {
            return false;
        }
        self.cut(name, Loss::CutByCrash);
        if let Some(instance) = self.instances.get_mut(name) {
            instance.condition = Condition::Gone;
        }
        self.harm(name, false);
        self.replace(name);
        self.control(None);
        self.changed();
        true
    }

    /// Lets an instance stop answering for `length` milliseconds, from now. Returns whether it served.
    pub fn make_unready(&mut self, name: &InstanceId, length: u64) -> bool {
        self.settle(self.now);
        let now = self.now;
        let Some(instance) = self.instances.get_mut(name) else {
            return false;
        };
        if !instance.serves(now) {
            return false;
        }
        let serves = instance.started + instance.life.serves_after.unwrap_or_default();
        instance.life.unready = Some((now - serves, length));
        self.harm(name, false);
        self.changed();
        true
    }

    /// Lets the load balancer start anew: it forgets every instance and the route.
    pub fn restart_load_balancer(&mut self) {
        if self.keeps_pods() {
            return; // What serves is told by the instances themselves.
        }
        self.settle(self.now);
        let names: Vec<InstanceId> = self
            .instances
            .iter()
            .filter(|(_, instance)| instance.server.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.cut(&name, Loss::CutByCrash);
            if let Some(instance) = self.instances.get_mut(&name) {
                instance.server = None;
            }
            self.harm(&name, true);
        }
        self.route = None;
        self.traffic.load_balancer_lost = true;
        self.changed();
    }
}
