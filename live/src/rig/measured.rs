//! What a rollout itself says about its instances: how long each took to start and to go.
//!
//! In: the records and notes of one rollout. Out: its plan and the medians, from which
//! [`predict`] tells how long it had to take. Absent: a clock; the times are the records' own.

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{Change, Effect, Note},
    id::InstanceId,
    plan::{Plan, Prediction, Timing, predict},
    time::{Span, Timestamp},
};
use rollout_runtime::{Progress, Subscription};

/// How long the instances of one rollout took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The plan that was followed.
    pub plan: Arc<Plan>,
    /// Medians. Start: from the intent to create an instance until it is available. Drain: from the
    /// decision that one goes until it is gone.
    pub timing: Timing,
}

impl Measured {
    /// Reads what `heard` has of one rollout, up to its end. `None` if no instance came and went.
    pub async fn read(mut heard: Subscription) -> Option<Self> {
        let mut seen = Seen::default();
        while let Some(told) = heard.next().await {
            if let Progress::Recorded { record, .. } = &told {
                seen.recorded(record.at, &record.change);
            }
            if let Progress::Noted { at, note: Note::Available { .. } } = &told {
                seen.available(*at);
            }
            if let Progress::Noted { note: Note::Ended { .. }, .. } = &told {
                break;
            }
        }
        let timing =
            Timing { start_to_available: median(seen.starts)?, drain: median(seen.drains)? };
        Some(Self { plan: seen.plan?, timing })
    }

    /// How long the plan takes with these times, and the least that its surge and gates allow.
    #[must_use]
    pub fn predict(&self) -> Prediction {
        predict(&self.plan, &self.timing)
    }
}

#[derive(Debug, Default)]
struct Seen {
    plan: Option<Arc<Plan>>,
    /// Intents to create whose instance is not available yet, oldest first.
    created: Vec<Timestamp>,
    retired: BTreeMap<InstanceId, Timestamp>,
    starts: Vec<Span>,
    drains: Vec<Span>,
}

impl Seen {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of the many kinds of records four tell of an instance's time"
    )]
    fn recorded(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::Submitted { plan, .. } => self.plan = Some(Arc::clone(plan)),
            Change::Intended { effect: Effect::Create { .. }, .. } => self.created.push(at),
            Change::Retired { instance } => {
                self.retired.insert(instance.clone(), at);
            }
            Change::Gone { instance } => {
                if let Some(since) = self.retired.remove(instance) {
                    self.drains.push(at.since(since));
                }
            }
            _ => (),
        }
    }

    /// Whichever was created first: equal instances become available in the order they were created.
    fn available(&mut self, at: Timestamp) {
        if !self.created.is_empty() {
            self.starts.push(at.since(self.created.remove(0)));
        }
    }
}

fn median(mut spans: Vec<Span>) -> Option<Span> {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_counts_from_its_intent_until_it_is_available() {
        let created = vec![Timestamp(100), Timestamp(150)];
        let mut seen = Seen { created, ..Seen::default() };
        seen.available(Timestamp(400));
        assert_eq!(seen.starts, [Span::from_millis(300)]);
        assert_eq!(seen.created, [Timestamp(150)]);
    }

    #[test]
    fn the_median_is_a_value_that_was_measured() {
        let spans = [3, 1, 2].map(Span::from_millis).to_vec();
        assert_eq!(median(spans), Some(Span::from_millis(2)));
        assert_eq!(median(Vec::new()), None);
    }
}
