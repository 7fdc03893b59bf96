//! How the operator goes about its work; every default stands here.

use std::{net::SocketAddr, time::Duration};

use rollout_core::time::Span;

use crate::lease::KeeperOptions;

/// Every append is a write of the cluster's; what nobody waits for goes with the next one.
const LINGER: Span = Span::from_millis(250);

/// How the operator goes about its work. No option changes a decision of the engine.
#[derive(Clone, Debug)]
pub struct OperatorOptions {
    /// The namespace it looks after; `None`: all. Default: all.
    pub namespace: Option<String>,
    /// How work is shared with other copies.
    pub leases: KeeperOptions,
    /// Where `/metrics`, `/healthz` and `/readyz` answer; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How drivers go about their work. Looks cost nothing here, for the watches have told before;
    /// records that nothing depends on wait 250 ms for others.
    pub driver: rollout_runtime::Options,
    /// Shortest time between two writes of one status, unless a condition changes. Default: 2 s.
    pub status_gap: Duration,
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
        let driver =
            rollout_runtime::Options { linger: LINGER, ..rollout_runtime::Options::default() };
        Self {
            namespace: None,
            leases: KeeperOptions::new(namespace, me),
            listen: None,
            driver,
            status_gap: Duration::from_secs(2),
            restart_first: Duration::from_secs(1),
            park_after: Duration::from_secs(30),
        }
    }
}
