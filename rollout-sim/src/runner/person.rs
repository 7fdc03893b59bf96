//! The person beside a run: submits the revisions, and helps on a rollout that waits for somebody.
//!
//! In: what the journal says. Out: orders. Absent: orders that a fault gives in between.

use std::sync::Arc;

use rollout_core::{
    engine::{OrderKind, Revision, WaitReason},
    id::RevisionId,
};
use serde_json::Value;

use super::{Run, queue::Job};
use crate::setting::revision;

/// A rollout that was resumed so often in vain is aborted.
const RESUMES_MAX: u32 = 6;

impl Run<'_> {
    /// Submits a revision, again and again until the journal shows it.
    pub(super) fn submit(&mut self, name: &'static str) {
        let id = revision(name);
        if self.ledger.heard.contains(&id) {
            return;
        }
        if name == "v2" {
            let truth = self.truth.unwrap_or_else(|| self.faults.truth(&id));
            self.world.set_truth(id.clone(), truth);
            self.note_strikes();
        }
        let spec = Arc::clone(&self.setting.spec);
        let revision = whole(id);
        self.order(OrderKind::Submit { revision, spec });
        self.queue.push(self.world.now() + 1000, Job::Submit(name));
    }

    /// Helps a rollout on that waits for a person, once the faults are off.
    pub(super) fn help(&mut self) {
        if self.ended_at.is_none() {
            let is_stopped = self.ledger.paused && !self.ledger.frozen;
            if is_stopped || self.ledger.halted {
                self.resumed += 1;
                self.order(if self.resumed.is_multiple_of(RESUMES_MAX) {
                    OrderKind::Abort
                } else {
                    OrderKind::Resume
                });
            } else if self.awaits_approval() {
                self.order(OrderKind::Promote { all: false, gate: None });
            }
        }
        self.queue.push(self.world.now() + 10_000, Job::Help);
    }

    /// Whether a gate waits for a person.
    pub(super) fn awaits_approval(&self) -> bool {
        let now = self.told();
        let waits = self.engine.as_ref().map(|engine| engine.waits(now)).unwrap_or_default();
        waits.iter().any(|wait| matches!(wait.reason, WaitReason::Approval { .. }))
    }
}

/// A revision with a template of its own.
pub(super) fn whole(id: RevisionId) -> Arc<Revision> {
    let template = Value::String(id.to_string());
    Arc::new(Revision { id, template })
}
