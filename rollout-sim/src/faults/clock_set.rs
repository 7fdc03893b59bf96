//! Clock set: the machine starts anew, and its clock shows another time: an hour earlier or later at most.

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct ClockSet {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(ClockSet { mean: stream.magnitude(4000, 90_000), stream: stream.clone() })
}

/// Furthest that a clock is set at once, in milliseconds.
const FURTHEST: u64 = 3_600_000;

impl Fault for ClockSet {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let by = self.stream.magnitude(100, FURTHEST).cast_signed();
        let is_back = self.stream.hits(500_000);
        scene.deeds.push(Deed::SetClock { by: if is_back { -by } else { by } });
        true
    }
}
