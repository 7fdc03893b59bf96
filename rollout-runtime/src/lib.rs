//! Async shell of the rollout engine, on tokio.
//!
//! In: the ports of a workload and the orders of people. Out: attempts, durable records, progress.
//! Absent by design: decisions (they are [`rollout_core`]'s) and anything of one orchestrator (that is
//! an adapter's). One loop drives an engine, the same from a first start as after a crash.

mod clock;
pub mod control;
mod driver;
mod handle;
pub mod journal;
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
    options::Options,
    ports::Ports,
    progress::{Progress, Subscription},
    revision::digest_id,
    runtime::Runtime,
};
