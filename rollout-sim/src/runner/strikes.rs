//! Strikes of the faults that come by the clock.
//!
//! In: a fault whose time has come, or what a script says. Out: what it does to the world, its orders, a
//! crash. Absent: which faults there are.

use std::sync::Arc;

use rollout_core::engine::OrderKind;

use super::{Run, acts::Act, person::whole, queue::Job};
use crate::{faults::Scene, incident::Deed};

impl Run<'_> {
    /// Lets a fault strike by the clock.
    pub(super) fn strike(&mut self, place: usize) {
        let mut deeds = Vec::new();
        let mut scene = Scene { world: &self.world, ledger: &self.ledger, deeds: &mut deeds };
        if let Some(wait) = self.faults.strike(place, &mut scene) {
            let at = self.world.now() + wait.max(1);
            self.queue.push(at, Job::Strike(place));
        }
        self.note_strikes();
        for deed in deeds {
            self.faults.note_deed(self.world.now(), &deed);
            self.perform(deed);
        }
    }

    /// Does what a script says.
    pub(super) fn perform_written(&mut self, place: usize) {
        let Some(deed) = self.faults.deed(place) else {
            return;
        };
        if deed.is_order() && self.act == Act::Calm && self.ledger.end.is_some() {
            // Another rollout has all its time.
            self.calm_at = self.world.now();
        }
        self.perform(deed);
    }

    /// Does what a person or the environment does.
    fn perform(&mut self, deed: Deed) {
        let now = self.world.now();
        if !deed.is_order() {
            self.transcript.say(now, &deed.to_string());
        }
        let mark = self.world.mark();
        match deed {
            Deed::Order(kind) => return self.order(kind),
            Deed::Submit { revision: id, anew } => {
                let truth = self.faults.truth(&id);
                self.world.set_truth(id.clone(), truth);
                let under_way = self.ledger.spec.as_ref().filter(|_| !anew);
                let spec = Arc::clone(under_way.unwrap_or(&self.setting.spec));
                return self.order(OrderKind::Submit { revision: whole(id), spec });
            }
            Deed::Crash => return self.crash(),
            Deed::TakeOver { length } => return self.take_over(length),
            Deed::StopJournal { length } => self.store.stop(now + length),
            Deed::SetClock { by } => {
                self.clock.set(by);
                return self.crash();
            }
            Deed::LoseNode(node) => {
                self.world.lose_node(node);
            }
            Deed::Kill { instance, code } => {
                self.world.kill(&instance, code);
            }
            Deed::Lose(instance) => {
                self.world.lose(&instance);
            }
            Deed::Unready { instance, length } => {
                self.world.make_unready(&instance, length);
            }
            Deed::RestartLoadBalancer => self.world.restart_load_balancer(),
            Deed::Degrade(modules) => self.world.degrade_by_others(modules),
        }
        if mark != self.world.mark() {
            self.changed();
        }
    }

    /// Counts which faults struck in which phase.
    pub(in crate::runner) fn note_strikes(&mut self) {
        let phase = self.ledger.phase();
        for class in self.faults.struck.drain(..) {
            self.coverage.add(class, phase);
        }
    }
}
