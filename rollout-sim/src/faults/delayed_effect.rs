//! Delayed effect: the attempt is given up, and its effect comes later, maybe after newer ones.

use super::{Answer, Fate, Fault, rate};
use crate::random::Stream;

struct DelayedEffect {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(DelayedEffect { rate: rate(stream, 150_000), stream: stream.clone() })
}

impl Fault for DelayedEffect {
    fn attempt(&mut self, fate: &mut Fate) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        fate.there += self.stream.magnitude(500, 30_000);
        fate.answer = Answer::Lost(self.stream.between(100, 2000));
        true
    }
}
