//! P3 Ceiling: never more than N + S live instances; draining ones count in strict mode only.

use rollout_core::engine::Effect;

use super::{Broken, Happened, Invariant, Moment, require};
use crate::world::Pool;

pub(super) struct Ceiling;

impl Invariant for Ceiling {
    fn name(&self) -> &'static str {
        "P3 ceiling"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Landed(landing) = moment.happened else {
            return Ok(());
        };
        let makes = matches!(landing.action.effect, Effect::Create { .. } | Effect::Scale { .. });
        if !makes || !landing.receipt.effective || moment.tally.live() <= moment.before.live() {
            return Ok(());
        }
        let told_to_go = || {
            let retired = moment.ledger.retired.keys();
            let seen = retired.filter_map(|name| moment.world.instance(name));
            let by_name = seen.filter(|instance| instance.is_live()).count() as u64;
            by_name + moment.world.pools().values().map(Pool::leaving).sum::<u64>()
        };
        let leaving = if landing.terms.strict { 0 } else { told_to_go() };
        let (live, ceiling) = (moment.tally.live() - leaving, landing.terms.most(moment.ledger));
        require(live <= ceiling, || {
            format!("{} makes {live} live instances; the ceiling is {ceiling}", landing.action)
        })
    }
}
