//! Metrics, read when they are due: one reading under way per place.
//!
//! In: the engine's measurements after every step. Out: [`Event::Measured`]. A reading that takes too long, and
//! one whose adapter panicked, is an error. Absent: what a reading means.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{Event, Measurement, MetricPlace},
    id::{Attempt, WorkloadId},
    judge::Reading,
    port::MetricQuery,
    time::{Span, Timestamp},
};

use super::{questions::Questions, tasks::PANICKED};
use crate::{clock::ReignTime, options::Options, ports::Ports, telemetry};

/// What a reading is for. What counts from another time on is another question.
type Place = (Attempt, MetricPlace, Timestamp);

/// The readings of one reign. Dropping it cancels them.
pub(super) struct Measures {
    workload: WorkloadId,
    ports: Ports,
    time: ReignTime,
    options: Options,
    queries: BTreeMap<Place, MetricQuery>,
    questions: Questions<Place, Reading>,
}

impl Measures {
    /// Nothing to read yet.
    pub(super) fn new(
        workload: WorkloadId,
        ports: Ports,
        time: ReignTime,
        options: Options,
    ) -> Self {
        let (queries, questions) = (BTreeMap::new(), Questions::new());
        Self { workload, ports, time, options, queries, questions }
    }

    /// Keeps exactly `measurements`; a reading for any other is dropped.
    pub(super) fn reconcile<'a>(
        &mut self,
        measurements: impl IntoIterator<Item = Measurement<'a>>,
    ) {
        let mut before = std::mem::take(&mut self.queries);
        let mut due = Vec::new();
        for measurement in measurements {
            let place = (measurement.attempt, measurement.place, measurement.since);
            let query = before.remove(&place).unwrap_or_else(|| self.query(&measurement));
            self.queries.insert(place, query);
            due.push((place, measurement.due));
        }
        self.questions.reconcile(due);
    }

    fn query(&self, measurement: &Measurement<'_>) -> MetricQuery {
        MetricQuery {
            workload: self.workload.clone(),
            metric: measurement.metric.clone(),
            candidate: measurement.candidate.clone(),
            stable: measurement.stable.cloned(),
            since: measurement.since,
        }
    }

    /// Reads what is due and returns when the next one is.
    pub(super) fn start_due(&mut self) -> Option<Timestamp> {
        let (now, gap, limit) =
            (self.time.now(), self.options.observe_gap, self.options.observe_deadline);
        self.questions.start_due(now, gap, |place| {
            let query = self.queries.get(place).expect("every question has its query");
            measure(self.ports.clone(), self.time.clone(), limit, query.clone())
        })
    }

    /// Waits for the next reading; for ever if none is under way.
    pub(super) async fn next(&mut self) -> Event {
        let (key, reading) = self.questions.next().await;
        let reading = reading.unwrap_or_else(|| Reading::Error(PANICKED.to_owned()));
        let query = self.queries.get(&key).expect("every question has its query");
        telemetry::measured(&query.metric.name, &reading);
        let (attempt, place, _) = key;
        Event::Measured { attempt, place, reading }
    }
}

async fn measure(ports: Ports, time: ReignTime, limit: Span, query: MetricQuery) -> Reading {
    let Some(metrics) = &ports.metrics else {
        return Reading::Error("no source of metrics was given".to_owned());
    };
    let reading = time.within(limit, metrics.measure(&query)).await;
    reading.unwrap_or_else(|| Reading::Error(format!("no answer within {limit}")))
}
