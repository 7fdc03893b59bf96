//! Lost answer: an attempt ends without one; its effect has happened, or has not.

use super::{Answer, Fate, Fault, rate};
use crate::random::Stream;

struct LostAnswer {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(LostAnswer { rate: rate(stream, 300_000), stream: stream.clone() })
}

impl Fault for LostAnswer {
    fn attempt(&mut self, fate: &mut Fate) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        fate.arrives &= self.stream.hits(500_000);
        fate.answer = Answer::Lost(self.stream.between(100, 3000));
        true
    }
}
