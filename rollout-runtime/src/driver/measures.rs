//! Metrics, read when they are due: one reading under way per place.
//!
//! In: the engine's measurements after every step. Out: [`Event::Measured`]. A reading that takes too long, and
//! one whose adapter panicked, is an error. Absent: what a reading means.

use std::collections::{BTreeMap, HashMap};

use rollout_core::{
    engine::{Event, Measurement, MetricPlace},
    id::{Attempt, WorkloadId},
    judge::Reading,
    port::MetricQuery,
    time::{Span, Timestamp},
};
use tokio::task::{self, AbortHandle, JoinError, JoinSet};

use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// What a reading is for.
type Place = (Attempt, MetricPlace);

/// The readings of one reign. Dropping it cancels them.
pub(super) struct Measures {
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    options: Options,
    wanted: BTreeMap<Place, Wanted>,
    running: JoinSet<Reading>,
    running_places: HashMap<task::Id, Place>,
}

/// When one metric is to be read.
struct Wanted {
    query: MetricQuery,
    due: Timestamp,
    /// Not before this time, whatever is due, so that no metric makes readings spin.
    not_before: Timestamp,
    under_way: Option<AbortHandle>,
}

impl Measures {
    /// Nothing to read yet.
    pub(super) fn new(
        workload: WorkloadId,
        ports: Ports,
        time: ReignTime,
        options: Options,
    ) -> Self {
        Self {
            workload,
            ports,
            time,
            options,
            wanted: BTreeMap::new(),
            running: JoinSet::new(),
            running_places: HashMap::new(),
        }
    }

    /// Keeps exactly `measurements`; a reading for any other is dropped.
    pub(super) fn reconcile<'a>(
        &mut self,
        measurements: impl IntoIterator<Item = Measurement<'a>>,
    ) {
        let mut before = std::mem::take(&mut self.wanted);
        for measurement in measurements {
            let place = (measurement.attempt, measurement.place);
            let wanted = match before.remove(&place) {
                // What counts from another time on is another question.
                Some(wanted) if wanted.query.since == measurement.since => {
                    Wanted { due: measurement.due, ..wanted }
                }
                Some(other) => {
                    other.abort();
                    self.want(&measurement)
                }
                None => self.want(&measurement),
            };
            self.wanted.insert(place, wanted);
        }
        for wanted in before.into_values() {
            wanted.abort();
        }
    }

    fn want(&self, measurement: &Measurement<'_>) -> Wanted {
        let query = MetricQuery {
            workload: self.workload.clone(),
            metric: measurement.metric.clone(),
            candidate: measurement.candidate.clone(),
            stable: measurement.stable.cloned(),
            since: measurement.since,
        };
        Wanted { query, due: measurement.due, not_before: Timestamp(0), under_way: None }
    }

    /// Reads what is due and returns when the next one is.
    pub(super) fn start_due(&mut self) -> Option<Timestamp> {
        let now = self.time.now();
        let mut next: Option<Timestamp> = None;
        for (place, wanted) in &mut self.wanted {
            if wanted.under_way.is_some() {
                continue;
            }
            let start = wanted.due.max(wanted.not_before);
            if now < start {
                next = Some(next.map_or(start, |next| next.min(start)));
                continue;
            }
            wanted.not_before = now.after(self.options.observe_gap.max(Span::from_millis(1)));
            let limit = self.options.observe_deadline;
            let (ports, time) = (self.ports.clone(), self.time.clone());
            let reading = self.running.spawn(measure(ports, time, limit, wanted.query.clone()));
            self.running_places.insert(reading.id(), *place);
            wanted.under_way = Some(reading);
        }
        next
    }

    /// Waits for the next reading; for ever if none is under way.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            // Safe to drop: the set keeps what has ended until it is returned.
            let Some(ended) = self.running.join_next_with_id().await else {
                return std::future::pending().await;
            };
            if let Some(event) = self.ended(ended) {
                return event;
            }
        }
    }

    /// What came back, unless nobody wants to know any more.
    fn ended(&mut self, ended: Result<(task::Id, Reading), JoinError>) -> Option<Event> {
        let (id, reading) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Reading::Error("the adapter panicked".to_owned())),
        };
        let place = self.running_places.remove(&id).expect("every reading has its place");
        let wanted = self.wanted.get_mut(&place)?;
        wanted.under_way.take_if(|reading| reading.id() == id)?;
        telemetry::measured(&wanted.query.metric.name, &reading);
        let (attempt, place) = place;
        Some(Event::Measured { attempt, place, reading })
    }
}

impl Wanted {
    fn abort(&self) {
        if let Some(reading) = &self.under_way {
            reading.abort();
        }
    }
}

async fn measure(ports: Ports, time: ReignTime, limit: Span, query: MetricQuery) -> Reading {
    let Some(metrics) = &ports.metrics else {
        return Reading::Error("no source of metrics was given".to_owned());
    };
    let reading = time.within(limit, metrics.measure(&query)).await;
    reading.unwrap_or_else(|| Reading::Error(format!("no answer within {limit}")))
}
