//! Probes: the engine's own questions to instances, at the period the spec says.
//!
//! In: the instances to ask. Out: one answer per attempt. Absent: thresholds (they are the engine's)
//! and kept connections, which would hide a listener that is gone.

mod exec;
mod http;
mod task;
mod tcp;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use async_trait::async_trait;
use rollout_core::{id::InstanceId, spec::Probe};

pub(crate) use self::task::Probers;

/// The answer to one attempt at a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was good.
    pub healthy: bool,
    /// What was seen, for people.
    pub detail: String,
}

impl Answer {
    /// A good answer.
    #[must_use]
    pub fn healthy(detail: impl Into<String>) -> Self {
        Self { healthy: true, detail: detail.into() }
    }

    /// A bad answer, or none.
    #[must_use]
    pub fn unhealthy(detail: impl Into<String>) -> Self {
        Self { healthy: false, detail: detail.into() }
    }
}

/// Asks instances how they are. One attempt per call; the caller keeps the probe's timeout.
#[async_trait]
pub trait Prober: Send + Sync {
    /// Makes one attempt at `probe`.
    async fn ask(&self, instance: &InstanceId, address: IpAddr, probe: &Probe) -> Answer;
}

/// Asks over the network, or by a command beside the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkProber;

#[async_trait]
impl Prober for NetworkProber {
    async fn ask(&self, instance: &InstanceId, address: IpAddr, probe: &Probe) -> Answer {
        match probe {
            Probe { http: Some(http), .. } => http::ask(address, http).await,
            Probe { tcp: Some(tcp), .. } => tcp::ask(address, tcp).await,
            Probe { exec: Some(exec), .. } => exec::ask(instance, address, exec).await,
            Probe { .. } => Answer::unhealthy("the probe names none of http, tcp and exec"),
        }
    }
}
