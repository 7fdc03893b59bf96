//! Tally: the numbers that the promises are about, counted on the ground truth.

use rollout_core::{engine::EnrolState, id::RevisionId};

use super::{Condition, World};

/// Instances of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The revision.
    pub revision: RevisionId,
    /// Instances that exist.
    pub existing: u64,
    /// Instances that exist and have not ended.
    pub live: u64,
    /// Of those, the ones that were told to end or are draining.
    pub leaving: u64,
    /// Instances that run, were not told to end, and answer.
    pub serving: u64,
    /// Of those, the ones that the load balancer may send to.
    pub enrolled: u64,
    /// Of those, the ones that requests are sent to.
    pub in_traffic: u64,
    /// Instances that requests are sent to, whether they answer or not.
    pub exposed: u64,
}

/// The numbers of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Revisions that have an instance.
    pub revisions: Vec<Counts>,
}

impl Tally {
    /// Instances that answer requests, of any revision.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.revisions.iter().map(|one| one.in_traffic).sum()
    }

    /// Instances that exist and have not ended.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.revisions.iter().map(|one| one.live).sum()
    }

    /// Instances on their way out.
    #[must_use]
    pub fn leaving(&self) -> u64 {
        self.revisions.iter().map(|one| one.leaving).sum()
    }

    /// The numbers of one revision.
    #[must_use]
    pub fn of(&self, revision: &RevisionId) -> Option<&Counts> {
        self.revisions.iter().find(|one| one.revision == *revision)
    }
}

impl World {
    /// Counts everything as it is now.
    pub fn tally_into(&self, tally: &mut Tally) {
        tally.revisions.clear();
        for instance in self.instances.values() {
            if !instance.exists() && instance.server.is_none() {
                continue;
            }
            let index = tally.revisions.iter().position(|one| one.revision == instance.revision);
            let index = index.unwrap_or_else(|| {
                tally.revisions.push(Counts {
                    revision: instance.revision.clone(),
                    existing: 0,
                    live: 0,
                    leaving: 0,
                    serving: 0,
                    enrolled: 0,
                    in_traffic: 0,
                    exposed: 0,
                });
                tally.revisions.len() - 1
            });
            let counts = &mut tally.revisions[index];
            let serving = instance.serves(self.now);
            let state = instance.server.map(|server| server.state);
            let draining = state == Some(EnrolState::Draining);
            let exposed = self.gets_traffic(instance) && (!self.keeps_pods() || serving);
            counts.existing += u64::from(instance.exists());
            counts.live += u64::from(instance.is_live());
            counts.leaving += u64::from(
                instance.is_live() && (draining || instance.condition == Condition::Stopping),
            );
            counts.serving += u64::from(serving);
            counts.enrolled += u64::from(serving && state == Some(EnrolState::In));
            counts.in_traffic += u64::from(serving && self.has_share(instance));
            counts.exposed += u64::from(exposed);
        }
        for (revision, pool) in &self.pools {
            let (ready, leaving) = (pool.ready(), pool.leaving());
            let live = pool.created() + leaving;
            if live == 0 {
                continue;
            }
            let share = if self.revision_has_share(revision) { ready } else { 0 };
            let exposed = if self.revision_gets_traffic(revision) { ready } else { 0 };
            tally.revisions.push(Counts {
                revision: revision.clone(),
                existing: live,
                live,
                leaving,
                serving: ready,
                enrolled: ready,
                in_traffic: share,
                exposed,
            });
        }
    }

    /// Counts everything as it is now.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.tally_into(&mut tally);
        tally
    }
}
