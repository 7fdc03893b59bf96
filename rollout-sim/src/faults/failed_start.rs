//! Failed start: the process ends before it ever answers.

use super::{Fault, rate};
use crate::{random::Stream, world::Life};

struct FailedStart {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(FailedStart { rate: rate(stream, 200_000), stream: stream.clone() })
}

impl Fault for FailedStart {
    fn life(&mut self, life: &mut Life) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        life.serves_after = None;
        life.crashes_after = Some(self.stream.below(1500));
        life.exit_code = self.stream.pick(&[0, 1, 137]);
        true
    }
}
