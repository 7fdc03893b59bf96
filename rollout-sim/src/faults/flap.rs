//! Readiness flap: an instance that serves stops answering for a while.

use super::{Deed, Fault, Scene, victim};
use crate::random::Stream;

struct Flap {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Flap { mean: stream.magnitude(2000, 60_000), stream: stream.clone() })
}

impl Fault for Flap {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let Some(instance) = victim(&mut self.stream, scene.world) else {
            return false;
        };
        let length = self.stream.magnitude(50, 15_000);
        scene.deeds.push(Deed::Unready { instance, length });
        true
    }
}
