//! Takes an instance from the load balancer at once where it should drain it.

use rollout_core::engine::{Action, Effect};

use super::Saboteur;

pub(super) struct DetachesAtOnce;

impl Saboteur for DetachesAtOnce {
    fn name(&self) -> &'static str {
        "takes out at once instead of draining"
    }

    fn caught_by(&self) -> &'static str {
        "P6 referenced is untouchable"
    }

    fn land(&mut self, action: &mut Action) {
        if let Effect::Drain { instance } = &action.effect {
            action.effect = Effect::Detach { instance: instance.clone() };
        }
    }
}
