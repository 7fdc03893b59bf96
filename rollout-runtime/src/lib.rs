//! Async shell of the rollout engine, on tokio.
//!
//! In: the ports of a workload and the orders of people. Out: attempts, durable records, progress.
//! Absent by design: decisions (they are [`rollout_core`]'s) and anything of one orchestrator (that is
//! an adapter's). One loop drives an engine, the same from a first start as after a crash. Beside it stand
//! adapters that need no orchestrator: [`probe`]s, [`hooks`], [`metrics`] and [`modules`].
//!
//! ```
//! use std::{error::Error, sync::Arc};
//!
//! use rollout_core::{engine::End, port::Backend, spec::CheckedSpec};
//! use rollout_runtime::{Options, Ports, Runtime, journal::RedbJournal};
//!
//! async fn roll_out(backend: Arc<dyn Backend>, spec: CheckedSpec) -> Result<End, Box<dyn Error>> {
//!     let journal = RedbJournal::open("web.journal").await?;
//!     let ports = Ports::new(backend, Arc::new(journal));
//!     let runtime = Runtime::new();
//!     let handle = runtime.start(&spec.workload, ports, Options::default()).await?;
//!     handle.submit(spec, "ann").await?;
//!     Ok(handle.wait_ended().await?)
//! }
//! ```

mod clock;
pub mod control;
mod driver;
mod handle;
pub mod hooks;
mod http;
pub mod journal;
pub mod metrics;
pub mod modules;
mod options;
mod ports;
pub mod probe;
mod progress;
mod revision;
mod runtime;
mod telemetry;

pub use self::{
    clock::SystemClock,
    driver::{StartError, Stopped},
    handle::{Handle, OrderError, SubmitError},
    http::UrlError,
    options::Options,
    ports::Ports,
    progress::{Progress, Subscription},
    revision::digest_id,
    runtime::Runtime,
};
