//! A backend that makes instances by name, behind a load balancer that takes them in and out of traffic:
//! every instance goes its whole way, from create to remove.

use std::collections::{BTreeMap, BTreeSet};

use rollout_core::{
    engine::{
        Action, Effect, EnrolState, Enrolled, Enrolments, InstanceSeen, InstanceState, Inventory,
        Observation,
    },
    id::{InstanceId, Mark},
    port::{Capabilities, Confirmation, Making},
    spec::Counting,
};

use crate::{drive::World, point::Times};

/// One instance and when its orchestrator calls it healthy.
#[derive(Clone, Debug)]
struct Made {
    seen: InstanceSeen,
    healthy_at: Option<u64>,
}

/// Instances by name, and what the load balancer knows of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    instances: BTreeMap<InstanceId, Made>,
    /// Enrolled instances; those that drain, with the time from which nothing is in flight.
    enrolled: BTreeMap<InstanceId, Option<u64>>,
    due: BTreeSet<u64>,
    now: u64,
    started: u64,
    gone: u64,
}

impl Named {
    fn start(&mut self, instance: &InstanceId, times: &Times) {
        let healthy_at = self.now + times.start(self.started);
        self.started += 1;
        self.due.insert(healthy_at);
        let made = self.instances.get_mut(instance).expect("it was created");
        made.seen.state = InstanceState::Running;
        made.seen.address = Some([10, 0, 0, 1].into());
        made.healthy_at = Some(healthy_at);
        self.look();
    }

    fn drain(&mut self, instance: &InstanceId, times: &Times) {
        let quiet_at = self.now + times.drain(self.gone);
        self.gone += 1;
        self.due.insert(quiet_at);
        self.enrolled.insert(instance.clone(), Some(quiet_at));
    }

    /// Brings up to date who is healthy.
    fn look(&mut self) {
        for made in self.instances.values_mut() {
            made.seen.healthy = made.healthy_at.map(|at| at <= self.now);
        }
    }
}

impl World for Named {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            making: Making::ByName,
            counting: Counting::Strict,
            enrolment: Some(Confirmation::Observed),
            router: None,
            abilities: BTreeSet::new(),
        }
    }

    fn apply(&mut self, now: u64, action: &Action, times: &Times) {
        self.now = now;
        match &action.effect {
            Effect::Create { instance, revision } => {
                let seen = InstanceSeen {
                    revision: revision.clone(),
                    state: InstanceState::Created,
                    address: None,
                    healthy: None,
                    restarts: 0,
                    rank: None,
                };
                self.instances.insert(instance.clone(), Made { seen, healthy_at: None });
            }
            Effect::Start { instance } => self.start(instance, times),
            Effect::Enrol { instance, .. } => drop(self.enrolled.insert(instance.clone(), None)),
            Effect::Drain { instance } => self.drain(instance, times),
            Effect::Detach { instance } => drop(self.enrolled.remove(instance)),
            Effect::Stop { instance, .. } => {
                let made = self.instances.get_mut(instance).expect("it was created");
                made.seen.state = InstanceState::Exited { code: 0, detail: String::new() };
            }
            Effect::Remove { instance } => drop(self.instances.remove(instance)),
            Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {
                panic!("{action} on a backend by name")
            }
        }
    }

    fn observe(&self, mark: Mark) -> Vec<Observation> {
        let instances = self.instances.iter().map(|(id, made)| (id.clone(), made.seen.clone()));
        let inventory = Inventory { mark, instances: instances.collect(), ..Inventory::default() };
        let enrolled = |quiet_at: &Option<u64>| match quiet_at {
            None => Enrolled { state: EnrolState::In, in_flight: Some(1) },
            Some(at) => {
                Enrolled { state: EnrolState::Draining, in_flight: Some(u64::from(self.now < *at)) }
            }
        };
        let instances = self.enrolled.iter().map(|(id, quiet)| (id.clone(), enrolled(quiet)));
        let enrolments = Enrolments { mark, instances: instances.collect() };
        vec![Observation::Inventory(inventory), Observation::Enrolments(enrolments)]
    }

    fn next(&self) -> Option<u64> {
        self.due.range(self.now + 1..).next().copied()
    }

    fn advance(&mut self, now: u64) {
        self.now = now;
        self.due = self.due.split_off(&(now + 1));
        self.look();
    }

    fn available(&self, revision: &str) -> u64 {
        let is_in = |instance: &InstanceId| matches!(self.enrolled.get(instance), Some(None));
        let serves = |(instance, made): &(&InstanceId, &Made)| {
            made.seen.revision.as_str() == revision && is_in(instance)
        };
        self.instances.iter().filter(serves).count() as u64
    }

    fn count_from_here(&mut self) {
        (self.started, self.gone) = (0, 0);
    }
}
