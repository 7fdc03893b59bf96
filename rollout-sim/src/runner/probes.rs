//! Probes: run at the periods of the spec, for the instances that the engine names.

use rollout_core::{
    engine::{Event, ProbeKind},
    id::InstanceId,
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
    wanted: bool,
    alive: bool,
}

/// Every probe of a run.
#[derive(Debug, Default)]
pub(super) struct Probes {
    slots: Vec<Slot>,
    live: Vec<usize>,
}

impl Slot {
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
    /// Whether no readiness probe calls the instance unready.
    pub(super) fn agrees(&self, instance: &InstanceId) -> bool {
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
    }
}

impl Run<'_> {
    /// Starts the probes that the engine wants now, and ends the others.
    pub(super) fn schedule_probes(&mut self) {
        let Some(engine) = &self.engine else {
            return;
        };
        let now = self.world.now();
        let probes = &mut self.probes;
        for slot in &probes.live {
            probes.slots[*slot].wanted = false;
        }
        for target in engine.probe_targets() {
            let health = target.health;
            let due = if target.started {
                [
                    (ProbeKind::Readiness, health.readiness.as_ref()),
                    (ProbeKind::Liveness, health.liveness.as_ref()),
                ]
            } else {
                [(ProbeKind::Startup, health.startup.as_ref()), (ProbeKind::Startup, None)]
            };
            for (kind, probe) in due {
                let Some(probe) = probe else {
                    continue;
                };
                let known = probes.live.iter().copied().find(|slot| {
                    let slot = &probes.slots[*slot];
                    slot.kind == kind && slot.instance == *target.instance
                });
                if let Some(slot) = known {
                    probes.slots[slot].wanted = true;
                    continue;
                }
                let slot = probes.slots.len();
                probes.live.push(slot);
                probes.slots.push(Slot {
                    instance: target.instance.clone(),
                    kind,
                    period: probe.period.as_millis().max(1),
                    thresholds: (probe.failure_threshold, probe.success_threshold),
                    failures: 0,
                    successes: 0,
                    ready: None,
                    wanted: true,
                    alive: true,
                });
                let first = now + probe.initial_delay.as_millis();
                self.queue.push(first, Job::Probe(slot));
            }
        }
        let slots = &mut probes.slots;
        probes.live.retain(|slot| {
            let slot = &mut slots[*slot];
            slot.alive = slot.wanted;
            slot.wanted
        });
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
