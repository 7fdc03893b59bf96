//! Which object: its namespace and its name.

use std::fmt;

use kube::ResourceExt as _;

use crate::{crd::Rollout, lease};

/// Which object: its namespace and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name, which is the workload's too.
    pub name: String,
}

impl Key {
    /// The key of `rollout`.
    #[must_use]
    pub fn of(rollout: &Rollout) -> Self {
        Self { namespace: rollout.namespace().unwrap_or_default(), name: rollout.name_any() }
    }

    /// Its shard among `shards`.
    #[must_use]
    pub fn shard(&self, shards: u32) -> lease::Shard {
        lease::shard_of(&self.namespace, &self.name, shards)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
