//! Puts an old route over a newer one.

use rollout_core::engine::{Action, Effect};

use super::Saboteur;

#[derive(Default)]
pub(super) struct LandsAnOldRoute {
    old: Option<Effect>,
}

impl Saboteur for LandsAnOldRoute {
    fn name(&self) -> &'static str {
        "puts an old route over a newer one"
    }

    fn caught_by(&self) -> &'static str {
        "L1 ends"
    }

    fn land(&mut self, action: &mut Action) {
        if matches!(action.effect, Effect::Route(_)) {
            let old = self.old.get_or_insert_with(|| action.effect.clone());
            action.effect.clone_from(old);
        }
    }
}
