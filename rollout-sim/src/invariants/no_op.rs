//! R5: an order that is repeated changes nothing.

use super::{Broken, Happened, Invariant, Kind, Moment, Question, require};

pub(super) struct NoOp;

impl Invariant for NoOp {
    fn name(&self) -> &'static str {
        "R5 repeated order"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Repeated]
    }

    fn asks(&self) -> Option<Question> {
        Some(Question::Repeat)
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Repeated { order, step } = moment.happened else {
            return Ok(());
        };
        require(step.records.is_empty() && step.actions.is_empty(), || {
            let records: Vec<_> = step.records.iter().map(|it| it.change.to_string()).collect();
            let records = records.join(", ");
            format!("{order:?}, given twice, came to more the second time: {records}")
        })
    }
}
