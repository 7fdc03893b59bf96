//! How the driver goes about its work. No option changes a decision of the engine.

use std::num::NonZeroUsize;

use rollout_core::{
    engine::{Effect, Tuning},
    time::Span,
};

/// How the driver goes about its work; every default stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether another owner of the workload is pushed aside. Default: no.
    pub take_over: bool,
    /// Most attempts under way at once at each port. Default: 4.
    pub max_in_flight: NonZeroUsize,
    /// Longest wait for the end of one attempt; then nobody knows what came of it. Default: 30 s.
    pub attempt_deadline: Span,
    /// What a stop gets beyond its grace. Default: 10 s.
    pub stop_margin: Span,
    /// Longest wait for one observation, for how a hook stands, for the reading of a metric, or for the answer
    /// to a claim. Default: 10 s.
    pub observe_deadline: Span,
    /// Time between two observations of a port while the rollout moves, and between two questions how a hook
    /// stands. Default: 500 ms.
    pub poll_moving: Span,
    /// The same while nothing is under way. Default: 5 s.
    pub poll_ended: Span,
    /// The same for the load balancer while instances drain, so that drains end soon. Default: 25 ms.
    pub poll_draining: Span,
    /// Shortest time between the starts of two observations of one port. Default: 10 ms.
    pub observe_gap: Span,
    /// Time between two observations of the backend and of enrolments, where the backend's hints tell every
    /// change of both: then a hint is a reason to look at both, and nothing else is. Default: `None`, for hints
    /// may be lost, or be about the backend alone.
    pub poll_hinted: Option<Span>,
    /// How long a fact may wait for others to be decided with while attempts are under way: 2 ms for each of them,
    /// this at most. So many outcomes make one decision, one append and one write to each pool; an order waits for
    /// nothing. Default: 250 ms.
    pub gather: Span,
    /// How long records may wait for others to become durable with, where no action, no answer and no end of a
    /// rollout depends on them. A crash in between is a crash before they were decided. Default: not at all.
    pub linger: Span,
    /// Records that a journal grows by until its older part is folded into a snapshot, once the rollout has
    /// ended; four times as many while one is under way. The last rollout stays readable record by record, but
    /// for more than four times as many records. Default: 1,024.
    pub compact_after: NonZeroUsize,
    /// Longest wait for attempts under way when told to shut down. Default: 2 s.
    pub shutdown_grace: Span,
    /// Messages that a listener to the progress may lag behind; further ones are dropped for it, and it is told how
    /// many. They take their room from the start. Default: 1,024.
    pub progress_kept: NonZeroUsize,
    /// Wait before the first new start after the journal failed; doubled each time. Default: 200 ms.
    pub restart_first: Span,
    /// New starts in a row before the driver gives up on its journal. Default: 5.
    pub restarts_max: u32,
    /// Limits of the engine itself.
    pub tuning: Tuning,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            take_over: false,
            max_in_flight: NonZeroUsize::new(4).expect("four is not zero"),
            attempt_deadline: Span::from_secs(30),
            stop_margin: Span::from_secs(10),
            observe_deadline: Span::from_secs(10),
            poll_moving: Span::from_millis(500),
            poll_ended: Span::from_secs(5),
            poll_draining: Span::from_millis(25),
            observe_gap: Span::from_millis(10),
            poll_hinted: None,
            gather: Span::from_millis(250),
            linger: Span::ZERO,
            compact_after: NonZeroUsize::new(1024).expect("it is not zero"),
            shutdown_grace: Span::from_secs(2),
            progress_kept: NonZeroUsize::new(1024).expect("it is not zero"),
            restart_first: Span::from_millis(200),
            restarts_max: 5,
            tuning: Tuning::default(),
        }
    }
}

impl Options {
    /// Longest wait for the end of one attempt at `effect`.
    pub(crate) fn deadline_of(&self, effect: &Effect) -> Span {
        match effect {
            Effect::Stop { grace, .. } => grace.plus(self.stop_margin),
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Enrol { .. }
            | Effect::Drain { .. }
            | Effect::Detach { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => self.attempt_deadline,
        }
    }
}
