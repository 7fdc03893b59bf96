//! Kubernetes as a backend of the rollout engine, and what shares traffic there.
//!
//! In: actions of the core's ports. Out: outcomes and observations. Absent: decisions and retries. Every
//! call is one attempt with one deadline; one total table turns errors into outcomes. Nothing that does
//! not carry our labels is ever touched.

pub mod adopt;
pub mod backend;
pub mod client;
pub mod crd;
pub mod journal;
pub mod labels;
pub mod lease;
pub mod operator;
mod outcome;
pub mod remote;
pub mod router;
