//! Operator: orders at any time, whether they make sense or not.

use rollout_core::{engine::OrderKind, id::RevisionId};

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct Operator {
    stream: Stream,
    mean: u64,
    submits: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Operator { mean: stream.magnitude(2000, 60_000), submits: 0, stream: stream.clone() })
}

/// Most revisions an operator submits in one run, so that it comes to an end.
const SUBMITS_MAX: u64 = 2;

impl Fault for Operator {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let order = match self.stream.below(10) {
            0..=2 => OrderKind::Pause,
            3..=5 => OrderKind::Resume,
            6 => OrderKind::Promote { all: false, gate: None },
            7 => OrderKind::Promote { all: true, gate: None },
            8 => OrderKind::Abort,
            _ => {
                if scene.ledger.spec.is_none() || SUBMITS_MAX <= self.submits {
                    return false;
                }
                self.submits += 1;
                let name = ["v3", "v4"][usize::try_from(self.submits - 1).unwrap_or_default()];
                let Ok(id) = RevisionId::new(name) else {
                    return false;
                };
                scene.deeds.push(Deed::Submit { revision: id, anew: false });
                return true;
            }
        };
        scene.deeds.push(Deed::Order(order));
        true
    }
}
