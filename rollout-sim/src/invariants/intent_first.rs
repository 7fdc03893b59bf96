//! C4: the intent is durable before its effect is attempted, and still open.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct IntentFirst;

impl Invariant for IntentFirst {
    fn name(&self) -> &'static str {
        "C4 intent first"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Ordered(action) = moment.happened else {
            return Ok(());
        };
        let intent = moment.ledger.intents.get(&action.id);
        let open = intent.is_some_and(|(effect, settled)| *effect == action.effect && !settled);
        require(open, || format!("{action} was ordered; the journal holds {intent:?}"))?;
        let epoch = moment.ledger.epoch;
        require(action.epoch == epoch, || {
            format!("{action} was ordered in {}, the reign is {epoch}", action.epoch)
        })
    }
}
