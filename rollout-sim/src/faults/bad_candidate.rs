//! Bad candidate: the new revision is broken, in one of the ways that revisions are.

use super::Fault;
use crate::{random::Stream, world::Truth};

struct BadCandidate(Stream);

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(BadCandidate(stream.clone()))
}

impl Fault for BadCandidate {
    fn truth(&mut self, truth: &mut Truth) -> bool {
        let after = self.0.magnitude(100, 20_000);
        *truth = match self.0.below(5) {
            0 => Truth::NeverReady,
            1 => Truth::CrashesAtStart { after: after.min(3000) },
            2 => Truth::UnreadyAfter { after },
            3 => Truth::CrashesAfter { after },
            _ => Truth::Errors { parts: self.0.magnitude(1000, 500_000) },
        };
        true
    }
}
