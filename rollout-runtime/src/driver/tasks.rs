//! Calls to adapters under way, each with the subject it is about.
//!
//! In: calls. Out: what each of them answered, or that its adapter panicked. Absent: when to call, and what
//! an answer means.

use std::collections::HashMap;

use tokio::task::{self, AbortHandle, JoinError, JoinSet};

/// What is said of a call whose adapter panicked.
pub(super) const PANICKED: &str = "the adapter panicked";

/// Calls under way. Dropping it cancels them.
pub(super) struct Tasks<K, T> {
    running: JoinSet<T>,
    subjects: HashMap<task::Id, K>,
}

/// A call that has ended.
pub(super) struct Ended<K, T> {
    /// Its number.
    pub(super) id: task::Id,
    /// What it was about.
    pub(super) subject: K,
    /// Its answer; `None`: its adapter panicked, or it was cancelled.
    pub(super) answer: Option<T>,
}

impl<K, T: Send + 'static> Tasks<K, T> {
    /// No call yet.
    pub(super) fn new() -> Self {
        Self { running: JoinSet::new(), subjects: HashMap::new() }
    }

    /// Begins a call.
    pub(super) fn begin(
        &mut self,
        subject: K,
        call: impl Future<Output = T> + Send + 'static,
    ) -> AbortHandle {
        let task = self.running.spawn(call);
        self.subjects.insert(task.id(), subject);
        task
    }

    /// Waits for the next call to end; for ever if none is under way.
    pub(super) async fn next(&mut self) -> Ended<K, T> {
        // Safe to drop: the set keeps what has ended until it is returned.
        match self.running.join_next_with_id().await {
            Some(ended) => self.ended(ended),
            None => std::future::pending().await,
        }
    }

    /// Waits until every call has ended; what they answer is lost.
    pub(super) async fn finish(&mut self) {
        while self.running.join_next_with_id().await.is_some() {}
        self.subjects.clear();
    }

    fn ended(&mut self, ended: Result<(task::Id, T), JoinError>) -> Ended<K, T> {
        let (id, answer) = match ended {
            Ok((id, answer)) => (id, Some(answer)),
            Err(error) => (error.id(), None),
        };
        let subject = self.subjects.remove(&id).expect("every call has its subject");
        Ended { id, subject, answer }
    }
}
