//! C3: action numbers are never reused, and each is settled at most once.

use rollout_core::engine::Change;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct ActionIds;

impl Invariant for ActionIds {
    fn name(&self) -> &'static str {
        "C3 action ids"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let intents = &moment.ledger.intents;
        if let Change::Intended { id, effect } = &record.change {
            let newest = intents.last_key_value().map(|(newest, _)| *newest);
            return require(newest.is_none_or(|newest| newest < *id), || {
                format!("{id} {effect} is not above every number before")
            });
        }
        if let Change::Settled { id, .. } = &record.change {
            let open = intents.get(id).is_some_and(|(_, settled)| !settled);
            return require(open, || format!("{id} was settled without being open"));
        }
        Ok(())
    }
}
