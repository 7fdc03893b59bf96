//! How the operator goes about its work; every default stands here.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use rollout_core::time::Span;

use crate::{backend::driver_options, lease::KeeperOptions};

/// Every append is a write of the cluster's; what nobody waits for goes with the next one, which in a rollout
/// comes when the next pod is ready. On a cluster that has much to do that takes a while.
const LINGER: Span = Span::from_secs(60);
/// Room for these is taken by each driver from its start. Its only listener is its attendant, and what that misses
/// are Events for people.
const PROGRESS: NonZeroUsize = NonZeroUsize::new(32).expect("thirty-two is not zero");
/// What an API server does beside everything else.
const STATUSES: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// How the operator goes about its work. No option changes a decision of the engine.
#[derive(Clone, Debug)]
pub struct OperatorOptions {
    /// The namespace it looks after; `None`: all. Default: all.
    pub namespace: Option<String>,
    /// How work is shared with other copies.
    pub leases: KeeperOptions,
    /// Where `/metrics`, `/healthz` and `/readyz` answer; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How drivers go about their work: as [`driver_options`] says, and records that nothing depends on wait up to
    /// a minute for others; 32 messages of progress are kept.
    pub driver: rollout_runtime::Options,
    /// Shortest time between two writes of one status, unless a condition changes. Default: 2 s.
    pub status_gap: Duration,
    /// Most writes of statuses a second, of all objects together, that change no condition: where many move at
    /// once, each is told less often. Default: 8.
    pub statuses_per_second: NonZeroU32,
    /// Wait before the first new start of a driver that stopped; doubled each time, at most a minute.
    /// Default: 1 s.
    pub restart_first: Duration,
    /// How long a rollout must be at rest until its driver is let go. Default: 30 s.
    pub park_after: Duration,
}

impl OperatorOptions {
    /// Defaults of a copy named `me`, whose leases are in `namespace`.
    #[must_use]
    pub fn new(namespace: String, me: String) -> Self {
        let driver = rollout_runtime::Options {
            linger: LINGER,
            progress_kept: PROGRESS,
            ..driver_options()
        };
        Self {
            namespace: None,
            leases: KeeperOptions::new(namespace, me),
            listen: None,
            driver,
            status_gap: Duration::from_secs(2),
            statuses_per_second: STATUSES,
            restart_first: Duration::from_secs(1),
            park_after: Duration::from_secs(30),
        }
    }
}
