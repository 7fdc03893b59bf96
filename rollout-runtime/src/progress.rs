//! What an embedder is told while a rollout runs: records as they became durable, and notes.

use std::sync::Arc;

use futures_util::{Stream, stream};
use rollout_core::{
    engine::{Note, Record},
    id::Seq,
    time::Timestamp,
};
use tokio::sync::broadcast;

/// Something that happened in a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A record became durable. It may hold a template: show it by its `Display`.
    Recorded {
        /// Its number in the journal.
        seq: Seq,
        /// The record.
        record: Arc<Record>,
    },
    /// Something a person may want to know.
    Noted {
        /// When.
        at: Timestamp,
        /// What.
        note: Note,
    },
    /// The listener was too slow; so many messages were dropped. The journal has the records.
    Missed {
        /// That many.
        count: u64,
    },
}

/// Listens to the progress of one workload, from the moment it was made.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Progress>,
}

impl Subscription {
    pub(crate) const fn new(receiver: broadcast::Receiver<Progress>) -> Self {
        Self { receiver }
    }

    /// Waits for the next message; `None` once the driver has stopped and all was heard.
    pub async fn next(&mut self) -> Option<Progress> {
        match self.receiver.recv().await {
            Ok(progress) => Some(progress),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Progress::Missed { count }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The messages as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Progress> + Send {
        stream::unfold(self, |mut subscription| async move {
            let progress = subscription.next().await?;
            Some((progress, subscription))
        })
    }
}
