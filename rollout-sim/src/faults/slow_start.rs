//! Slow start: an instance takes far longer than usual to answer, or never does.

use super::{Fault, rate};
use crate::{random::Stream, world::Life};

struct SlowStart {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(SlowStart { rate: rate(stream, 400_000), stream: stream.clone() })
}

impl Fault for SlowStart {
    fn life(&mut self, life: &mut Life) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        let longer = self.stream.magnitude(500, 60_000);
        let never = self.stream.hits(50_000);
        life.serves_after = life.serves_after.map(|after| after + longer).filter(|_| !never);
        true
    }
}
