//! What each object's engine is given to work with.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use rollout_core::spec::CheckedSpec;
use rollout_runtime::Ports;

use super::key::Key;
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

    /// Objects whose pods or sets changed: one at rest is looked at again. None by default.
    fn changes(&self) -> BoxStream<'static, Key> {
        stream::pending().boxed()
    }
}
