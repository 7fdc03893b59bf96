//! Modules: the setting in force, which follows an order after a while, and what somebody else degrades.

use std::collections::BTreeSet;

use rollout_core::{
    engine::{ModuleSetting, ModulesInForce},
    id::ActionId,
};

use super::{Receipt, World};

/// The modules of the workload, as they truly are.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// What was set by us and is in force.
    pub setting: ModuleSetting,
    /// Modules that somebody else degrades.
    pub others: BTreeSet<String>,
    /// What will be in force, and when.
    coming: Option<(u64, ModuleSetting)>,
    pub(super) newest: ActionId,
}

/// Shortest and longest time until a setting is in force, in milliseconds.
const LAG: (u64, u64) = (1, 1500);

impl Modules {
    /// When it will next change by itself; [`u64::MAX`]: never.
    pub(super) fn next_change(&self) -> u64 {
        self.coming.as_ref().map_or(u64::MAX, |(at, _)| *at)
    }

    /// Lets what was ordered come into force.
    pub(super) fn advance(&mut self, now: u64) {
        if let Some((_, setting)) = self.coming.take_if(|(at, _)| *at <= now) {
            self.setting = setting;
        }
    }
}

impl World {
    /// The modules, as they truly are.
    #[must_use]
    pub const fn modules(&self) -> &Modules {
        &self.modules
    }

    /// Takes a snapshot of the modules.
    #[must_use]
    pub fn modules_in_force(&self) -> ModulesInForce {
        let Modules { setting, others, .. } = &self.modules;
        ModulesInForce {
            mark: self.mark,
            setting: setting.clone(),
            degraded: setting.degraded.union(others).cloned().collect(),
        }
    }

    /// Lets somebody else degrade these modules, and no others.
    pub fn degrade_by_others(&mut self, names: BTreeSet<String>) {
        if self.modules.others != names {
            self.modules.others = names;
            self.changed();
        }
    }

    /// Orders a setting, which is in force after a while.
    pub(super) fn set_modules(&mut self, id: ActionId, setting: &ModuleSetting) -> Receipt {
        self.modules.newest = id;
        if self.modules.setting == *setting {
            self.modules.coming = None;
            return self.applied();
        }
        let at = self.now + self.module_stream.magnitude(LAG.0, LAG.1);
        self.modules.coming = Some((at, setting.clone()));
        self.changed();
        Receipt { answer_at: at, ..self.applied() }
    }
}
