//! Configurations: small worlds, each with the faults and orders that may strike in it.

use std::sync::Arc;

use rollout_core::{
    engine::{OrderKind, Revision, Tuning},
    id::{RevisionId, WorkloadId},
    port::Capabilities,
    spec::CheckedSpec,
};

/// A small world with everything that may happen in it.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its name.
    pub name: String,
    /// The workload.
    pub workload: WorkloadId,
    /// How to move to the revision under trial.
    pub spec: Arc<CheckedSpec>,
    /// What the ports can do.
    pub capabilities: Capabilities,
    /// Limits of the engine.
    pub tuning: Tuning,
    /// Whether a revision serves before; otherwise it is the first deploy.
    pub has_stable: bool,
    /// How often and how things may go wrong.
    pub faults: Faults,
    /// Orders that may be given, each at any moment.
    pub orders: Vec<OrderKind>,
    /// Bound on the number of states; a run that meets it has not explored everything.
    pub states_max: u32,
}

/// How often things may go wrong in one run. Zero everywhere: nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each kind of fault has a switch of its own")]
pub struct Faults {
    /// Harms to instances, of the kinds switched on below.
    pub harms: u8,
    /// An instance's process ends.
    pub exits: bool,
    /// An instance vanishes, and the load balancer does not know.
    pub losses: bool,
    /// A starting instance will never answer.
    pub duds: bool,
    /// An instance answers no more, and later does again.
    pub flaps: bool,
    /// The engine crashes; what it had sent may still arrive until the next one has claimed.
    pub crashes: u8,
    /// An answer is lost: the attempt took effect, did not, or will at any later time.
    pub lost_answers: u8,
    /// Snapshots show the world as it was up to this many changes ago, each port for itself.
    pub lag: u8,
    /// The next timer runs out while something else is still to happen.
    pub slow: u8,
    /// Drained instances have requests in flight at first.
    pub busy: bool,
    /// Orders given.
    pub orders: u8,
}

/// The revision named `name`, made from a template of its own.
///
/// # Panics
///
/// If `name` is no name of a revision.
#[must_use]
pub fn revision(name: &str) -> Arc<Revision> {
    let id = RevisionId::new(name).expect("the names of the table are names");
    Arc::new(Revision { id, template: serde_json::Value::Null })
}

impl Configuration {
    /// What the engine is made for.
    pub(super) fn setup(&self) -> rollout_core::engine::Setup {
        rollout_core::engine::Setup {
            workload: self.workload.clone(),
            capabilities: self.capabilities.clone(),
            tuning: self.tuning,
        }
    }
}
