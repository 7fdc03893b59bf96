//! Observations: when snapshots are taken, how late they arrive, and what the engine can know from them.

use rollout_core::{
    engine::{Event, InstanceState, Observation, Port},
    port::Ability,
};

use super::{Job, Run};

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Seen {
    port: Port,
    life: u32,
    observation: Option<Observation>,
    taken: u64,
}

/// When each port is looked at next, and its last snapshot arrives.
#[derive(Debug, Default)]
pub(super) struct Looks {
    due: [Option<u64>; 5],
    arrived: [u64; 5],
    /// When the last snapshot of the orchestrator was taken that arrived.
    pub(super) shown: u64,
}

impl Looks {
    /// Forgets what an engine held in memory.
    pub(super) fn forget(&mut self) {
        self.due = [None; 5];
    }
}

impl Run<'_> {
    /// Looks at every port that there is.
    pub(super) fn look_everywhere(&mut self) {
        for port in [Port::Backend, Port::Enrolment, Port::Router, Port::Modules] {
            self.look_soon(port, 2);
        }
    }

    /// Looks at the orchestrator soon, because something changed. Load balancers give no such hint.
    pub(super) fn hint(&mut self) {
        self.look_soon(Port::Backend, 20);
    }

    /// Looks at a port within `wait` milliseconds.
    pub(super) fn look_soon(&mut self, port: Port, wait: u64) {
        let capabilities = &self.setup.capabilities;
        let there = match port {
            Port::Backend => true,
            Port::Enrolment => capabilities.enrolment.is_some(),
            Port::Router => capabilities.router.is_some(),
            Port::Modules => capabilities.abilities.contains(&Ability::Modules),
            Port::Hooks => false,
        };
        if !there || self.engine.is_none() {
            return;
        }
        let at = self.world.now() + wait;
        let due = &mut self.looks.due[port as usize];
        if due.is_none_or(|due| at < due) {
            *due = Some(at);
            self.queue.push(at, Job::Look(port, at));
        }
    }

    /// Takes a snapshot, if it is still due.
    pub(super) fn look(&mut self, port: Port, at: u64) {
        if self.looks.due[port as usize] != Some(at) || self.engine.is_none() {
            return;
        }
        self.looks.due[port as usize] = None;
        let sight = self.faults.observation(self.world.now(), &port);
        self.note_strikes();
        let observation = match port {
            Port::Backend => Observation::Inventory(self.world.inventory()),
            Port::Enrolment => Observation::Enrolments(self.world.enrolments()),
            Port::Router => Observation::Route(self.world.route_in_force()),
            Port::Modules => Observation::Modules(self.world.modules_in_force()),
            Port::Hooks => return,
        };
        let seen = Seen {
            port,
            life: self.life,
            observation: (!sight.fails).then_some(observation),
            taken: self.world.now(),
        };
        let last = &mut self.looks.arrived[port as usize];
        let arrives = (self.world.now() + sight.lag).max(*last);
        *last = arrives;
        if arrives == self.world.now() {
            self.seen(seen);
        } else {
            self.queue.push(arrives, Job::Seen(Box::new(seen)));
        }
        self.look_soon(port, self.setting.poll);
    }

    /// Lets a snapshot reach the engine.
    pub(super) fn seen(&mut self, sight: Seen) {
        if sight.life != self.life || self.engine.is_none() {
            return;
        }
        let Some(observation) = sight.observation else {
            let why = String::new();
            return self.feed(Event::Unobserved { port: sight.port, why });
        };
        if matches!(observation, Observation::Inventory(_)) {
            self.looks.shown = sight.taken;
        }
        let step = self.steps + 1;
        self.show_recoveries(&observation, sight.taken, step);
        for harm in self.world.harms_mut() {
            if harm.known.is_some() || sight.taken < harm.at {
                continue;
            }
            let shown = match &observation {
                Observation::Inventory(inventory) if !harm.enrolment => {
                    inventory.instances.get(&harm.instance).is_none_or(|one| {
                        one.state != InstanceState::Running || one.healthy == Some(false)
                    })
                }
                Observation::Enrolments(enrolments) if harm.enrolment => {
                    !enrolments.instances.contains_key(&harm.instance)
                }
                Observation::Inventory(_)
                | Observation::Enrolments(_)
                | Observation::Route(_)
                | Observation::Modules(_) => false,
            };
            if shown {
                harm.known = Some(step);
            }
        }
        self.feed(Event::Observed(observation));
    }

    /// Notes which recoveries, and which instances that serve by themselves, a snapshot shows.
    fn show_recoveries(&mut self, observation: &Observation, taken: u64, step: u64) {
        let Observation::Inventory(inventory) = observation else {
            return;
        };
        if self.world.keeps_pods() {
            let well = inventory.instances.iter().filter(|(_, one)| one.healthy == Some(true));
            self.world.show_pods(step, taken, well.map(|(name, _)| name));
        }
        for harm in self.world.harms_mut() {
            if harm.enrolment || harm.shown_well || harm.healed.is_none_or(|at| taken < at) {
                continue;
            }
            harm.shown_well = inventory.instances.get(&harm.instance).is_some_and(|one| {
                one.state == InstanceState::Running && one.healthy != Some(false)
            });
            if harm.shown_well && self.probes.agrees(&harm.instance) {
                harm.known_over.get_or_insert(step);
            }
        }
    }
}
