//! Engine crash: at any point of carrying out a step, and in between.

use rollout_core::engine::Step;

use super::{CrashPoint, Deed, Fault, Scene, rate};
use crate::random::Stream;

struct EngineCrash {
    stream: Stream,
    rate: u64,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(EngineCrash {
        rate: rate(stream, 60_000),
        mean: stream.magnitude(4000, 120_000),
        stream: stream.clone(),
    })
}

impl Fault for EngineCrash {
    fn crash(&mut self, step: &Step) -> Option<CrashPoint> {
        if !self.stream.hits(self.rate) {
            return None;
        }
        let attempts = self.stream.below(step.actions.len() as u64 + 1);
        Some(match self.stream.below(3) {
            0 => CrashPoint::BeforeAppend,
            1 => CrashPoint::BeforeCommit,
            _ => CrashPoint::AfterAttempts(usize::try_from(attempts).unwrap_or_default()),
        })
    }

    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        scene.deeds.push(Deed::Crash);
        true
    }
}
