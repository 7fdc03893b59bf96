//! Stage for the examples: a simulated fleet in tokio's virtual time, behind the ports of a real runtime.
//!
//! In: a workload and what is true of its revisions. Out: [`Ports`] for a runtime, and [`Facts`] counted
//! on the ground truth, not on what the engine believes. Absent: Docker, network, waiting in real time.

mod facts;
mod simulated;

pub use self::{facts::Facts, simulated::Simulated};
#[cfg(doc)]
use rollout_runtime::Ports;
