//! Modules of others: somebody else restores what a stage needs degraded, or degrades it late, or anything.

use std::collections::BTreeSet;

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct OthersModules {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(OthersModules { mean: stream.magnitude(2000, 40_000), stream: stream.clone() })
}

impl Fault for OthersModules {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let modules = scene.ledger.spec.iter().flat_map(|spec| &spec.modules);
        let chosen: BTreeSet<String> = modules
            .filter(|_| self.stream.hits(500_000))
            .map(|module| module.name.clone())
            .collect();
        let differs = scene.world.modules().others != chosen;
        scene.deeds.push(Deed::Degrade(chosen));
        differs
    }
}
