//! Ledger: what the journal says, folded by other code than the engine's.
//!
//! In: records in order. Out: what the invariants compare the ground truth with. Absent: the engine's
//! state; a bug there must not hide itself here.

mod fold;
mod limits;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollout_core::{
    engine::{Effect, End, ModuleSetting, Purpose, Route},
    id::{ActionId, Attempt, Epoch, HookRun, InstanceId, RevisionId},
    plan::Plan,
    spec::{CheckedSpec, Hook},
    time::Timestamp,
};

/// Who pauses and lets go on where the spec's calendar does.
pub const CALENDAR: &str = "the calendar";

/// What the journal says.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; a machine of their combinations is what the engine has"
)]
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Records so far.
    pub records: usize,
    /// The reign.
    pub epoch: Epoch,
    /// The attempt.
    pub attempt: Attempt,
    /// The plan under way.
    pub plan: Option<Arc<Plan>>,
    /// The spec under way.
    pub spec: Option<Arc<CheckedSpec>>,
    /// The last revision proven or adopted.
    pub stable: Option<RevisionId>,
    /// The revision on trial.
    pub candidate: Option<RevisionId>,
    /// What the attempt is for.
    pub purpose: Purpose,
    /// Whether the attempt began without a stable revision.
    pub first: bool,
    /// How many instances of stable there are to be after the way back.
    pub back: u64,
    /// How many instances of each revision there were to be, as submitted or resized last.
    pub sizes: BTreeMap<RevisionId, u64>,
    /// The stage that was entered last.
    pub stage: Option<usize>,
    /// Whether its counts and route were reached.
    pub reached: bool,
    /// How many of its gates were passed.
    pub passed: usize,
    /// Whether every gate that is left is passed by order.
    pub promoted: bool,
    /// The stage that is entered next by order, whatever gates are left.
    pub skips_to: Option<String>,
    /// Whether forward steps are stopped.
    pub paused: bool,
    /// Whether the spec's calendar stopped them.
    pub frozen: bool,
    /// Whether nothing goes out.
    pub halted: bool,
    /// Steps that the guard refused.
    pub vetoes: u64,
    /// Whether the rollout turned back, and when.
    pub aborted: Option<Timestamp>,
    /// Whether the candidate was proven in this attempt.
    pub proven: bool,
    /// Whether another revision waits for the end.
    pub queued: bool,
    /// Revisions that were ever submitted or queued.
    pub heard: BTreeSet<RevisionId>,
    /// How it ended.
    pub end: Option<End>,
    /// When it ended.
    pub ended: Timestamp,
    /// Floor and ceiling right before and after each resize.
    pub limits: Vec<(u64, u64)>,
    /// Most proven revisions that are remembered, by the spec proven last.
    pub history_limit: Option<u64>,
    /// Runs of hooks that were decided upon, in all attempts.
    pub runs: BTreeMap<HookRun, Run>,
    /// Times that it went on in this attempt.
    pub resumes: u64,
    /// Times that it went on in this attempt because a person said so.
    pub resumes_by_hand: u64,
    /// Modules were ever set, and how last.
    pub modules: Option<ModuleSetting>,
    /// Instances told to go, and until when they drain.
    pub retired: BTreeMap<InstanceId, Timestamp>,
    /// Instances that were told to go, there or not, and by which record.
    pub told_to_go: BTreeMap<InstanceId, usize>,
    /// Actions by number: the effect and whether it is settled.
    pub intents: BTreeMap<ActionId, (Effect, bool)>,
    /// The route that is known to have been set last.
    pub route: Option<Route>,
    /// Routes that may be in force or come into force yet: ordered, with no answer, and none that was
    /// ordered later is known to be set.
    pub routes_in_doubt: Vec<(ActionId, Route)>,
}

/// One run of a hook, as the journal has it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The hook.
    pub hook: Arc<Hook>,
    /// The attempt it was decided in.
    pub attempt: Attempt,
    /// Whether it has ended, and whether well.
    pub end: Option<bool>,
}
