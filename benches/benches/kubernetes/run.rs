//! Run: a load on a place while something is rolled out there, and what became of it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use rollout_live::{
    bed::Image,
    load::{Load, LoadPlan, Report},
    place::{Place, REPLICAS},
};
use tokio::time::sleep;

use crate::Failure;

/// Requests of each rollout, at least: 20 s.
const REQUESTS: u64 = 8_000;
/// Those before it.
const BEFORE: u64 = 400;
/// How long pods take to be gone, at most.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// Length of a bucket of a report.
const BUCKET: Duration = Duration::from_millis(100);

/// A load while something is rolled out.
pub(crate) struct Run {
    load: Load,
    started: Instant,
    begun: Instant,
}

/// What became of it.
pub(crate) struct Told {
    alone: Duration,
    told: Duration,
    gone: Duration,
    report: Report,
}

impl Run {
    /// Starts the load; what is measured begins now.
    pub(crate) async fn start(place: &Place) -> Result<Self, Failure> {
        let started = Instant::now();
        let load = Load::start(place.addr(), LoadPlan::strangers())?;
        load.reached(BEFORE).await;
        Ok(Self { load, started, begun: Instant::now() })
    }

    /// What is measured begins now, and not before.
    pub(crate) fn begins(&mut self) {
        self.begun = Instant::now();
    }

    /// Waits until so many requests were answered.
    pub(crate) async fn answered(&self, requests: u64) {
        self.load.reached(requests).await;
    }

    /// It is done: waits until no other pod is left than those wanted. `goes` is the version that went.
    pub(crate) async fn told(self, place: &Place, goes: Image) -> Result<Told, Failure> {
        let told = self.begun.elapsed();
        let gone = loop {
            let pods = place.kubectl(["get", "pods", "-o", "name"])?;
            let gone = self.begun.elapsed();
            if pods.lines().count() as u64 == REPLICAS || GONE_WITHIN < gone {
                break gone;
            }
            sleep(BUCKET).await;
        };
        self.load.reached(REQUESTS).await;
        let report = self.load.stop_and_finish().await;
        let answers = |version: &str| {
            report.timeline.iter().rposition(|bucket| bucket.versions.contains_key(version))
        };
        let last = answers(goes.version()).map_or(0, |last| last + 1);
        let last = BUCKET * u32::try_from(last)?;
        let alone = (self.started + last).saturating_duration_since(self.begun);
        Ok(Told { alone, told, gone, report })
    }
}

impl Told {
    /// What its columns are.
    pub(crate) const TITLE: &'static str = "   alone     told     gone   requests";
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [alone, told, gone] = [self.alone, self.told, self.gone].map(|it| it.as_secs_f64());
        let Report { all, latency, .. } = &self.report;
        write!(f, "{alone:>6.1} s {told:>6.1} s {gone:>6.1} s   ")?;
        write!(f, "{} failed of {}, p99 {:.0} ms", all.failed, all.sent(), latency.p99.as_millis())
    }
}
