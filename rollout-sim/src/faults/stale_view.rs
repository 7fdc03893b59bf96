//! Stale view: an observation shows an older moment, with the mark of then. Those of one port keep their
//! order.

use super::{Fault, Sight, rate};
use crate::random::Stream;

struct StaleView {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(StaleView { rate: rate(stream, 600_000), stream: stream.clone() })
}

impl Fault for StaleView {
    fn observation(&mut self, sight: &mut Sight) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        sight.lag += self.stream.magnitude(50, 10_000);
        true
    }
}
