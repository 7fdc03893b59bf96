//! Halt: the kill switch, and some time later the order to go on.

use rollout_core::engine::OrderKind;

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct Halt {
    stream: Stream,
    mean: u64,
    length: u64,
    is_on: bool,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Halt {
        mean: stream.magnitude(4000, 90_000),
        length: stream.magnitude(200, 30_000),
        is_on: false,
        stream: stream.clone(),
    })
}

impl Fault for Halt {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(if self.is_on { self.length } else { self.mean }))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let order = if self.is_on { OrderKind::Resume } else { OrderKind::Halt };
        // Given twice, it changes nothing.
        if self.stream.hits(100_000) {
            scene.deeds.push(Deed::Order(order.clone()));
        }
        scene.deeds.push(Deed::Order(order));
        self.is_on = !self.is_on;
        true
    }
}
