//! The Docker backend and HAProxy against the real ones.
//!
//! `ROLLOUT_TEST_DOCKER` names a Docker socket such as `unix:///var/run/docker.sock`; HAProxy is started
//! from the path. Without the variable nothing is run, which is said; with `ROLLOUT_REQUIRE_LIVE=1` that
//! is a failure.

#[path = "live/bed.rs"]
mod bed;
#[path = "live/containers.rs"]
mod containers;
#[path = "live/fence.rs"]
mod fence;
#[path = "live/haproxy.rs"]
mod haproxy;
