//! D1 and L6: while a rollout is under way and nothing is done, something is named that is waited for, with
//! its numbers, and until when, unless only a person or the calendar ends it.

use rollout_core::engine::{Phase, Wait, WaitReason};

use super::{Broken, Happened, Invariant, Kind, Moment, Question, require};

pub(super) struct WaitsNamed;

impl Invariant for WaitsNamed {
    fn name(&self) -> &'static str {
        "D1 every wait named"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Waiting]
    }

    fn asks(&self) -> Option<Question> {
        Some(Question::Waits)
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Waiting(waits) = moment.happened else {
            return Ok(());
        };
        let (phase, is_paused) = (moment.ledger.phase(), moment.ledger.paused);
        if matches!(phase, Phase::Idle | Phase::Ended) {
            return Ok(());
        }
        require(!waits.is_empty(), || {
            format!("nothing is done while {phase}, and no wait is named")
        })?;
        let endless = waits.iter().find(|wait| wait.until.is_none() && !is_without_limit(wait));
        // While it is paused what is kept waits for nothing but the order to go on.
        require(endless.is_none() || is_paused, || {
            let reason = endless.map(|wait| wait.reason.to_string()).unwrap_or_default();
            format!("there is no limit to the wait for {reason}")
        })
    }
}

/// Whether only somebody outside ends the wait: a person, a calendar, or who hides what is to be seen.
fn is_without_limit(wait: &Wait) -> bool {
    match &wait.reason {
        WaitReason::Unclaimed
        | WaitReason::Idle
        | WaitReason::Ended { .. }
        | WaitReason::Observation { .. }
        | WaitReason::Approval { .. }
        | WaitReason::Closed { .. }
        | WaitReason::Window { .. }
        | WaitReason::Halted { .. }
        | WaitReason::Paused { .. } => true,
        WaitReason::Instances { .. }
        | WaitReason::Ceiling { .. }
        | WaitReason::Floor { .. }
        | WaitReason::Draining { .. }
        | WaitReason::BatchDelay
        | WaitReason::Route { .. }
        | WaitReason::Hold { .. }
        | WaitReason::Health { .. }
        | WaitReason::Metric { .. }
        | WaitReason::Hook { .. }
        | WaitReason::Modules { .. }
        | WaitReason::KeptFailed { .. }
        | WaitReason::Verifying { .. }
        | WaitReason::Retry { .. }
        | WaitReason::Answer { .. }
        | WaitReason::Sight { .. }
        | WaitReason::Vetoed { .. }
        // One of a newer engine.
        | _ => false,
    }
}
