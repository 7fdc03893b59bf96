//! Actions: intended, then settled, and what each of both means for an instance and for the route.

use std::sync::Arc;

use super::{Run, State};
use crate::{
    engine::{
        action::{Admission, Effect},
        record::Settlement,
    },
    fleet::{Instance, Made, Standby, Traffic},
    id::ActionId,
    time::Timestamp,
};

impl State {
    pub(super) fn intended(&mut self, at: Timestamp, id: ActionId, effect: &Effect) {
        self.intended_beside(at, effect);
        self.last_action = self.last_action.max(id);
        self.pending.insert(id, effect.clone());
        if let Effect::Create { instance, revision } = effect {
            self.last_ordinal += 1;
            self.roster.insert(
                instance.clone(),
                Instance {
                    revision: revision.clone(),
                    ordinal: self.last_ordinal,
                    found: false,
                    made: Made::Intended,
                    enrolled_at: None,
                    standby: Standby::No,
                    traffic: Traffic::Out,
                    retired: None,
                    dead: false,
                    proved_ready: false,
                    pending: None,
                },
            );
        }
        if let Effect::Route(route) = effect {
            self.route = Some(route.clone());
            self.routed_at = None;
            for entry in self.roster.values_mut() {
                if entry.standby != Standby::No && entry.traffic == Traffic::In {
                    entry.standby = Standby::Until(id);
                }
            }
        }
        let Some(entry) = effect.instance().and_then(|instance| self.roster.get_mut(instance))
        else {
            return;
        };
        entry.pending = Some(id);
        match effect {
            Effect::Enrol { admission, address, .. } => {
                entry.enrolled_at = Some(*address);
                entry.standby = match admission {
                    Admission::Serving => Standby::No,
                    Admission::Standby => Standby::Waits,
                };
                entry.traffic = Traffic::Enrolling;
                entry.proved_ready = true;
            }
            Effect::Drain { .. } => entry.traffic = Traffic::Draining,
            Effect::Detach { .. } => entry.traffic = Traffic::Detaching,
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }

    /// A run of a hook, or a setting of the modules, was decided upon.
    fn intended_beside(&mut self, at: Timestamp, effect: &Effect) {
        if let Effect::Modules(setting) = effect {
            self.modules = Some(setting.clone());
        }
        if let Effect::Run { run, hook } = effect
            && let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut)
        {
            let begun = Run { hook: hook.clone(), since: at, has_begun: false, end: None };
            rollout.runs.insert(run.clone(), begun);
        }
    }

    /// A run of a hook has begun, or a setting of the modules was acknowledged.
    fn begun_beside(&mut self, at: Timestamp, effect: &Effect) {
        if matches!(effect, Effect::Modules(_)) {
            self.modules_at = Some(at);
        }
        if let Effect::Run { run, .. } = effect
            && let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut)
            && let Some(run) = rollout.runs.get_mut(run)
        {
            run.has_begun = true;
            run.since = at;
        }
    }

    /// Whatever of the runs was decided and not begun yet is not wanted any more.
    pub(super) fn forget_runs(&mut self) {
        self.pending.retain(|_, effect| !matches!(effect, Effect::Run { .. }));
    }

    pub(super) fn settled(&mut self, at: Timestamp, id: ActionId, how: &Settlement) {
        let Some(effect) = self.pending.remove(&id) else { return };
        let applied = matches!(how, Settlement::Applied);
        if applied && matches!(effect, Effect::Route(_)) {
            self.routed_at = Some(at);
            for entry in self.roster.values_mut() {
                if entry.standby == Standby::Until(id) {
                    entry.standby = Standby::No;
                }
            }
        }
        if applied {
            self.begun_beside(at, &effect);
        }
        let Some(entry) = effect.instance().and_then(|instance| self.roster.get_mut(instance))
        else {
            return;
        };
        if entry.pending == Some(id) {
            entry.pending = None;
        }
        if !applied {
            return;
        }
        match effect {
            Effect::Create { .. } => entry.made = entry.made.max(Made::Created),
            Effect::Start { .. } => entry.made = entry.made.max(Made::Started),
            Effect::Enrol { .. } => entry.traffic = Traffic::In,
            Effect::Drain { .. } => entry.traffic = Traffic::Drained(at),
            Effect::Detach { .. } => entry.traffic = Traffic::Out,
            Effect::Stop { .. } => entry.made = entry.made.max(Made::Stopped),
            Effect::Remove { .. } => entry.made = Made::Removed,
            Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }
}
