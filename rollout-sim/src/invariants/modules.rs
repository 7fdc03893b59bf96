//! A1: a module that must be available is never degraded, and a stage moves nothing before the modules it
//! asks for are degraded.

use rollout_core::engine::{Change, Effect};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Modules;

impl Invariant for Modules {
    fn name(&self) -> &'static str {
        "A1 what must be available is available"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Ordered, Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let ledger = moment.ledger;
        match moment.happened {
            Happened::Ordered(action) => {
                let (Effect::Modules(setting), Some(spec)) = (&action.effect, &ledger.spec) else {
                    return Ok(());
                };
                let mut must = spec.modules.iter().filter(|module| module.must_be_available);
                let taken = must.find(|module| setting.degraded.contains(&module.name));
                require(taken.is_none(), || format!("{action}, and {taken:?} must be available"))
            }
            Happened::Recorded(record) => {
                let moves = matches!(record.change, Change::Reached { .. });
                let Some(stage) = ledger.stage_now().filter(|_| moves) else {
                    return Ok(());
                };
                let setting = &moment.world.modules().setting;
                let missing =
                    stage.modules.degrade.iter().find(|it| !setting.degraded.contains(*it));
                require(missing.is_none(), || {
                    format!("stage {} was reached, and {missing:?} is not degraded", stage.name)
                })
            }
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Landed(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}
