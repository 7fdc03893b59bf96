//! Tells of a history without the stable revision.

use rollout_core::engine::Status;

use super::Saboteur;

pub(super) struct ForgetsHistory;

impl Saboteur for ForgetsHistory {
    fn name(&self) -> &'static str {
        "drops the stable revision from the history"
    }

    fn caught_by(&self) -> &'static str {
        "R11 history keeps stable"
    }

    fn tell(&mut self, status: &mut Status) {
        let stable = status.stable.clone();
        status.history.retain(|proven| Some(&proven.revision) != stable.as_ref());
    }
}
