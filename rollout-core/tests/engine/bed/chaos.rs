//! Everything that can go wrong, drawn from a seed: lost answers, pods that die or stop answering, crashes of
//! the engine, a way back.

use rollout_core::engine::OrderKind;

use super::{Bed, Controller};

/// A small generator of numbers, the same in every run.
struct Draws(u64);

impl Draws {
    fn one_in(&mut self, odds: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33).is_multiple_of(odds)
    }
}

impl<C: Controller> Bed<C> {
    /// From 4 pods of v1 to v2, whatever happens on the way: nobody is cut, and in the end all serve again.
    pub(crate) fn survives(&mut self, seed: u64) {
        let mut draws = Draws(seed * 977 + 11);
        self.submit("v2", 4);
        for _ in 0..60 {
            self.tick();
            self.suffers(&mut draws, seed);
        }
        self.lost.clear();
        let end = self.run();
        let revision = if end == "completed" { "v2" } else { "v1" };
        self.assert_all_on(revision, 4);
    }

    fn suffers(&mut self, draws: &mut Draws, seed: u64) {
        if draws.one_in(6) {
            let applied = draws.one_in(2);
            self.lost.push(applied);
        }
        if draws.one_in(12) {
            let name = self.pods.keys().nth((seed % 3) as usize).cloned();
            name.map(|name| self.pods.remove(&name));
        }
        if draws.one_in(10)
            && let Some(pod) = self.pods.values_mut().nth((seed % 4) as usize)
        {
            pod.ready = false;
        }
        if draws.one_in(40) {
            self.restart();
        }
        if draws.one_in(50) && self.engine.end().is_none() {
            self.order(OrderKind::Abort);
        }
    }
}
