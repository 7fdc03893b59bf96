//! Instance lost: the environment takes an instance away, with everything that told of it.

use super::{Deed, Fault, Scene, victim};
use crate::random::Stream;

struct InstanceLost {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(InstanceLost { mean: stream.magnitude(5000, 120_000), stream: stream.clone() })
}

impl Fault for InstanceLost {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let victim = victim(&mut self.stream, scene.world);
        let deeds = scene.deeds.len();
        scene.deeds.extend(victim.map(Deed::Lose));
        deeds < scene.deeds.len()
    }
}
