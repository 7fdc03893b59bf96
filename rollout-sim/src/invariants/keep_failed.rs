//! R12: a failed candidate that is kept for inspection gets nothing, and is gone when its time is over.

use rollout_core::{
    engine::{End, Route},
    time::Span,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

/// Time that tidying up may take beyond the time the candidate is kept, drains aside.
const SLACK: Span = Span::from_secs(60);

pub(super) struct KeepFailed;

impl Invariant for KeepFailed {
    fn name(&self) -> &'static str {
        "R12 kept candidates get nothing and go"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Stepped]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let ledger = moment.ledger;
        let (Some(End::RolledBack), Happened::Stepped { quiet, .. }) =
            (&ledger.end, moment.happened)
        else {
            return Ok(());
        };
        let (Some(candidate), Some(spec)) = (&ledger.candidate, &ledger.spec) else {
            return Ok(());
        };
        if ledger.stable.as_ref() == Some(candidate) || ledger.halted {
            return Ok(());
        }
        if let Some(route @ Route::Weighted(_)) = moment.world.route() {
            let weight = route.weight_of(candidate).unwrap_or_default();
            require(weight.is_zero() && !route.sends_beside(candidate), || {
                format!("after the end the route is {route}")
            })?;
        }
        let over = ledger
            .ended
            .after(spec.rollback.keep_failed)
            .after(spec.drain.deadline)
            .after(spec.drain.stop_grace)
            .after(SLACK);
        let left = moment.tally.of(candidate).map_or(0, |one| one.existing);
        require(!quiet || left == 0 || moment.now < over.0, || {
            let late = moment.now.saturating_sub(over.0);
            format!("{left} instances of {candidate} are left; they had to be gone {late} ms ago")
        })
    }
}
