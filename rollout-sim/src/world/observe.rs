//! Snapshots: what the ports show of the world.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{
        Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory, ProbeKind, RouteInForce,
    },
    id::{InstanceId, RevisionId},
    port::Confirmation,
};

use super::{Condition, Instance, World};

impl World {
    /// Takes a snapshot of every instance that is ours.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        let is_shown = |one: &Instance| {
            // What ends is not shown one by one where instances are kept by count.
            one.exists() && !(self.keeps_pods() && one.condition == Condition::Stopping)
        };
        let existing = self.instances.iter().filter(|(_, one)| is_shown(one));
        let instances: BTreeMap<InstanceId, InstanceSeen> =
            existing.map(|(name, instance)| (name.clone(), self.seen(instance))).collect();
        let shown = |revision: &RevisionId| {
            instances.values().any(|seen| seen.revision == *revision)
                || self.pools.contains_key(revision)
        };
        let revisions = self.revisions.iter();
        Inventory {
            mark: self.mark,
            epoch: self.epoch,
            revisions: revisions
                .filter(|(revision, _)| shown(revision))
                .map(|(_, whole)| Arc::clone(whole))
                .collect(),
            pools: self
                .pools
                .iter()
                .map(|(revision, pool)| {
                    let seen = if self.keeps_pods() {
                        self.pool_seen(revision, pool)
                    } else {
                        pool.seen(self.now, self.config.min_ready)
                    };
                    (revision.clone(), seen)
                })
                .collect(),
            instances,
            division: None,
        }
    }

    fn seen(&self, instance: &Instance) -> InstanceSeen {
        let running = matches!(instance.condition, Condition::Running | Condition::Stopping);
        let state = match instance.condition {
            Condition::Created => InstanceState::Created,
            Condition::Running | Condition::Stopping => InstanceState::Running,
            Condition::Exited { code, .. } => InstanceState::Exited { code, detail: String::new() },
            Condition::Gone => InstanceState::Stuck { detail: String::new() },
        };
        InstanceSeen {
            revision: instance.revision.clone(),
            state,
            address: running.then_some(instance.address),
            healthy: self.config.checks_health.then(|| instance.serves(self.now)),
            restarts: 0,
            rank: None,
        }
    }

    /// Takes a snapshot of every instance that the load balancer knows.
    #[must_use]
    pub fn enrolments(&self) -> Enrolments {
        let says = matches!(self.config.capabilities.enrolment, Some(Confirmation::Observed));
        let known = self.instances.iter().filter_map(|(name, instance)| {
            let enrolled = Enrolled {
                state: instance.server?.state,
                in_flight: says.then(|| self.in_flight(instance)),
            };
            Some((name.clone(), enrolled))
        });
        Enrolments { mark: self.mark, instances: known.collect() }
    }

    /// Takes a snapshot of the route in force.
    #[must_use]
    pub fn route_in_force(&self) -> RouteInForce {
        RouteInForce { mark: self.mark, route: self.route.clone() }
    }

    /// What a probe of an instance sees now.
    #[must_use]
    pub fn probe(&self, name: &InstanceId, probe: ProbeKind) -> bool {
        let Some(instance) = self.instances.get(name) else {
            return false;
        };
        match probe {
            ProbeKind::Startup | ProbeKind::Readiness => instance.accepts(self.now),
            ProbeKind::Liveness => {
                matches!(instance.condition, Condition::Running | Condition::Stopping)
            }
        }
    }
}
