//! The Docker backend and HAProxy against the real ones.
//!
//! `ROLLOUT_TEST_DOCKER` names a Docker socket such as `unix:///var/run/docker.sock`; HAProxy is started
//! from the path. Without the variable nothing is run, which is said; with `ROLLOUT_REQUIRE_LIVE=1` that
//! is a failure.

#[cfg(test)]
#[path = "live/bed.rs"]
mod bed;
#[cfg(test)]
#[path = "live/conformance.rs"]
mod conformance;
#[cfg(test)]
#[path = "live/containers.rs"]
mod containers;
#[cfg(test)]
#[path = "live/fence.rs"]
mod fence;
#[cfg(test)]
#[path = "live/haproxy.rs"]
mod haproxy;
#[cfg(test)]
#[path = "live/load.rs"]
mod load;
#[cfg(test)]
#[path = "live/stand.rs"]
mod stand;
