//! Modules: degraded before a stage that asks for it moves anything, restored after.

use super::{
    action::{Effect, ModuleSetting},
    note::WaitReason,
    phase::moving,
    subject::Subject,
    traffic,
    turn::Turn,
    view::View,
};
use crate::{
    plan::Stage,
    spec::{CheckedSpec, ModuleNeeds},
};

/// Sets the modules as the stage needs them. Returns whether everything it needs is in force.
pub(super) fn prepare(turn: &mut Turn<'_>, view: &View, spec: &CheckedSpec, stage: &Stage) -> bool {
    let wanted = setting_of(spec, &stage.modules);
    let is_set = set(turn, view, &wanted);
    let seen = view.modules_in_force();
    let is_degraded = |name: &&String| seen.is_some_and(|seen| seen.degraded.contains(*name));
    let missing: Vec<String> =
        stage.modules.require.iter().filter(|name| !is_degraded(name)).cloned().collect();
    let is_ready = is_set && missing.is_empty();
    if !is_ready {
        let stage = stage.name.clone();
        let (since, until) = moving::bound(turn, false);
        turn.wait(since, until, || WaitReason::Modules { stage, wanted, missing });
    }
    is_ready
}

/// Takes back every setting that is left, without waiting for it.
pub(super) fn restore(turn: &mut Turn<'_>, view: &View) {
    set(turn, view, &ModuleSetting::default());
}

fn setting_of(spec: &CheckedSpec, needs: &ModuleNeeds) -> ModuleSetting {
    ModuleSetting {
        degraded: needs.degrade.iter().cloned().collect(),
        breaker: if needs.breaker { spec.breaker } else { None },
    }
}

/// Sets the modules unless they are set. Returns whether the setting is in force. What was never set is as
/// if nothing were degraded.
fn set(turn: &mut Turn<'_>, view: &View, wanted: &ModuleSetting) -> bool {
    let decided = turn.state.modules.clone();
    if decided.clone().unwrap_or_default() != *wanted {
        turn.intend(Effect::Modules(wanted.clone()));
        return false;
    }
    if decided.is_none() {
        return true;
    }
    let limit = turn.setup.tuning.stale_after;
    let is_fresh = view.modules.as_ref().is_some_and(|seen| turn.now.since(seen.at) <= limit);
    let Some(seen) = view.modules_in_force().filter(|_| is_fresh) else { return false };
    if seen.setting == *wanted {
        return true;
    }
    // Somebody else, or a restart, has undone it.
    let is_pending = turn.state.pending_about(&Subject::Modules).is_some();
    let again_at = turn.state.modules_at.unwrap_or_default().after(traffic::AGAIN_AFTER);
    if !is_pending && again_at <= turn.now {
        turn.intend(Effect::Modules(wanted.clone()));
    } else if !is_pending {
        turn.wake(again_at);
    }
    false
}
