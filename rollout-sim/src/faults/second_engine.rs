//! Second engine: another one takes over, and the one before, which nobody has told, goes on beside it for a
//! while.

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct SecondEngine {
    stream: Stream,
    mean: u64,
    length: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(SecondEngine {
        mean: stream.magnitude(4000, 90_000),
        length: stream.magnitude(500, 60_000),
        stream: stream.clone(),
    })
}

impl Fault for SecondEngine {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let length = self.stream.wait(self.length).max(1);
        scene.deeds.push(Deed::TakeOver { length });
        true
    }
}
