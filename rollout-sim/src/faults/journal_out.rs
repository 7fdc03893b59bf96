//! Journal out: the store of the journal fails every append for a while. Some of them are kept all the same.

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct JournalOut {
    stream: Stream,
    mean: u64,
    length: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(JournalOut {
        mean: stream.magnitude(4000, 90_000),
        length: stream.magnitude(20, 10_000),
        stream: stream.clone(),
    })
}

impl Fault for JournalOut {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let length = self.stream.wait(self.length).max(1);
        scene.deeds.push(Deed::StopJournal { length });
        true
    }
}
