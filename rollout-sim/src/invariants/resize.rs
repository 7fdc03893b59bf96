//! P8: another number of desired instances in mid-rollout neither restarts nor skips anything, and is the
//! number that counts from then on. That floor and ceiling hold with it P1 and P3 see for themselves.

use rollout_core::engine::{Change, Purpose};

use super::{Broken, Happened, Invariant, Kind, Moment, require};

pub(super) struct Resize;

impl Invariant for Resize {
    fn name(&self) -> &'static str {
        "P8 resize in mid-rollout"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded]
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Recorded(record) = moment.happened else {
            return Ok(());
        };
        let Change::Resized { spec, plan, stage, .. } = &record.change else {
            return Ok(());
        };
        let ledger = moment.ledger;
        require(ledger.end.is_none(), || "it was resized after its end".to_owned())?;
        require(plan.desired == spec.replicas, || {
            format!("the plan is for {}, the spec for {}", plan.desired, spec.replicas)
        })?;
        let before = ledger.stage.unwrap_or_default();
        if ledger.aborted.is_some() {
            return Ok(()); // On the way back no stage is under way.
        }
        let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
        let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
        let Some(after) = plan.stages.get(*stage) else {
            return require(false, || format!("stage {stage} is not in the plan"));
        };
        // Where the plan for the new number has no such stage, an earlier one is walked again.
        let name = names.get(before).copied().unwrap_or_default();
        let is_there = plan.stages.iter().any(|stage| stage.name == name);
        let was = names.iter().position(|name| *name == after.name);
        let stays = if is_there { was == Some(before) } else { was < Some(before) };
        // Nothing to speak of is on trial where there is no instance, or nothing to go back to.
        let is_trial = !ledger.first && !ledger.proven && ledger.candidate != ledger.stable;
        let is_idle = ledger.desired() == 0 || (plan.desired == 0 && !is_trial);
        let walked = ledger.stage.is_none() || stays || is_idle;
        require(walked, || format!("it went from stage {before} ({name}) to {}", after.name))?;
        // A restart has no evidence of its own, and another number may part it into other stages.
        let is_trial = is_trial && ledger.purpose == Purpose::Move;
        let proves = stages.get(before).is_some_and(|stage| stage.proves);
        require(!after.proves || proves || !is_trial, || {
            format!("it went from stage {before} ({name}) to {}, which proves", after.name)
        })
    }
}
