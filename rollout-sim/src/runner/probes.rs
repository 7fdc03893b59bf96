//! Probes: run at the periods of the spec, for the instances that the engine names.

use std::{cmp::Ordering, collections::BTreeSet};

use rollout_core::{
    engine::{Event, ProbeKind, ProbeTarget},
    id::InstanceId,
    spec::Probe,
};

use super::{Job, Run};

/// One probe of one instance.
#[derive(Debug)]
struct Slot {
    instance: InstanceId,
    kind: ProbeKind,
    period: u64,
    /// Failures, and successes, in a row that count.
    thresholds: (u32, u32),
    failures: u32,
    successes: u32,
    /// What the answers in a row make of the instance.
    ready: Option<bool>,
    alive: bool,
}

/// Every probe of a run.
#[derive(Debug, Default)]
pub(super) struct Probes {
    slots: Vec<Slot>,
    /// Instances that a readiness probe called unready when it was ended.
    unready: BTreeSet<InstanceId>,
    /// Those that are run now, in the order of names and kinds.
    live: Vec<usize>,
}

/// The probes of an instance that are due, in the order of their kinds.
fn wanted<'a>(target: &ProbeTarget<'a>) -> [(ProbeKind, Option<&'a Probe>); 2] {
    let health = target.health;
    if target.started {
        [
            (ProbeKind::Readiness, health.readiness.as_ref()),
            (ProbeKind::Liveness, health.liveness.as_ref()),
        ]
    } else {
        [(ProbeKind::Startup, health.startup.as_ref()), (ProbeKind::Startup, None)]
    }
}

impl Slot {
    fn new(instance: &InstanceId, kind: ProbeKind, probe: &Probe) -> Self {
        Self {
            instance: instance.clone(),
            kind,
            period: probe.period.as_millis().max(1),
            thresholds: (probe.failure_threshold, probe.success_threshold),
            failures: 0,
            successes: 0,
            ready: None,
            alive: true,
        }
    }

    /// Whether it comes before the probe of this kind of an instance, is it, or comes after it.
    fn order(&self, instance: &InstanceId, kind: ProbeKind) -> Ordering {
        self.instance.cmp(instance).then(self.kind.cmp(&kind))
    }

    fn answer(&mut self, healthy: bool) {
        (self.failures, self.successes) =
            if healthy { (0, self.successes + 1) } else { (self.failures + 1, 0) };
        if self.thresholds.0 <= self.failures {
            self.ready = Some(false);
        } else if self.thresholds.1 <= self.successes {
            self.ready = Some(true);
        }
    }
}

impl Probes {
    /// Whether no readiness probe calls the instance unready, or did when it was ended.
    pub(super) fn agrees(&self, instance: &InstanceId) -> bool {
        if self.unready.contains(instance) {
            return false;
        }
        let mut own = self
            .live
            .iter()
            .map(|slot| &self.slots[*slot])
            .filter(|slot| slot.kind == ProbeKind::Readiness && slot.instance == *instance);
        own.all(|slot| slot.ready != Some(false))
    }

    /// Forgets what an engine held in memory.
    pub(super) fn forget(&mut self) {
        for slot in self.live.drain(..) {
            self.slots[slot].alive = false;
        }
        self.unready.clear();
    }
}

impl Run<'_> {
    /// Starts the probes that the engine wants now, and ends the others.
    pub(super) fn schedule_probes(&mut self) {
        let Some(engine) = &self.engine else {
            return;
        };
        let now = self.world.now();
        let Probes { slots, live, unready } = &mut self.probes;
        let mut ended = Vec::new();
        // Both come in the order of names, and of kinds for each name.
        let mut place = 0;
        for target in engine.probe_targets() {
            for (kind, probe) in wanted(&target) {
                let Some(probe) = probe else {
                    continue;
                };
                let order = |slot: &usize| slots[*slot].order(target.instance, kind);
                let over = live[place..].iter().take_while(|slot| order(slot).is_lt()).count();
                let is_there = live.get(place + over).is_some_and(|slot| order(slot).is_eq());
                ended.extend(live.drain(place..place + over));
                if !is_there {
                    unready.remove(target.instance);
                    live.insert(place, slots.len());
                    self.queue.push(now + probe.initial_delay.as_millis(), Job::Probe(slots.len()));
                    slots.push(Slot::new(target.instance, kind, probe));
                }
                place += 1;
            }
        }
        ended.extend(live.drain(place..));
        // An orchestrator that keeps instances by itself goes on saying how they are.
        let is_last_word = !self.world.keeps_pods();
        for slot in ended {
            let slot = &mut slots[slot];
            slot.alive = false;
            if is_last_word && slot.kind == ProbeKind::Readiness && slot.ready == Some(false) {
                unready.insert(slot.instance.clone());
            }
        }
    }

    /// Runs a probe and tells the engine.
    pub(super) fn probe(&mut self, index: usize) {
        let slot = &mut self.probes.slots[index];
        if !slot.alive {
            return;
        }
        let healthy = self.world.probe(&slot.instance, slot.kind);
        slot.answer(healthy);
        let (instance, probe, period) = (slot.instance.clone(), slot.kind, slot.period);
        let (is_bad, agrees) = (slot.thresholds.0 <= slot.failures, slot.ready == Some(true));
        let step = self.steps + 1;
        // Of instances that a backend keeps by itself, its own word counts.
        let (is_bad, agrees) =
            if self.world.keeps_pods() { (false, true) } else { (is_bad, agrees) };
        for harm in self.world.harms_mut() {
            if harm.instance != instance || harm.enrolment {
                continue;
            }
            if is_bad {
                harm.known.get_or_insert(step);
            }
            if agrees && probe == ProbeKind::Readiness && harm.shown_well {
                harm.known_over.get_or_insert(step);
            }
        }
        self.queue.push(self.world.now() + period, Job::Probe(index));
        self.feed(Event::Probed { instance, probe, healthy, detail: String::new() });
    }
}
