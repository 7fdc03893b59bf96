//! Orders: those that are rare, in any phase, whether they make sense or not, some of them twice.

use rollout_core::{
    engine::{OrderKind, Resolution},
    id::RevisionId,
};

use super::{Deed, Fault, Scene};
use crate::{ledger::Ledger, random::Stream};

struct Orders {
    stream: Stream,
    mean: u64,
    begun: u64,
    last: Option<OrderKind>,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(Orders {
        mean: stream.magnitude(2000, 60_000),
        begun: 0,
        last: None,
        stream: stream.clone(),
    })
}

/// Most orders that begin something in one run, so that it comes to an end.
const BEGUN_MAX: u64 = 4;

impl Fault for Orders {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        let repeated = self.last.take().filter(|_| self.stream.hits(200_000));
        let order = repeated.unwrap_or_else(|| draw(&mut self.stream, scene.ledger));
        let begins = matches!(
            order,
            OrderKind::Undo { .. } | OrderKind::Retry | OrderKind::Restart | OrderKind::Resolve(_)
        );
        if begins && BEGUN_MAX <= self.begun {
            return false;
        }
        self.begun += u64::from(begins);
        self.last = Some(order.clone());
        scene.deeds.push(Deed::Order(order));
        true
    }
}

/// An order that is rare.
pub(crate) fn draw(stream: &mut Stream, ledger: &Ledger) -> OrderKind {
    match stream.below(10) {
        0 => OrderKind::Undo { to: None },
        1 => OrderKind::Undo { to: heard(stream, ledger) },
        2..=3 => OrderKind::Retry,
        4..=5 => OrderKind::Restart,
        6 => OrderKind::Resolve(Resolution::GoOn),
        7 => {
            let revision = if stream.hits(500_000) { heard(stream, ledger) } else { None };
            OrderKind::Resolve(Resolution::Adopt { revision })
        }
        _ => OrderKind::Skip { to: stage(stream, ledger) },
    }
}

/// A revision that was ever heard of.
pub(crate) fn heard(stream: &mut Stream, ledger: &Ledger) -> Option<RevisionId> {
    let chosen = usize::try_from(stream.below(ledger.heard.len() as u64)).unwrap_or_default();
    ledger.heard.iter().chain(&ledger.stable).nth(chosen).cloned()
}

/// The name of a stage, ahead or behind, or of none.
fn stage(stream: &mut Stream, ledger: &Ledger) -> String {
    let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
    let chosen = usize::try_from(stream.below(stages.len() as u64 + 1)).unwrap_or_default();
    stages.get(chosen).map_or_else(|| "nowhere".to_owned(), |stage| stage.name.clone())
}
