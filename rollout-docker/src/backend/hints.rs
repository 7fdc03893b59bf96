//! Hints that something changed: Docker's events, filtered where they arise.
//!
//! Docker keeps 256 events and health checks fill them within seconds, so nothing is ever replayed. A
//! stream that ends is opened again, and that alone is a hint.

use std::{collections::HashMap, time::Duration};

use bollard::{Docker, query_parameters::EventsOptionsBuilder};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use rollout_core::id::WorkloadId;

use super::labels;

/// Kinds of events that change what an observation shows; checks and execs are noise.
const KINDS: [&str; 6] = ["create", "start", "die", "oom", "destroy", "health_status"];

/// Shortest and longest pause before a stream is opened again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Where the stream of hints stands.
struct Listening {
    docker: Docker,
    workload: WorkloadId,
    events: Option<BoxStream<'static, bool>>,
    pause: Duration,
}

/// An endless stream of hints about `workload`.
pub(super) fn listen(docker: Docker, workload: WorkloadId) -> BoxStream<'static, ()> {
    let start = Listening { docker, workload, events: None, pause: Duration::ZERO };
    stream::unfold(start, |mut listening| async move {
        listening.next().await;
        Some(((), listening))
    })
    .boxed()
}

impl Listening {
    /// Returns when there is a hint.
    async fn next(&mut self) {
        while let Some(events) = &mut self.events {
            if let Some(true) = events.next().await {
                self.pause = Duration::ZERO;
                return;
            }
            self.events = None;
            self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
        }
        tokio::time::sleep(self.pause).await;
        // What happened while nobody listened is a hint as well.
        self.events = Some(self.open());
    }

    /// Opens the stream: true for an event, false for an error.
    fn open(&self) -> BoxStream<'static, bool> {
        let docker = self.docker.clone();
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("label", labels::filter(&self.workload)),
            ("event", KINDS.map(str::to_owned).to_vec()),
        ]);
        let options = EventsOptionsBuilder::default().filters(&filters).build();
        stream::once(async move { docker.events(Some(options)).boxed() })
            .flatten()
            .map(|event| event.is_ok())
            .boxed()
    }
}
