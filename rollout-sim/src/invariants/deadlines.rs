//! D2: time in which a rollout is paused or halted counts for no deadline.

use rollout_core::{
    engine::{Cause, Change},
    time::{Span, Timestamp},
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// Clocks that stand still while the rollout is stopped.
#[derive(Default)]
pub(super) struct Deadlines {
    /// When the record before was made.
    last: Timestamp,
    /// Time since the attempt began, and since a stage or an instance brought it further.
    whole: Span,
    standing: Span,
}

impl Invariant for Deadlines {
    fn name(&self) -> &'static str {
        "D2 paused time"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let passed = record.at.since(self.last);
        self.last = record.at;
        if !moment.ledger.paused && !moment.ledger.halted {
            (self.whole, self.standing) = (self.whole.plus(passed), self.standing.plus(passed));
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "deadlines hang on these records only")]
        match &record.change {
            Change::Submitted { .. } => (self.whole, self.standing) = (Span::ZERO, Span::ZERO),
            Change::Progressed { .. } | Change::Entered { .. } => self.standing = Span::ZERO,
            Change::Aborted { cause } => return self.is_due(moment, cause),
            _ => {}
        }
        Ok(())
    }
}

impl Deadlines {
    fn is_due(&self, moment: &Moment<'_>, cause: &Cause) -> Result<(), Broken> {
        let Some(limits) = moment.ledger.spec.as_ref().map(|spec| &spec.deadlines) else {
            return Ok(());
        };
        let (limit, ran) = match cause {
            Cause::NoProgress { .. } => (Some(limits.progress), self.standing),
            Cause::TooLong => (limits.total, self.whole),
            Cause::Ordered { .. }
            | Cause::Failures { .. }
            | Cause::NotApproved
            | Cause::Metric { .. }
            | Cause::Hook { .. }
            | Cause::Superseded { .. }
            // One of a newer engine.
            | _ => return Ok(()),
        };
        require(limit.is_some_and(|limit| limit <= ran), || {
            format!("{cause}: after {ran} that were not paused; the limit is {limit:?}")
        })
    }
}
