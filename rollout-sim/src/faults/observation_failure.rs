//! Observation failure: a port does not answer when asked what is.

use super::{Fault, Sight, rate};
use crate::random::Stream;

struct ObservationFailure {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(ObservationFailure { rate: rate(stream, 700_000), stream: stream.clone() })
}

impl Fault for ObservationFailure {
    fn observation(&mut self, sight: &mut Sight) -> bool {
        let fails = self.stream.hits(self.rate);
        sight.fails |= fails;
        fails
    }
}
