//! Autoscaler: another number of instances in mid-rollout, sometimes several in a row.

use rollout_core::engine::OrderKind;

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct Autoscaler {
    stream: Stream,
    mean: u64,
    /// Orders that follow soon.
    left: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Autoscaler { mean: stream.magnitude(3000, 60_000), left: 0, stream: stream.clone() })
}

/// Most instances it ever asks for.
pub(crate) const MOST: u64 = 8;

impl Fault for Autoscaler {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(if 0 < self.left { 400 } else { self.mean }))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        self.left = match self.left {
            0 if self.stream.hits(300_000) => self.stream.between(1, 4),
            left => left.saturating_sub(1),
        };
        let replicas = match self.stream.below(24) {
            0 => 0,
            _ => self.stream.between(1, MOST),
        };
        scene.deeds.push(Deed::Order(OrderKind::Resize { replicas }));
        true
    }
}
