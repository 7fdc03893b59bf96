//! Node lost: a node dies with every instance on it, and does not come back.

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct NodeLost {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(NodeLost { mean: stream.magnitude(4000, 90_000), stream: stream.clone() })
}

impl Fault for NodeLost {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let living = scene.world.living_nodes();
        // Somewhere there must be room.
        if living.len() < 2 {
            return false;
        }
        scene.deeds.push(Deed::LoseNode(self.stream.pick(&living)));
        true
    }
}
