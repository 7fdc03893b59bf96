//! Keeps what it settled from the journal.

use rollout_core::engine::{Change, Record};

use super::Saboteur;

pub(super) struct ForgetsRecord;

impl Saboteur for ForgetsRecord {
    fn name(&self) -> &'static str {
        "forgets to write a record"
    }

    fn caught_by(&self) -> &'static str {
        "C2 replay"
    }

    fn journal(&mut self, journal: &mut Vec<Record>, from: usize) {
        let mut place = 0;
        journal.retain(|record| {
            place += 1;
            place <= from
                || !matches!(record.change, Change::Targeted { .. } | Change::Entered { .. })
        });
    }
}
