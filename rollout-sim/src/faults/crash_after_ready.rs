//! Crash after ready: an instance that serves ends, exit 0 included.

use super::{Deed, Fault, Scene, victim};
use crate::random::Stream;

struct CrashAfterReady {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(CrashAfterReady { mean: stream.magnitude(3000, 120_000), stream: stream.clone() })
}

impl Fault for CrashAfterReady {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let Some(instance) = victim(&mut self.stream, scene.world) else {
            return false;
        };
        let code = self.stream.pick(&[0, 1, 137, 139]);
        scene.deeds.push(Deed::Kill { instance, code });
        true
    }
}
