//! F2: of several engines one reigns: from its claim on nothing of another one takes effect, and one that was
//! told so orders nothing more.

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct OneReign;

impl Invariant for OneReign {
    fn name(&self) -> &'static str {
        "F2 one reign"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Beside, Kind::Landed, Kind::LandedBeside]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        if let Happened::Beside { action, is_told } = moment.happened {
            return require(!is_told, || {
                format!("{action} was ordered by an engine that knows of another one's reign")
            });
        }
        let (Happened::Landed(landing) | Happened::LandedBeside(landing)) = moment.happened else {
            return Ok(());
        };
        let (own, reigns) = (landing.action.epoch, moment.world.epoch());
        require(!landing.receipt.effective || own == reigns, || {
            format!("{} of {own} took effect in the reign of {reigns}", landing.action)
        })
    }
}
