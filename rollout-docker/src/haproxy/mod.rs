//! HAProxy as [`Enrolment`] and [`Router`], told what to do through its runtime socket, never reloaded.
//!
//! In: enrol, drain, detach and route. Out: outcomes and what HAProxy shows. The servers of a backend,
//! named `revision:instance`, are the state; the last route and the reign stand in process variables
//! beside them, so a new engine finds them and a restart of HAProxy shows as "nothing enrolled, no
//! route", which the engine puts right. While a weighted route is in force, draining an instance hands
//! its share to the others of its revision in the same breath. Absent: health checks (the engine probes),
//! retries, and any touch of servers that are not ours.

mod config;
mod memory;
mod path;
mod perform;
mod socket;
mod state;
mod traffic;
mod weights;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use rollout_core::{
    engine::{
        Action, EnrolState, Enrolled, Enrolments, Outcome, RefusalKind, Retry, Route, RouteInForce,
    },
    id::{Mark, WorkloadId},
    port::{Confirmation, Enrolment, ObserveError, Router},
    time::Span,
};

pub use self::{
    config::{Config, config},
    traffic::{Address, HaProxySpec, Traffic, TrafficError},
};
use self::{
    memory::Memory,
    socket::{Socket, SocketError},
    state::{Snapshot, Unreadable},
};

/// Longest wait for one answer of the runtime socket, which takes about a millisecond.
const DEADLINE: Span = Span::from_secs(5);

/// One backend of a running HAProxy, kept for one workload.
#[derive(Debug)]
pub struct HaProxy {
    spec: HaProxySpec,
    socket: Socket,
    /// Acknowledged writes so far.
    marks: AtomicU64,
    /// Only one attempt reads and writes at a time: each computes weights from what it has read.
    writing: tokio::sync::Mutex<()>,
}

impl HaProxy {
    /// Checks that HAProxy can do what `traffic` asks. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`TrafficError`] names the field of the spec that is wrong, or what HAProxy lacks.
    pub async fn connect(traffic: Traffic) -> Result<Self, TrafficError> {
        let spec = traffic.haproxy;
        let proxy = Self {
            socket: Socket { address: spec.socket.clone(), deadline: DEADLINE.to_std() },
            marks: AtomicU64::new(0),
            writing: tokio::sync::Mutex::new(()),
            spec,
        };
        proxy.check().await?;
        Ok(proxy)
    }

    /// Where the runtime socket is.
    #[must_use]
    pub fn socket(&self) -> &Address {
        &self.spec.socket
    }

    async fn check(&self) -> Result<(), TrafficError> {
        let socket = || self.spec.socket.to_string();
        let ask = async |command: &str| {
            self.socket.run(&[command.to_owned()]).await.map_err(|error| {
                TrafficError::Unreachable { socket: socket(), why: error.to_string() }
            })
        };
        let level = ask("show cli level").await?.trim().to_owned();
        if level != "admin" {
            return Err(TrafficError::NotAdmin { socket: socket(), level });
        }
        let known = ask("show backend").await?;
        let known: Vec<&str> = known
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let backend = self.spec.backend.clone();
        if !known.contains(&backend.as_str()) {
            return Err(TrafficError::UnknownBackend { backend, known: known.join(", ") });
        }
        let stat = ask(&format!("show stat {backend} 2 -1")).await?;
        match state::algorithm(&stat) {
            Some(algorithm) if !DYNAMIC.contains(&algorithm.as_str()) => {
                Err(TrafficError::StaticBalance { backend, algorithm })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Reads everything about the backend.
    async fn read(&self, memory: &Memory) -> Result<Snapshot, ReadError> {
        let backend = &self.spec.backend;
        let mut commands = memory.ask().to_vec();
        commands.push(format!("show servers state {backend}"));
        commands.push(format!("show stat {backend} 4 -1"));
        Ok(state::read(&self.socket.run(&commands).await?)?)
    }

    async fn observed(&self, memory: &Memory) -> Result<Snapshot, ObserveError> {
        self.read(memory).await.map_err(|error| ObserveError {
            what: format!("backend `{}` of HAProxy at {}", self.spec.backend, self.spec.socket),
            why: error.to_string(),
            way_out: "start HAProxy with its `stats socket … level admin` and that backend"
                .to_owned(),
        })
    }

    /// What HAProxy remembers of `workload`.
    fn memory(&self, workload: &WorkloadId) -> Memory {
        Memory::of(&self.spec.backend, workload)
    }

    /// The mark to give an observation that begins now.
    fn mark(&self) -> Mark {
        Mark(self.marks.load(Ordering::SeqCst))
    }

    async fn attempt(&self, action: &Action) -> Outcome {
        let _alone = self.writing.lock().await;
        let outcome = match self.perform(action).await {
            Ok(()) => {
                Outcome::Applied { mark: Mark(self.marks.fetch_add(1, Ordering::SeqCst) + 1) }
            }
            Err(failed) => failed.outcome(),
        };
        tracing::debug!(%action, %outcome, "attempted");
        outcome
    }
}

/// Balancing algorithms that let servers come, go and change their weight.
const DYNAMIC: [&str; 3] = ["roundrobin", "leastconn", "random"];

/// Why the backend could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Text(#[from] Unreadable),
}

/// Why an attempt did not make it so.
#[derive(Debug)]
enum Failed {
    Refused(RefusalKind, Retry, String),
    Unknown(String),
}

impl Failed {
    fn outcome(self) -> Outcome {
        match self {
            Self::Refused(kind, retry, why) => Outcome::refused(kind, why, retry),
            Self::Unknown(why) => Outcome::unknown(why),
        }
    }
}

/// The table of errors before anything was written.
impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        let kind = match &error {
            // Reading changes nothing, so even an answer that never came is no doubt.
            ReadError::Socket(_) => RefusalKind::Unreachable,
            ReadError::Text(_) => RefusalKind::Missing,
        };
        Self::Refused(kind, Retry::Backoff, format!("HAProxy: {error}"))
    }
}

/// The table of errors of a write.
impl From<SocketError> for Failed {
    fn from(error: SocketError) -> Self {
        let why = format!("HAProxy: {error}");
        match error {
            SocketError::NotReached(_) => {
                Self::Refused(RefusalKind::Unreachable, Retry::Backoff, why)
            }
            SocketError::NotAnswered(_) | SocketError::Late(_) => Self::Unknown(why),
        }
    }
}

#[async_trait]
impl Enrolment for HaProxy {
    fn confirmation(&self) -> Confirmation {
        Confirmation::Observed
    }

    async fn observe(&self, workload: &WorkloadId) -> Result<Enrolments, ObserveError> {
        let mark = self.mark();
        let instances = self
            .observed(&self.memory(workload))
            .await?
            .servers
            .into_values()
            .map(|server| {
                let state = if server.open { EnrolState::In } else { EnrolState::Draining };
                let enrolled = Enrolled { state, in_flight: Some(server.in_flight) };
                (server.instance, enrolled)
            })
            .collect();
        Ok(Enrolments { mark, instances })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.attempt(action).await
    }
}

#[async_trait]
impl Router for HaProxy {
    /// Half percents: one to 199 still fits HAProxy's weights of at most 256.
    fn units(&self) -> u64 {
        200
    }

    /// The route set last if every server carries the very weight it has under that route, else what the
    /// weights amount to, else nothing: what is reported equals the route that was set exactly when
    /// setting it again would change nothing.
    async fn observe(&self, workload: &WorkloadId) -> Result<RouteInForce, ObserveError> {
        let mark = self.mark();
        let memory = self.memory(workload);
        let snapshot = self.observed(&memory).await?;
        Ok(RouteInForce { mark, route: in_force(&memory, &snapshot) })
    }

    async fn apply(&self, action: &Action) -> Outcome {
        self.attempt(action).await
    }
}

/// The route that `snapshot` shows.
fn in_force(memory: &Memory, snapshot: &Snapshot) -> Option<Route> {
    let set = memory.route(&snapshot.variables)?;
    let servers = snapshot.open();
    let weights: BTreeMap<String, u16> = snapshot.weights();
    let of_open: BTreeMap<String, u16> = weights
        .iter()
        .filter(|(name, _)| servers.contains_key(*name))
        .map(|(name, weight)| (name.clone(), *weight))
        .collect();
    if of_open == weights::of(&set, &servers) {
        return Some(set);
    }
    // The same shares, unevenly divided, are not the route that was set.
    Some(weights::shares(&servers, &of_open)).filter(|actual| *actual != set)
}
