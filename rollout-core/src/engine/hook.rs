//! Hooks: jobs outside the engine, each run begun once by its key, asked for until it ends or is too late.

use std::sync::Arc;

use super::{
    action::Effect,
    event::HookState,
    note::{Expiry, Note, WaitReason},
    phase::moving,
    record::Change,
    state::{Run, RunEnd, Walk},
    subject::Subject,
    turn::Turn,
};
use crate::{
    id::HookRun,
    spec::{Hook, HookFailure},
    time::Timestamp,
};

/// Where a hook stands.
pub(super) enum Stand {
    /// It has not ended.
    Waits,
    /// It has ended well, or its failure does not matter.
    Passed,
    /// Its last try has failed, for this reason.
    Failed(String),
}

/// Brings the hook at `place` of the attempt one step further: begins it, waits for it, tries it again. What an
/// earlier round has begun is waited for before another one begins.
pub(super) fn drive(turn: &mut Turn<'_>, place: &str, hook: &Hook) -> Stand {
    let mut last = String::new();
    let rounds = turn.state.rollout.as_ref().map_or(0, |rollout| rollout.rounds);
    let tries =
        (0..=rounds).flat_map(|round| (0..=hook.retries).map(move |number| (round, number)));
    for (round, number) in tries {
        let run = run_of(turn, place, round, number);
        let known = turn.state.rollout.as_ref().and_then(|rollout| rollout.runs.get(&run));
        match known.cloned() {
            None if round < rounds => {}
            None => {
                turn.intend(Effect::Run { run, hook: Arc::new(hook.clone()) });
                return Stand::Waits;
            }
            Some(Run { end: Some(RunEnd::Succeeded), .. }) => return Stand::Passed,
            Some(Run { end: Some(RunEnd::Failed(failure)), .. }) => last = failure,
            Some(Run { end: None, since, .. }) => {
                let until = since.after(hook.deadline);
                if turn.now < until {
                    say(turn, hook, run, number, (since, until));
                    return Stand::Waits;
                }
                last = format!("it did not end within {}", hook.deadline);
                ended(turn, &run, Some(last.clone()));
            }
        }
    }
    match hook.on_failure {
        HookFailure::Ignore => Stand::Passed,
        HookFailure::Fail => Stand::Failed(last),
    }
}

/// What becomes of a try that does not end well: another one, or what the failure of the last means. Beside
/// the way back it changes nothing.
fn expiry(turn: &Turn<'_>, hook: &Hook, number: u32) -> Expiry {
    match (&turn.state.rollout, hook.on_failure) {
        _ if number < hook.retries => Expiry::Retries,
        (Some(rollout), HookFailure::Fail) if rollout.walk != Walk::Reverting => {
            moving::expiry(rollout)
        }
        (Some(_) | None, HookFailure::Fail | HookFailure::Ignore) => Expiry::GoesOn,
    }
}

/// Says which run is waited for.
fn say(
    turn: &mut Turn<'_>,
    hook: &Hook,
    run: HookRun,
    number: u32,
    (since, until): (Timestamp, Timestamp),
) {
    let tries = (number.saturating_add(1), hook.retries.saturating_add(1));
    let then = expiry(turn, hook, number);
    let hook = hook.name.clone();
    turn.wait(since, Some((until, then)), || WaitReason::Hook { hook, run, tries });
}

/// Most characters of a stage's name in a key.
const SLUG_LIMIT: usize = 24;

/// The name of a stage in the letters of a key. What a key cannot hold is left out, and a short sum of the
/// whole name tells such names apart.
pub(super) fn slug(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let plain: String = name.chars().filter(is_plain).take(SLUG_LIMIT).collect();
    if plain == name {
        return plain;
    }
    // FNV-1a, 32 bits: offset basis 2166136261, prime 16777619.
    let sum = name
        .bytes()
        .fold(2_166_136_261_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619));
    format!("{plain}{sum:08x}")
}

/// The key of a run: the same for every engine that comes to this point of the attempt.
fn run_of(turn: &Turn<'_>, place: &str, round: u32, number: u32) -> HookRun {
    let attempt = turn.state.rollout.as_ref().map_or(0, |rollout| rollout.attempt.0);
    let workload = &turn.setup.workload;
    HookRun::new(format!("{workload}-{attempt}-{place}-{round}-{number}"))
        .expect("a name of at most 63 characters and five numbers make a name")
}

/// Takes in how a run stands. An answer about one that has ended already changes nothing.
pub(super) fn polled(turn: &mut Turn<'_>, run: &HookRun, state: HookState) {
    let is_open = turn
        .state
        .under_way()
        .and_then(|rollout| rollout.runs.get(run))
        .is_some_and(|run| run.end.is_none());
    let failure = match state {
        HookState::Running => return,
        HookState::Succeeded => None,
        HookState::Failed { detail } => Some(detail),
        HookState::Missing => Some("what became of it nobody can say".to_owned()),
    };
    if is_open {
        ended(turn, run, failure);
    }
}

/// Records the end of a run.
pub(super) fn ended(turn: &mut Turn<'_>, run: &HookRun, failure: Option<String>) {
    let hook = turn.state.rollout.as_ref().and_then(|rollout| rollout.runs.get(run));
    let hook = hook.map_or_else(String::new, |run| run.hook.name.clone());
    turn.take_back(&Subject::Run(run.clone()));
    turn.note(Note::HookEnded { hook, run: run.clone(), failure: failure.clone() });
    turn.record(Change::HookEnded { run: run.clone(), failure });
}
