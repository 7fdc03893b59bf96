//! Which record can follow which: a journal that makes no sense is refused, never guessed at.

use super::{State, Walk};
use crate::{
    engine::record::{Change, Record},
    id::Seq,
};

impl State {
    /// Whether the state of a snapshot can be gone on from; the reason if it cannot.
    fn is_sound(&self) -> Result<(), String> {
        let Some(rollout) = &self.rollout else { return Ok(()) };
        let stages = rollout.plan.stages.len();
        let under_way = match rollout.walk {
            Walk::Moving { stage } | Walk::Gating { stage, .. } => stage.max(rollout.place),
            Walk::Reverting | Walk::Ended(_) => rollout.place,
        };
        if stages <= under_way {
            return Err(format!("a snapshot at stage {under_way} of {stages}"));
        }
        Ok(())
    }

    /// Whether `record` can follow what was applied so far; the reason if it cannot.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most records can follow any other")]
    pub(crate) fn follows(&self, record: &Record) -> Result<(), String> {
        let needs_rollout = matches!(
            record.change,
            Change::Entered { .. }
                | Change::Progressed { .. }
                | Change::BatchEnded
                | Change::Reached { .. }
                | Change::Passed { .. }
                | Change::Skipped { .. }
                | Change::HookEnded { .. }
                | Change::Measured { .. }
                | Change::Resized { .. }
                | Change::Resolved { .. }
                | Change::Restored
                | Change::Proven { .. }
                | Change::Aborted { .. }
        );
        if needs_rollout && self.rollout.is_none() {
            return Err(format!("`{}` without a rollout", record.change));
        }
        match &record.change {
            Change::Snapshot(snapshot) => {
                if self.seq != Seq(0) {
                    return Err(format!("a snapshot after {} records", self.seq.0));
                }
                snapshot.state.is_sound()
            }
            Change::Intended { id, .. } if *id <= self.last_action => {
                Err(format!("{id} is used a second time, the last one was {}", self.last_action))
            }
            Change::Settled { id, .. } if !self.pending.contains_key(id) => {
                Err(format!("{id} is settled and was never intended"))
            }
            Change::Claimed { epoch } if *epoch <= self.epoch => {
                Err(format!("{epoch} follows {}", self.epoch))
            }
            Change::Entered { stage }
                if self.rollout.as_ref().is_some_and(|it| it.plan.stages.len() <= *stage) =>
            {
                Err(format!("stage {stage} is not in the plan"))
            }
            Change::Submitted { plan, .. } | Change::Resized { plan, .. }
                if plan.stages.is_empty() =>
            {
                Err("the plan has no stage".to_owned())
            }
            Change::Resized { plan, stage, .. } if plan.stages.len() <= *stage => {
                Err(format!("stage {stage} is not in the plan"))
            }
            Change::Reached { stage } | Change::Passed { stage, .. }
                if self.rollout.as_ref().is_some_and(|it| it.plan.stages.len() <= *stage) =>
            {
                Err(format!("stage {stage} is not in the plan"))
            }
            _ => Ok(()),
        }
    }
}
