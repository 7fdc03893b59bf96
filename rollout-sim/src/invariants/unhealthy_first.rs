//! P7 Unhealthy first: no instance that serves and gets requests is told to go while another of its revision
//! stays that the engine knows to be harmed.

use rollout_core::{engine::Change, id::InstanceId};

use super::{Broken, Happened, Invariant, Moment, require};
use crate::world::Condition;

/// Who was told to go in the step under way, though they served.
#[derive(Default)]
pub(super) struct UnhealthyFirst {
    gone: Vec<InstanceId>,
    step: u64,
}

impl Invariant for UnhealthyFirst {
    fn name(&self) -> &'static str {
        "P7 unhealthy first"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        match moment.happened {
            Happened::Recorded(record) => {
                if let Change::Retired { instance } = &record.change {
                    let served = moment.world.instance(instance).is_some_and(|one| {
                        one.serves(moment.now)
                            && one.is_enrolled()
                            && !moment.world.was_harmed(instance)
                            && !moment.world.serves_unseen(moment.step, instance)
                    });
                    if served {
                        self.gone.push(instance.clone());
                        self.step = moment.step;
                    }
                }
                Ok(())
            }
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Ordered(_)
            | Happened::Landed(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => self.compare(moment),
        }
    }
}

impl UnhealthyFirst {
    /// Looks, once the step is whole, at who stays beside those who go.
    fn compare(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let step = self.step;
        // Where each place has its turn nobody is passed over.
        if moment.world.is_ranked() {
            self.gone.clear();
            return Ok(());
        }
        for gone in std::mem::take(&mut self.gone) {
            let Some(revision) = moment.world.instance(&gone).map(|one| one.revision.clone())
            else {
                continue;
            };
            let kept = moment.world.harms().iter().find(|harm| {
                let of_pool = moment.world.instance(&harm.instance);
                let stays = of_pool.is_some_and(|one| {
                    one.revision == revision
                        && one.is_live()
                        && one.condition != Condition::Stopping
                });
                stays
                    && !harm.enrolment
                    && harm.healed.is_none()
                    && harm.known.is_some_and(|known| known < step)
                    && !moment.ledger.retired.contains_key(&harm.instance)
            });
            require(kept.is_none(), || {
                let kept = kept.map(|harm| harm.instance.to_string()).unwrap_or_default();
                format!(
                    "{gone} of {revision} serves and was told to go; {kept} is harmed and stays"
                )
            })?;
        }
        Ok(())
    }
}
