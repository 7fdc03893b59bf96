//! What each object's engine is given to work with.

use std::sync::Arc;

use async_trait::async_trait;
use rollout_core::{port::Backend, spec::CheckedSpec};
use rollout_runtime::Ports;

use crate::crd::Rollout;

/// Ports that cannot be given; nothing was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct PortsError {
    /// What is wrong, with the field and the way out.
    pub why: String,
    /// Whether the same spec may do a moment later.
    pub may_pass: bool,
}

/// Gives every object's engine what it works with.
#[async_trait]
pub trait PortsOf: Send + Sync {
    /// The ports of `rollout`, whose spec reads as `spec`. Cheap: ten thousand objects ask.
    ///
    /// # Errors
    ///
    /// [`PortsError`] if the spec names something that is not there.
    async fn ports(&self, rollout: &Rollout, spec: &CheckedSpec) -> Result<Ports, PortsError>;

    /// The backend alone: what is known of the pods of `rollout`, and hints when they change.
    fn backend(&self, rollout: &Rollout) -> Arc<dyn Backend>;
}
