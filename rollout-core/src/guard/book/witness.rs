//! What the guard learns from facts: snapshots, probe answers, outcomes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Answers, Book, Place};
use crate::{
    ascending::Ascending,
    engine::{
        Effect, EnrolState, Event, InstanceSeen, InstanceState, Inventory, Observation, Outcome,
        ProbeKind,
    },
    id::{ActionId, InstanceId, Mark},
    port::Making,
    time::Timestamp,
};

impl Book {
    /// Takes note of a fact that came in at `now`.
    pub(in crate::guard) fn witness(&mut self, now: Timestamp, event: &Event) {
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
        let answers = self.answers.or_default(instance);
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
        if let Effect::Scale { revision, .. } = effect {
            self.sized_from.insert(revision.clone(), mark);
        }
    }

    fn observed(&mut self, observation: &Observation) {
        match observation {
            Observation::Inventory(inventory) => {
                // Counts that are older than those seen last say nothing of now.
                if self.pools_at <= inventory.mark {
                    self.counted(inventory);
                }
                let mut shown = Ascending::new(&inventory.instances);
                for (instance, entry) in self.entries.iter_mut() {
                    let seen = shown.get(instance);
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
                let mut shown = Ascending::new(&enrolments.instances);
                for (instance, entry) in self.entries.iter_mut() {
                    let is_quiet = shown.get(instance).is_none_or(|seen| {
                        seen.state == EnrolState::Draining && seen.in_flight == Some(0)
                    });
                    entry.quiet_at = is_quiet.then_some(enrolments.mark);
                }
            }
            Observation::Route(seen) => self.in_force.clone_from(&seen.route),
            Observation::Modules(_) => {}
        }
    }

    /// Counts, and instances of a backend that makes them by itself.
    fn counted(&mut self, inventory: &Inventory) {
        self.pools_at = inventory.mark;
        self.pools.clone_from(&inventory.pools);
        // What was acknowledged and is shown needs no memory: another size is somebody else's doing.
        let is_shown = |from: &Mark| *from <= inventory.mark;
        let sized_from = &self.sized_from;
        self.sizes.retain(|pool, _| !sized_from.get(pool).is_some_and(is_shown));
        self.sized_from.retain(|_, from| !is_shown(from));
        let instances = &inventory.instances;
        match self.making() {
            Making::ByName => {}
            Making::ByCount => self.not_ready = Arc::new(not_ready(instances)),
            Making::InPlace { .. } => {
                self.not_ready = Arc::new(not_ready(instances));
                let place = |(instance, seen): (&InstanceId, &InstanceSeen)| {
                    let answers =
                        seen.state == InstanceState::Running && seen.healthy == Some(true);
                    let (revision, rank) = (seen.revision.clone(), seen.rank);
                    (instance.clone(), Place { revision, rank, answers })
                };
                self.places = Arc::new(instances.iter().map(place).collect());
            }
        }
    }
}

fn not_ready(instances: &BTreeMap<InstanceId, InstanceSeen>) -> BTreeSet<InstanceId> {
    let out = instances.iter().filter(|(_, seen)| seen.healthy != Some(true));
    out.map(|(instance, _)| instance.clone()).collect()
}
