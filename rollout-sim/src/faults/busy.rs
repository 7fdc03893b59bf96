//! Refused busy: the orchestrator says to come back later.

use super::{Answer, Fate, Fault, rate};
use crate::random::Stream;

struct Busy {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Busy { rate: rate(stream, 400_000), stream: stream.clone() })
}

impl Fault for Busy {
    fn attempt(&mut self, fate: &mut Fate) -> bool {
        if !self.stream.hits(self.rate) || fate.answer != Answer::Honest {
            return false;
        }
        fate.arrives = false;
        fate.answer = Answer::Busy;
        true
    }
}
