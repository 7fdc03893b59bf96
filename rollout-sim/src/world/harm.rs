//! Harms: what the environment did to instances, and from when on an engine could know of it.
//!
//! In: the books of harms. Out: how many of them excuse a step. Absent: the doing, see `environment`.

use rollout_core::id::{InstanceId, RevisionId};

use super::{Instance, World};

/// Something the environment did to an instance that carried, or could carry, traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harm {
    /// The instance.
    pub instance: InstanceId,
    /// When.
    pub at: u64,
    /// Whether its load balancer entry was lost, rather than the instance.
    pub enrolment: bool,
    /// Whether the instance was not on its way out of the load balancer, or was let in again by an engine that
    /// could not know.
    pub carried: bool,
    /// Number of the engine's step from which on it could know.
    pub known: Option<u64>,
    /// When it was over, if it is.
    pub healed: Option<u64>,
    /// Whether a snapshot has shown since that it is over.
    pub shown_well: bool,
    /// Number of the engine's step from which on it could know that it is over.
    pub known_over: Option<u64>,
}

impl World {
    /// Notes that the load balancer sends to an instance again.
    pub(super) fn heal_enrolment(&mut self, name: &InstanceId) {
        for harm in &mut self.harms {
            if harm.enrolment && harm.instance == *name {
                harm.healed.get_or_insert(self.now);
            }
        }
    }

    /// Notes that an instance on its way out is let in again: what nobody knows to harm it is missing from now on.
    pub(super) fn count_on_again(&mut self, name: &InstanceId) {
        for harm in &mut self.harms {
            let is_unknown = harm.known.is_none() && harm.healed.is_none();
            harm.carried |= is_unknown && harm.instance == *name;
        }
    }

    /// Everything the environment did to instances in service.
    #[must_use]
    pub fn harms(&self) -> &[Harm] {
        &self.harms
    }

    /// Harms that are not made good and that an engine could not know of in its step number `step`, on
    /// `revision` or on any. What harms an instance that the engine is taking out costs nothing, unless it
    /// is let in again by an engine that does not know.
    #[must_use]
    pub fn unseen(&self, step: u64, revision: Option<&RevisionId>) -> u64 {
        let unknown = |harm: &&Harm| {
            let instance = self.instances.get(&harm.instance);
            let of = instance.map(|one| &one.revision);
            let is_in = instance.is_some_and(Instance::is_enrolled);
            (harm.carried || is_in)
                && match harm.known {
                    None => harm.healed.is_none(),
                    // Taken out for it, a recovered instance is missing until it is let in again.
                    Some(known) => step < known && !(harm.healed.is_some() && is_in),
                }
                && revision.is_none_or(|wanted| of == Some(wanted))
        };
        self.harms.iter().filter(unknown).count() as u64
    }

    /// Serving instances in traffic of other revisions than this one, without those whose recovery an
    /// engine could not know of in its step number `step`.
    #[must_use]
    pub fn others_serving(&self, step: u64, revision: &RevisionId) -> u64 {
        let others = self.instances.iter().filter(|(name, one)| {
            one.revision != *revision
                && one.serves(self.now)
                && self.has_share(one)
                && !self.is_thought_harmed(step, name)
        });
        others.count() as u64
    }

    /// Whether an engine took the instance for harmed in its step number `step`, as far as it could know.
    #[must_use]
    pub fn is_thought_harmed(&self, step: u64, name: &InstanceId) -> bool {
        let knew = |at: Option<u64>| at.is_some_and(|at| at <= step);
        let mut harms = self.harms.iter().filter(|harm| harm.instance == *name && !harm.enrolment);
        harms.any(|harm| knew(harm.known) && !knew(harm.known_over))
    }

    /// Whether the environment ever harmed the instance.
    #[must_use]
    pub fn was_harmed(&self, name: &InstanceId) -> bool {
        self.harms.iter().any(|harm| harm.instance == *name)
    }

    /// The same, to note when the engine could know.
    pub(crate) fn harms_mut(&mut self) -> &mut [Harm] {
        &mut self.harms
    }
}
