//! F6: nothing goes out about an object that is not the workload's own, and none is ever changed.

use std::collections::BTreeMap;

use rollout_core::{engine::Effect, id::InstanceId};

use super::{Broken, Happened, Invariant, Moment, require};

#[derive(Default)]
pub(super) struct Foreign {
    first: Option<BTreeMap<InstanceId, u64>>,
}

impl Invariant for Foreign {
    fn name(&self) -> &'static str {
        "F6 foreign objects"
    }

    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let there = moment.world.foreign();
        let first = self.first.get_or_insert_with(|| there.clone());
        if let Happened::Ordered(action) = moment.happened
            && let Some(name) = action.effect.instance()
        {
            // That a name is taken is learnt by asking for it.
            let asks = matches!(action.effect, Effect::Create { .. });
            require(asks || !there.contains_key(name), || format!("{action}: it is not ours"))?;
        }
        require(first == there, || format!("{first:?} became {there:?}"))
    }
}
