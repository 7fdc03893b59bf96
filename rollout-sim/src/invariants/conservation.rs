//! T1 Conservation: every route shares out exactly 100 %, or declares downtime where the plan does.

use rollout_core::engine::{Effect, Route, Shares};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Conservation;

impl Invariant for Conservation {
    fn name(&self) -> &'static str {
        "T1 conservation"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Ordered(action) = moment.happened else {
            return Ok(());
        };
        match &action.effect {
            Effect::Route(Route::Weighted(Shares { weights, .. })) => {
                let sum: u64 = weights.values().map(|weight| weight.basis_points()).sum();
                require(sum == 10_000, || format!("{action} shares out {sum} basis points"))
            }
            Effect::Route(Route::Empty) => {
                let declared = moment.ledger.declares_downtime() || moment.ledger.stable.is_none();
                require(declared, || format!("{action}, and the plan declares no downtime"))
            }
            Effect::Route(Route::ByReplicas)
            | Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => Ok(()),
        }
    }
}
