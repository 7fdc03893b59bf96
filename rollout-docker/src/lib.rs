//! Docker Engine as a backend of the rollout engine, HAProxy in front of it, and Compose files read as specs.
//!
//! In: actions of the core's ports, and text of Compose files. Out: outcomes, observations, specs.
//! Absent: decisions and retries. Every call is one attempt with one deadline; one total table turns
//! errors into outcomes. Nothing that does not carry our labels is ever touched.
//!
//! ```no_run
//! use rollout_docker::{DockerBackend, HaProxy, Options, haproxy::Traffic};
//!
//! # async fn connect(spec: rollout_core::spec::Spec) -> Result<(), Box<dyn std::error::Error>> {
//! let backend = DockerBackend::connect(Options::default()).await?;
//! // One object is both the enrolment and the router of the workload.
//! let proxy = HaProxy::connect(Traffic::read(&spec.traffic)?).await?;
//! # Ok(())
//! # }
//! ```

pub mod backend;
pub mod compose;
pub mod haproxy;
mod interpolate;
pub mod template;

pub use self::{
    backend::{DockerBackend, Options},
    haproxy::HaProxy,
    interpolate::Unset,
    template::Template,
};

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
