//! Degrades every module along with those that a stage asks for.

use rollout_core::engine::{Change, Effect, ModuleSetting, Step};

use super::Saboteur;
use crate::{ledger::Ledger, world::World};

pub(super) struct DegradesAll;

impl Saboteur for DegradesAll {
    fn name(&self) -> &'static str {
        "degrades a module that must be available"
    }

    fn caught_by(&self) -> &'static str {
        "A1 what must be available is available"
    }

    fn step(&mut self, step: &mut Step, _: &World, ledger: &Ledger) {
        let Some(spec) = &ledger.spec else {
            return;
        };
        let spoil = |setting: &mut ModuleSetting| {
            setting.degraded.extend(spec.modules.iter().map(|module| module.name.clone()));
        };
        for record in &mut step.records {
            if let Change::Intended { effect: Effect::Modules(setting), .. } = &mut record.change {
                spoil(setting);
            }
        }
        for action in &mut step.actions {
            if let Effect::Modules(setting) = &mut action.effect {
                spoil(setting);
            }
        }
    }
}
