//! At rest: no driver runs, and one is started again as soon as anything asks for it.
//!
//! In: the object, hints of the watches, what they know of its pods. Absent: calls to the cluster.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use rollout_core::{engine::Inventory, id::WorkloadId};
use tokio::time::sleep;

use super::{Attendant, desk::is_wanted, told_to_stop};
use crate::crd::{Rollout, RolloutStatus};

/// Changes that come together are looked at together.
const GATHERED_FOR: Duration = Duration::from_millis(500);

/// Why a rest is over.
pub(super) enum Rested {
    /// Something asks for a driver.
    Wanted,
    /// The attendant is told to stop.
    Stopped,
}

impl Attendant {
    /// Waits until the object asks for something, or its pods are not as its status says.
    pub(super) async fn rest(&mut self, rollout: &Arc<Rollout>) -> Rested {
        let Ok(workload) = WorkloadId::new(self.key.name.as_str()) else { return Rested::Wanted };
        let backend = self.context.ports.backend(rollout);
        let mut hints = backend.changes(&workload);
        loop {
            // A watch that fails says so to the driver, which says it in the status.
            let Ok(seen) = backend.observe(&workload).await else { return Rested::Wanted };
            let rollout = self.latest();
            let is_told = rollout.status.as_ref().is_some_and(|status| tells(status, &seen));
            if is_wanted(&rollout) || !is_told {
                return Rested::Wanted;
            }
            tokio::select! {
                biased;
                () = told_to_stop(&mut self.stop) => return Rested::Stopped,
                another = self.rollout.changed() => if another.is_err() { return Rested::Stopped },
                Some(()) = hints.next() => sleep(GATHERED_FOR).await,
            }
        }
    }
}

/// Whether `status` still tells how many pods there are, and how many of them are ready.
fn tells(status: &RolloutStatus, seen: &Inventory) -> bool {
    let sum = |count: fn(&rollout_core::engine::PoolSeen) -> u64| -> u64 {
        seen.pools.values().map(count).fold(0, u64::saturating_add)
    };
    let says = |told: i32, found: u64| u64::try_from(told).is_ok_and(|told| told == found);
    says(status.replicas, sum(|pool| pool.created))
        && says(status.replicas, sum(|pool| pool.replicas))
        && says(status.ready_replicas, sum(|pool| pool.ready))
        && says(status.available_replicas, sum(|pool| pool.available))
}
