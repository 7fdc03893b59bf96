//! Load: an open-loop generator that never repeats a request, over connections that are kept or new for each.
//!
//! In: an address on this host, a [`LoadPlan`]. Out: a [`Report`] in which anything but HTTP 200 failed.
//! Absent: client retries, other hosts. Request `n` is due at `n / rate`, whatever became of the ones
//! before, and its latency runs from then: a server that stalls cannot slow the clock that judges it.

mod answer;
mod client;
mod report;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

pub use self::report::{Bucket, Failure, Instance, Latency, Report, Tally};
use self::{client::Client, report::Sample};

/// The host that every request asks for.
pub const HOST: &str = "web.test";
/// How often a waiting [`Load::reached`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What becomes of a connection after its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// It takes the next request.
    #[default]
    Kept,
    /// It ends; the next request comes over another, from another address of 127.0.0.0/8. The kernel's
    /// connection tracking maps an address and port it has seen to where it went before, a server that is gone
    /// for all it knows: with one address for all, such timeouts would be counted that no rollout caused.
    Never,
}

/// How much load, over how many connections, for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// Requests per second; at least 1.
    pub rate: u64,
    /// Connections at the same time; at least 1. They take turns.
    pub connections: u64,
    /// Whether they are kept.
    pub reuse: Reuse,
    /// Requests in all; `None` goes on until [`Load::stop`].
    pub requests: Option<u64>,
    /// Longest wait for one answer.
    pub deadline: Duration,
}

impl Default for LoadPlan {
    /// 10,000 requests at 400 per second over 64 connections.
    fn default() -> Self {
        Self {
            rate: 400,
            connections: 64,
            reuse: Reuse::Kept,
            requests: Some(10_000),
            deadline: Duration::from_secs(10),
        }
    }
}

impl LoadPlan {
    /// The default load, until it is stopped.
    #[must_use]
    pub fn until_stopped() -> Self {
        Self { requests: None, ..Self::default() }
    }

    /// 400 requests per second until stopped, each over a new connection, 256 at the same time at most.
    #[must_use]
    pub fn strangers() -> Self {
        Self { requests: None, connections: 256, reuse: Reuse::Never, ..Self::default() }
    }
}

/// A load that cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The target is another host.
    #[error("load target is {addr}, not on this host; give an address of 127.0.0.0/8 or [::1]")]
    Elsewhere {
        /// The target.
        addr: SocketAddr,
    },
    /// Only IPv4 has many addresses of this host.
    #[error("load target is {addr}; new connections from other addresses need one of 127.0.0.0/8")]
    OneAddress {
        /// The target.
        addr: SocketAddr,
    },
    /// A number that makes no load.
    #[error("load `{field}` is 0; give 1 at least")]
    Zero {
        /// The field of [`LoadPlan`].
        field: &'static str,
    },
    /// The thread or its reactor could not be made.
    #[error("load generator cannot start: {0}")]
    Start(#[from] std::io::Error),
}

/// A load under way, on a thread of its own so that nobody's work delays it.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    report: oneshot::Receiver<Report>,
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    addr: SocketAddr,
    plan: LoadPlan,
    start: Instant,
    stopped: AtomicBool,
    /// Requests handed out; each is sent by whichever connection is free.
    taken: AtomicU64,
    ended: AtomicU64,
    failed: AtomicU64,
}

/// Runs `plan` against `addr` to its end.
///
/// # Errors
///
/// As [`Load::start`].
///
/// # Panics
///
/// If the generator itself panicked.
pub async fn run(addr: SocketAddr, plan: LoadPlan) -> Result<Report, LoadError> {
    Ok(Load::start(addr, plan)?.finish().await)
}

impl Load {
    /// Starts `plan` against `addr`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Elsewhere`] if `addr` is not a loopback address, [`LoadError::OneAddress`] if it is not of
    /// IPv4 and connections are not kept, [`LoadError::Zero`] if the plan has no rate or no connections,
    /// [`LoadError::Start`] if the system has no thread for it.
    pub fn start(addr: SocketAddr, plan: LoadPlan) -> Result<Self, LoadError> {
        if !addr.ip().is_loopback() {
            return Err(LoadError::Elsewhere { addr });
        }
        if plan.reuse == Reuse::Never && addr.is_ipv6() {
            return Err(LoadError::OneAddress { addr });
        }
        for (field, value) in [("rate", plan.rate), ("connections", plan.connections)] {
            if value == 0 {
                return Err(LoadError::Zero { field });
            }
        }
        let shared = Arc::new(Shared {
            addr,
            plan,
            start: Instant::now(),
            stopped: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, report) = oneshot::channel();
        let all = Arc::clone(&shared);
        thread::Builder::new().name("load".to_owned()).spawn(move || {
            // The one who started it may have gone without waiting for the report.
            tell.send(runtime.block_on(generate(&all))).ok();
        })?;
        Ok(Self { shared, report })
    }

    /// Hands out no further request; those under way are still awaited by [`Load::finish`].
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// Requests that ended so far, well or badly.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.shared.ended.load(Ordering::Relaxed)
    }

    /// Requests that failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Waits until `requests` have ended, or for good if the plan is over before.
    pub async fn reached(&self, requests: u64) {
        while self.ended() < requests && !self.shared.is_over() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits for the end of the plan, or of what was under way at [`Load::stop`].
    ///
    /// # Panics
    ///
    /// If the generator itself panicked.
    pub async fn finish(mut self) -> Report {
        (&mut self.report).await.expect("the generator sends its report before it ends")
    }

    /// Stops, and waits for what was under way.
    ///
    /// # Panics
    ///
    /// If the generator itself panicked.
    pub async fn stop_and_finish(self) -> Report {
        self.stop();
        self.finish().await
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// The next request and when it is due; `None` if there is none left.
    fn take(&self) -> Option<Duration> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let n = self.taken.fetch_add(1, Ordering::Relaxed);
        if self.plan.requests.is_some_and(|all| all <= n) {
            return None;
        }
        Some(Duration::from_nanos(n.saturating_mul(1_000_000_000) / self.plan.rate))
    }

    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
            || self.plan.requests.is_some_and(|all| all <= self.ended.load(Ordering::Relaxed))
    }
}

async fn generate(shared: &Arc<Shared>) -> Report {
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..shared.plan.connections {
        connections.spawn(converse(Arc::clone(shared)));
    }
    let parts = connections.join_all().await;
    let reopened = parts.iter().map(|(_, reopened)| reopened).sum();
    let samples: Vec<_> = parts.into_iter().flat_map(|(samples, _)| samples).collect();
    Report::new(&samples, reopened, shared.start.elapsed())
}

/// One connection: takes requests until there are none. Returns what it saw and how often it reopened.
async fn converse(shared: Arc<Shared>) -> (Vec<Sample>, u64) {
    let mut client = Client::new(shared.addr, shared.plan.reuse);
    let mut samples = Vec::new();
    while let Some(due) = shared.take() {
        tokio::time::sleep_until(shared.start + due).await;
        let answer = tokio::time::timeout(shared.plan.deadline, client.ask()).await;
        let answer = answer.unwrap_or_else(|_| {
            client.hang_up();
            Err(Failure::Timeout)
        });
        let latency = shared.start.elapsed().saturating_sub(due);
        let sample = Sample::new(due, latency, answer);
        if sample.failure.is_some() {
            shared.failed.fetch_add(1, Ordering::Relaxed);
        }
        shared.ended.fetch_add(1, Ordering::Relaxed);
        samples.push(sample);
    }
    (samples, client.reopened())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_are_refused() {
        let addr = "192.0.2.1:80".parse().unwrap();
        let told = Load::start(addr, LoadPlan::default()).unwrap_err().to_string();
        assert!(told.contains("192.0.2.1:80"), "{told}");
    }

    #[test]
    fn strangers_need_many_addresses() {
        let addr = "[::1]:1".parse().unwrap();
        let told = Load::start(addr, LoadPlan::strangers()).unwrap_err().to_string();
        assert!(told.contains("[::1]:1") && told.contains("127.0.0.0/8"), "{told}");
    }

    #[test]
    fn a_load_of_nothing_is_refused() {
        let addr = "127.0.0.1:1".parse().unwrap();
        let plan = LoadPlan { connections: 0, ..LoadPlan::default() };
        let told = Load::start(addr, plan).unwrap_err().to_string();
        assert_eq!(told, "load `connections` is 0; give 1 at least");
    }
}
