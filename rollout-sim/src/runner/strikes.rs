//! Strikes of the faults that come by the clock.
//!
//! In: a fault whose time has come. Out: what it does to the world, its orders, a crash. Absent: which
//! faults there are.

use rollout_core::engine::OrderKind;

use super::{Run, queue::Job};
use crate::faults::Scene;

impl Run<'_> {
    /// Lets a fault strike by the clock.
    pub(super) fn strike(&mut self, place: usize) {
        let (mut orders, mut crash) = (Vec::new(), false);
        let mark = self.world.mark();
        let mut scene = Scene {
            world: &mut self.world,
            ledger: &self.ledger,
            orders: &mut orders,
            crash: &mut crash,
        };
        if let Some(wait) = self.faults.strike(place, &mut scene) {
            let at = self.world.now() + wait.max(1);
            self.queue.push(at, Job::Strike(place));
        }
        self.note_strikes();
        if mark != self.world.mark() {
            self.transcript.say(self.world.now(), "a fault strikes the world");
            self.changed();
        }
        for order in orders {
            if let OrderKind::Submit { revision, .. } = &order {
                let truth = self.faults.truth();
                self.world.set_truth(revision.id.clone(), truth);
            }
            self.order(order);
        }
        if crash {
            self.crash();
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
