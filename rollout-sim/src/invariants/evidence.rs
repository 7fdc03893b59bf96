//! G6: no stage is left without a record for each of its gates: passed, or promoted, or skipped by somebody
//! who said why. What skips, skips forward, and never beyond the stage that proves the candidate.

use rollout_core::engine::{Change, End};

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::ledger::Ledger;

pub(super) struct Evidence;

impl Invariant for Evidence {
    fn name(&self) -> &'static str {
        "G6 evidence is recorded"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most records leave no stage")]
    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let ledger = moment.ledger;
        match &record.change {
            Change::Passed { stage, gate, .. } => {
                let due = (ledger.stage.unwrap_or_default(), ledger.passed);
                require(ledger.reached && (*stage, *gate) == due, || {
                    format!("gate {gate} of stage {stage} was passed where {due:?} is due")
                })
            }
            Change::Skipped { to, by, why, .. } => {
                require(!by.trim().is_empty() && !why.trim().is_empty(), || {
                    format!("stages up to {to} were skipped, and nobody says who or why")
                })?;
                require(ledger.aborted.is_none(), || {
                    format!("stages up to {to} were skipped on the way back")
                })
            }
            Change::Entered { stage } => match &ledger.skips_to {
                Some(to) => entered_by_order(ledger, *stage, to),
                None => Ok(()), // In order: another promise looks at its gates.
            },
            Change::Ended { end: End::Completed } => require(ledger.gates_passed(), || {
                let stage = ledger.stage;
                format!("it ended complete in stage {stage:?} with {} gates passed", ledger.passed)
            }),
            _ => Ok(()),
        }
    }
}

fn entered_by_order(ledger: &Ledger, stage: usize, to: &str) -> Result<(), Broken> {
    let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
    let named = stages.get(stage).is_some_and(|stage| stage.name == to);
    require(named, || format!("stage {stage} was entered where {to} was ordered"))?;
    let before = ledger.stage.unwrap_or_default();
    require(before < stage, || format!("stage {stage} was skipped to from {before}"))?;
    let beyond = stages.iter().take(stage).any(|stage| stage.proves);
    require(!beyond || ledger.proven, || {
        format!("stage {stage} was skipped to, beyond the one that proves the candidate")
    })
}
