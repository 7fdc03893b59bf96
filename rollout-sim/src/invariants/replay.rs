//! C2: an engine made from the journal stands where the one before stood.

use rollout_core::engine::Status;

use super::{Broken, Happened, Invariant, Kind, Moment, Question, require};

pub(super) struct Replay;

impl Invariant for Replay {
    fn name(&self) -> &'static str {
        "C2 replay"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Replayed]
    }

    fn asks(&self) -> Option<Question> {
        Some(Question::Replay)
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let Happened::Replayed(live, again) = moment.happened else {
            return Ok(());
        };
        let (live, again) = (lasting(live), lasting(again));
        require(live == again, || format!("{live:?} was replayed as {again:?}"))
    }
}

/// The part of a status that does not come from observations.
fn lasting(status: &Status) -> Status {
    let mut status = status.clone();
    status.waits.clear();
    status.eta = None;
    status.pools.retain(|pool| pool.target != 0);
    for pool in &mut status.pools {
        pool.created = 0;
        pool.ready = 0;
        pool.available = 0;
        pool.terminating = 0;
    }
    status
}
