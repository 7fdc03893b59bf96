//! Questions to a port, asked again and again: at most one under way per subject, each at its time.
//!
//! In: the subjects that matter, and when each is due. Out: answers about those that still do. Absent: what
//! is asked, and what an answer means.

use std::collections::BTreeMap;

use rollout_core::time::{Span, Timestamp};
use tokio::task::AbortHandle;

use super::tasks::{Ended, Tasks};

/// Shortest time between two questions about one subject, so that no option makes them spin.
const GAP_LEAST: Span = Span::from_millis(1);

/// The questions to one port. Dropping it cancels them.
pub(super) struct Questions<K, A> {
    subjects: BTreeMap<K, Asked>,
    tasks: Tasks<K, A>,
}

/// When one subject is to be asked about.
struct Asked {
    due: Timestamp,
    /// Not before this time, whatever is due.
    not_before: Timestamp,
    under_way: Option<AbortHandle>,
}

impl<K: Ord + Clone, A: Send + 'static> Questions<K, A> {
    /// No subject yet.
    pub(super) fn new() -> Self {
        Self { subjects: BTreeMap::new(), tasks: Tasks::new() }
    }

    /// Keeps exactly `wanted`, each with the time it is due; an answer about any other is dropped.
    pub(super) fn reconcile(&mut self, wanted: impl IntoIterator<Item = (K, Timestamp)>) {
        let mut before = std::mem::take(&mut self.subjects);
        for (subject, due) in wanted {
            let asked = match before.remove(&subject) {
                Some(asked) => Asked { due, ..asked },
                None => Asked { due, not_before: Timestamp(0), under_way: None },
            };
            self.subjects.insert(subject, asked);
        }
        for asked in before.into_values() {
            if let Some(question) = asked.under_way {
                question.abort();
            }
        }
    }

    /// Asks what is due, at most every `gap` about one subject, and returns when the next one is due.
    pub(super) fn start_due<F>(
        &mut self,
        now: Timestamp,
        gap: Span,
        mut question: impl FnMut(&K) -> F,
    ) -> Option<Timestamp>
    where
        F: Future<Output = A> + Send + 'static,
    {
        let mut next: Option<Timestamp> = None;
        for (subject, asked) in &mut self.subjects {
            if asked.under_way.is_some() {
                continue;
            }
            let start = asked.due.max(asked.not_before);
            if now < start {
                next = Some(next.map_or(start, |next| next.min(start)));
                continue;
            }
            // From the start of this one, so that a slow answer does not stretch the pace.
            asked.not_before = now.after(gap.max(GAP_LEAST));
            asked.under_way = Some(self.tasks.begin(subject.clone(), question(subject)));
        }
        next
    }

    /// Waits for the next answer, `None` if the adapter panicked; for ever if no question is under way.
    pub(super) async fn next(&mut self) -> (K, Option<A>) {
        loop {
            let Ended { id, subject, answer } = self.tasks.next().await;
            let Some(asked) = self.subjects.get_mut(&subject) else { continue };
            // One that was closed and opened again has a question of its own.
            if asked.under_way.take_if(|question| question.id() == id).is_some() {
                return (subject, answer);
            }
        }
    }
}
