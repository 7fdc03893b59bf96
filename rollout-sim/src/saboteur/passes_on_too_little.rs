//! Passes the gate of a metric as soon as its stage is reached.

use rollout_core::{
    engine::{Change, Step},
    plan::StageGate,
};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct PassesOnTooLittle;

impl Saboteur for PassesOnTooLittle {
    fn name(&self) -> &'static str {
        "passes a metric's gate on no value"
    }

    fn caught_by(&self) -> &'static str {
        "G2 enough evidence"
    }

    fn step(&mut self, step: &mut Step, _: &World, ledger: &Ledger) {
        let (Some(stage), Some(now)) = (ledger.stage, ledger.stage_now()) else { return };
        let gate = now.gates.get(ledger.passed);
        let is_due = ledger.reached && ledger.end.is_none() && ledger.aborted.is_none();
        if !is_due || !matches!(gate, Some(StageGate::Metric(_))) {
            return;
        }
        let Some(mut record) = step.records.first().cloned() else { return };
        record.change = Change::Passed { stage, gate: ledger.passed, by: None, why: None };
        step.records.insert(0, record);
    }
}
