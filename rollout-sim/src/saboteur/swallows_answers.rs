//! Keeps the answers to routes and drains from the engine.

use rollout_core::engine::{Event, Outcome};

use super::Saboteur;

pub(super) struct SwallowsAnswers;

impl Saboteur for SwallowsAnswers {
    fn name(&self) -> &'static str {
        "swallows answers"
    }

    fn caught_by(&self) -> &'static str {
        "L1 ends"
    }

    fn event(&mut self, event: Event) -> Option<Event> {
        let answer = matches!(event, Event::Attempted { outcome: Outcome::Applied { .. }, .. });
        (!answer).then_some(event)
    }
}
