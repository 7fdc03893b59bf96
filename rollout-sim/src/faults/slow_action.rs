//! Slow action: an attempt takes long on its way there and back.

use super::{Fate, Fault, rate};
use crate::random::Stream;

struct SlowAction {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(SlowAction { rate: rate(stream, 500_000), stream: stream.clone() })
}

impl Fault for SlowAction {
    fn attempt(&mut self, fate: &mut Fate) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        fate.there += self.stream.magnitude(50, 8000);
        fate.back += self.stream.magnitude(50, 8000);
        true
    }
}
