//! Calls the candidate proven as soon as the first stage is entered.

use rollout_core::engine::{Change, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

#[derive(Default)]
pub(super) struct ProvesEarly {
    done: bool,
}

impl Saboteur for ProvesEarly {
    fn name(&self) -> &'static str {
        "proves the candidate before its gates"
    }

    fn caught_by(&self) -> &'static str {
        "R1 stable pointer"
    }

    fn step(&mut self, step: &mut Step, _: &World, ledger: &Ledger) {
        let Some(candidate) = &ledger.candidate else {
            return;
        };
        if ledger.first || ledger.end.is_some() || self.done {
            return;
        }
        let Some(record) = step.records.first() else {
            return;
        };
        let mut record = record.clone();
        record.change = Change::Proven { revision: candidate.clone() };
        step.records.push(record);
        self.done = true;
    }
}
