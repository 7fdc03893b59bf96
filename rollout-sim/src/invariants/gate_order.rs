//! T4 Monotone between verdicts: a stage is entered only after every gate of the one before has passed,
//! and the candidate's share rises only while the rollout goes forward.
//!
//! On the way back a route in doubt counts as in force: an engine that cannot know whether its last step
//! forward was taken may leave part of it.

use rollout_core::engine::{Change, Effect, Route, Shares};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct GateOrder;

impl Invariant for GateOrder {
    fn name(&self) -> &'static str {
        "T4 weight rises only after the gate"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded, Kind::Ordered]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let ledger = moment.ledger;
        match moment.happened {
            Happened::Recorded(record) => {
                let Change::Entered { stage } = &record.change else {
                    return Ok(());
                };
                if ledger.skips_to.is_some() {
                    return Ok(()); // By order: another promise looks at what was recorded.
                }
                let expected = ledger.stage.map_or(0, |stage| stage + 1);
                require(*stage == expected, || {
                    format!("stage {stage} was entered where {expected} is due")
                })?;
                require(expected == 0 || ledger.gates_passed(), || {
                    format!(
                        "stage {stage} was entered with {} gates of the one before passed (reached: {})",
                        ledger.passed, ledger.reached
                    )
                })
            }
            Happened::Ordered(action) => {
                let (Effect::Route(Route::Weighted(Shares { weights, .. })), Some(candidate)) =
                    (&action.effect, &ledger.candidate)
                else {
                    return Ok(());
                };
                let share = |route: &Route| route.weight_of(candidate);
                let before = ledger.routes_in_doubt.iter().filter(|(id, _)| *id < action.id);
                let in_doubt = before.filter_map(|(_, route)| share(route)).max();
                let in_force = moment.world.route().and_then(share);
                let old = in_force.map(|old| in_doubt.map_or(old, |doubt| doubt.max(old)));
                let new = weights.get(candidate).copied().unwrap_or_default();
                let rises = old.is_some_and(|old| moment.world.is_rise(old, new));
                require(!(rises && ledger.aborted.is_some()), || {
                    format!("{action} raises the candidate's share on the way back")
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
