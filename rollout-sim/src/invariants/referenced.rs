//! P6 Referenced is untouchable: nothing that serves and is sent requests is stopped, removed or cut off.

use rollout_core::engine::Effect;

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Referenced;

impl Invariant for Referenced {
    fn name(&self) -> &'static str {
        "P6 referenced is untouchable"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Landed]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let takes = matches!(
            landing.action.effect,
            Effect::Stop { .. } | Effect::Remove { .. } | Effect::Detach { .. }
        );
        let used = landing.target.is_some_and(|target| target.served && target.in_traffic);
        require(!(takes && used && landing.receipt.effective), || {
            format!("{} while requests are sent to it", landing.action)
        })
    }
}
