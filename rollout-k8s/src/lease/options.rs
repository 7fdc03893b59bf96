//! How work is split, and for how long.

use std::time::Duration;

/// How work is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeeperOptions {
    /// Where the leases are.
    pub namespace: String,
    /// This copy's name, another for every run.
    pub me: String,
    /// Number of shards; the same for every copy. Default: 4.
    pub shards: u32,
    /// How long a lease holds without being renewed. Default: 10 s.
    pub length: Duration,
    /// Time between two rounds. Default: 3 s.
    pub every: Duration,
}

impl KeeperOptions {
    /// Defaults for `me` in `namespace`.
    #[must_use]
    pub fn new(namespace: String, me: String) -> Self {
        Self {
            namespace,
            me,
            shards: 4,
            length: Duration::from_secs(10),
            every: Duration::from_secs(3),
        }
    }
}
