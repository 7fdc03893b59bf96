//! Report: what became of every request.
//!
//! In: one sample per request. Out: counts by cause and by version, latencies, a timeline.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::answer::Answer;

/// Width of one [`Bucket`] of the timeline.
const BUCKET: Duration = Duration::from_millis(100);

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Failure {
    /// No connection could be opened.
    Connect,
    /// The request could not be sent whole.
    Send,
    /// The connection ended before the answer did.
    Closed,
    /// The connection was reset before the answer ended.
    Reset,
    /// No whole answer within the deadline.
    Timeout,
    /// What came is not HTTP.
    Malformed,
    /// An answer with this status instead of 200.
    Status(u16),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Send => f.write_str("send"),
            Self::Closed => f.write_str("closed"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("timeout"),
            Self::Malformed => f.write_str("malformed"),
            Self::Status(code) => write!(f, "status {code}"),
        }
    }
}

/// Requests that ended one way or the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answered 200.
    pub ok: u64,
    /// Anything else.
    pub failed: u64,
}

impl Tally {
    /// Requests in all.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.ok + self.failed
    }

    fn count(&mut self, failed: bool) {
        *(if failed { &mut self.failed } else { &mut self.ok }) += 1;
    }
}

/// Latencies of all requests, from the moment each was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Median.
    pub p50: Duration,
    /// 99 of 100 are at most this.
    pub p99: Duration,
    /// Longest.
    pub max: Duration,
}

/// The requests that were due within one tenth of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// All of them.
    pub all: Tally,
    /// Those that a server signed, by version.
    pub versions: BTreeMap<String, Tally>,
    /// Failed ones by cause.
    pub failures: BTreeMap<Failure, u64>,
}

/// The requests that one instance signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its version.
    pub version: String,
    /// All of them.
    pub all: Tally,
    /// When the first one failed that did, and when the last one.
    pub spoiled: Option<(Duration, Duration)>,
    /// All that ended in that time.
    pub meanwhile: u64,
}

/// What became of every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// All requests.
    pub all: Tally,
    /// Failed ones by cause.
    pub failures: BTreeMap<Failure, u64>,
    /// Those that a server signed, by version.
    pub versions: BTreeMap<String, Tally>,
    /// Those that a server signed, by its own name.
    pub instances: BTreeMap<String, Instance>,
    /// Latencies.
    pub latency: Latency,
    /// One bucket per tenth of a second, in order, empty ones included.
    pub timeline: Vec<Bucket>,
    /// Connections reopened because the other side had closed them between two requests.
    pub reopened: u64,
    /// From the first request due to the last answer.
    pub took: Duration,
}

/// One request that ended.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    due: Duration,
    latency: Duration,
    version: Option<String>,
    instance: Option<String>,
    pub(super) failure: Option<Failure>,
}

impl Sample {
    /// Judges an answer: anything but 200 failed.
    pub(super) fn new(due: Duration, latency: Duration, answer: Result<Answer, Failure>) -> Self {
        let (version, instance, failure) = match answer {
            Ok(Answer { status: 200, version, instance, .. }) => (version, instance, None),
            Ok(Answer { status, version, instance, .. }) => {
                (version, instance, Some(Failure::Status(status)))
            }
            Err(failure) => (None, None, Some(failure)),
        };
        Self { due, latency, version, instance, failure }
    }

    fn ended(&self) -> Duration {
        self.due + self.latency
    }
}

impl Report {
    /// Adds up samples in any order.
    pub(super) fn new(samples: &[Sample], reopened: u64, took: Duration) -> Self {
        let mut report = Self { reopened, took, ..Self::default() };
        let mut latencies: Vec<Duration> = samples.iter().map(|sample| sample.latency).collect();
        latencies.sort_unstable();
        report.latency = Latency {
            p50: percentile(&latencies, 50),
            p99: percentile(&latencies, 99),
            max: latencies.last().copied().unwrap_or_default(),
        };
        for sample in samples {
            report.add(sample);
        }
        for sample in samples {
            report.count_spoiled(sample);
        }
        report
    }

    /// Share of the requests a server of `version` answered, in percent, rounded down.
    #[must_use]
    pub fn share_of(&self, version: &str) -> u64 {
        let mine = self.versions.get(version).map_or(0, Tally::sent);
        mine.saturating_mul(100) / self.all.sent().max(1)
    }

    /// Share of the requests that a server of `version` answered while it answered any, in percent,
    /// rounded down to whole tenths of a second and whole percent.
    #[must_use]
    pub fn share_while(&self, version: &str) -> u64 {
        let has_some = |bucket: &Bucket| bucket.versions.contains_key(version);
        let Some(first) = self.timeline.iter().position(has_some) else {
            return 0;
        };
        let last = self.timeline.iter().rposition(has_some).unwrap_or(first);
        let while_it_did = &self.timeline[first..=last];
        let all: u64 = while_it_did.iter().map(|bucket| bucket.all.sent()).sum();
        let mine: u64 = while_it_did
            .iter()
            .filter_map(|bucket| bucket.versions.get(version))
            .map(Tally::sent)
            .sum();
        mine.saturating_mul(100) / all.max(1)
    }

    /// When requests failed: tenths of a second since the start in which those that failed were due, with their
    /// causes.
    #[must_use]
    pub fn moments(&self) -> Vec<(Duration, &BTreeMap<Failure, u64>)> {
        (0..)
            .zip(&self.timeline)
            .filter(|(_, bucket)| !bucket.failures.is_empty())
            .map(|(n, bucket)| (BUCKET * n, &bucket.failures))
            .collect()
    }

    fn add(&mut self, sample: &Sample) {
        let place = usize::try_from(sample.due.as_millis() / BUCKET.as_millis())
            .expect("a load lasts less than the age of the universe");
        if self.timeline.len() <= place {
            self.timeline.resize_with(place + 1, Bucket::default);
        }
        let failed = sample.failure.is_some();
        let bucket = &mut self.timeline[place];
        self.all.count(failed);
        bucket.all.count(failed);
        if let Some(failure) = sample.failure {
            *self.failures.entry(failure).or_default() += 1;
            *bucket.failures.entry(failure).or_default() += 1;
        }
        if let Some(version) = &sample.version {
            bucket.versions.entry(version.clone()).or_default().count(failed);
            self.versions.entry(version.clone()).or_default().count(failed);
            if let Some(name) = &sample.instance {
                self.instances.entry(name.clone()).or_default().count(version, sample);
            }
        }
    }

    /// Once all are added: counts the sample if its instance spoiled others before and after it.
    fn count_spoiled(&mut self, sample: &Sample) {
        let instance = sample.instance.as_ref().and_then(|name| self.instances.get_mut(name));
        let Some(Instance { spoiled: Some((first, last)), meanwhile, .. }) = instance else {
            return;
        };
        let ended = sample.ended();
        *meanwhile += u64::from(*first <= ended && ended <= *last);
    }
}

impl Instance {
    fn count(&mut self, version: &str, sample: &Sample) {
        version.clone_into(&mut self.version);
        self.all.count(sample.failure.is_some());
        if sample.failure.is_some() {
            let at = sample.ended();
            let (first, last) = self.spoiled.unwrap_or((at, at));
            self.spoiled = Some((first.min(at), last.max(at)));
        }
    }
}

/// The least value that `percent` of the sorted `values` do not exceed; zero if there are none.
fn percentile(values: &[Duration], percent: usize) -> Duration {
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests in {:.1} s, {} failed",
            self.all.sent(),
            self.took.as_secs_f64(),
            self.all.failed
        )?;
        let mut before = " (";
        for (failure, count) in &self.failures {
            write!(f, "{before}{failure}: {count}")?;
            before = ", ";
        }
        if !self.failures.is_empty() {
            f.write_str(")")?;
        }
        for (version, tally) in &self.versions {
            write!(f, ", {version}: {}", tally.sent())?;
        }
        let ms = |span: Duration| span.as_secs_f64() * 1_000.0;
        write!(
            f,
            ", p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            ms(self.latency.p50),
            ms(self.latency.p99),
            ms(self.latency.max)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(due_ms: u64, latency_ms: u64, status: u16, version: &str) -> Sample {
        let (version, instance) = (Some(version.to_owned()), Some(format!("one of {version}")));
        let answer = Answer { status, version, instance, close: false, length: Some(0) };
        Sample::new(Duration::from_millis(due_ms), Duration::from_millis(latency_ms), Ok(answer))
    }

    #[test]
    fn everything_but_200_failed() {
        let samples = vec![
            answered(0, 20, 200, "v1"),
            answered(150, 30, 500, "v2"),
            Sample::new(Duration::ZERO, Duration::ZERO, Err(Failure::Closed)),
        ];
        let report = Report::new(&samples, 0, Duration::from_secs(1));
        assert_eq!(report.all, Tally { ok: 1, failed: 2 });
        assert_eq!(report.failures[&Failure::Status(500)], 1);
        assert_eq!(report.versions["v2"], Tally { ok: 0, failed: 1 });
        assert_eq!(report.timeline[1].all, Tally { ok: 0, failed: 1 });
        let closed = BTreeMap::from([(Failure::Closed, 1)]);
        let status = BTreeMap::from([(Failure::Status(500), 1)]);
        let moments = vec![(Duration::ZERO, &closed), (Duration::from_millis(100), &status)];
        assert_eq!(report.moments(), moments);
        assert_eq!(report.share_of("v1"), 33);
        let at = Duration::from_millis(180);
        assert_eq!(report.instances["one of v2"].spoiled, Some((at, at)));
        assert_eq!(report.instances["one of v2"].meanwhile, 1);
        assert_eq!(report.instances["one of v1"].spoiled, None);
        assert_eq!(report.share_while("v2"), 100);
        assert_eq!(report.share_while("v1"), 50);
        assert_eq!(
            report.to_string(),
            "3 requests in 1.0 s, 2 failed (closed: 1, status 500: 1), v1: 1, v2: 1, \
             p50 20.0 ms, p99 30.0 ms, max 30.0 ms"
        );
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Duration::from_millis(100));
        assert_eq!(percentile(&values, 99), Duration::from_millis(198));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
