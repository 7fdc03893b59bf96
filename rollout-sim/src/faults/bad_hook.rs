//! Bad hook: a run fails, takes longer than anyone waits, or is forgotten by whoever runs it.

use super::{Fault, rate};
use crate::{random::Stream, world::Job};

struct BadHook {
    stream: Stream,
    rate: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(BadHook { rate: rate(stream, 600_000), stream: stream.clone() })
}

impl Fault for BadHook {
    fn job(&mut self, job: &mut Job) -> bool {
        if !self.stream.hits(self.rate) {
            return false;
        }
        match self.stream.below(4) {
            0..=1 => job.fails = true,
            2 => job.ends += self.stream.magnitude(1000, 120_000),
            _ => job.forgotten = true,
        }
        true
    }
}
