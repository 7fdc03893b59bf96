//! Why, for a person: what happened and what is waited for, with the numbers that were compared.

mod text;

use serde::{Deserialize, Serialize};

use super::{
    action::{Effect, ModuleSetting},
    outcome::Outcome,
    record::{Cause, End, Failure},
    route::Route,
    subject::Port,
};
use crate::{
    guard::Veto,
    id::{ActionId, HookRun, InstanceId, RevisionId},
    judge::Judgement,
    time::{Span, Timestamp},
};

/// Something that happened, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// A stage began.
    StageEntered {
        /// Its name.
        stage: String,
        /// Candidate instances to reach.
        candidate: u64,
        /// Stable instances to reach.
        stable: u64,
    },
    /// A stage's counts and route are reached.
    StageReached {
        /// Its name.
        stage: String,
    },
    /// An instance became available.
    Available {
        /// Candidate instances available.
        available: u64,
        /// Candidate instances wanted in this stage.
        wanted: u64,
    },
    /// An instance failed.
    InstanceFailed {
        /// The instance.
        instance: InstanceId,
        /// How.
        failure: Failure,
    },
    /// Instances of a pool that its backend keeps by count failed.
    PoolFailed {
        /// The pool's revision.
        revision: RevisionId,
        /// All of them so far, as the backend counts them.
        failed: u64,
        /// The orchestrator's own words for the last of them.
        why: Option<String>,
    },
    /// An instance was taken by the environment and will be replaced.
    InstanceLost {
        /// The instance.
        instance: InstanceId,
    },
    /// A drain ended at its deadline with requests in flight.
    DrainCut {
        /// The instance.
        instance: InstanceId,
        /// Requests that were in flight.
        in_flight: Option<u64>,
    },
    /// The candidate became the stable revision.
    Proven {
        /// The candidate.
        revision: RevisionId,
    },
    /// The rollout turned back.
    TurnedBack {
        /// Why.
        cause: Cause,
    },
    /// The rollout ended.
    Ended {
        /// How.
        end: End,
    },
    /// An attempt did not succeed and will be made again.
    Retrying {
        /// The action.
        id: ActionId,
        /// What was to be so.
        effect: Effect,
        /// What came of the attempt.
        outcome: Outcome,
        /// When the next attempt is made.
        again_at: Timestamp,
    },
    /// A revision that waited was dropped.
    NotStarted {
        /// The revision.
        revision: RevisionId,
        /// Why.
        why: String,
    },
    /// A metric has said enough.
    Judged {
        /// Its name.
        metric: String,
        /// What it said, with the numbers compared.
        judgement: Judgement,
    },
    /// A run of a hook has ended.
    HookEnded {
        /// Name of the hook.
        hook: String,
        /// The run.
        run: HookRun,
        /// What went wrong, if anything did.
        failure: Option<String>,
    },
    /// Stages were skipped by order.
    Skipped {
        /// Name of the stage left.
        from: String,
        /// Name of the stage entered.
        to: String,
        /// Who ordered it.
        by: String,
        /// Why.
        why: String,
    },
    /// The number of instances was changed.
    Resized {
        /// From so many.
        from: u64,
        /// To so many.
        to: u64,
    },
    /// The guard refused a step.
    Vetoed(Veto),
}

/// One reason why nothing moves now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What is waited for.
    pub reason: WaitReason,
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest, and what then. `None` where there is no limit: what only a person ends
    /// (idle, ended, halted, paused, an approval without a deadline), a calendar that never opens again,
    /// what nobody can see, and what is kept right after the end or during a pause.
    pub until: Option<(Timestamp, Expiry)>,
}

/// What happens when a wait takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// The next step is taken.
    GoesOn,
    /// The rollout goes back.
    RollsBack,
    /// The rollout pauses.
    Pauses,
    /// The rollout ends and asks for an operator.
    NeedsOperator,
    /// The attempt is made again.
    Retries,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// The reign of this engine has not begun.
    Unclaimed,
    /// Nothing was submitted.
    Idle,
    /// The rollout has ended.
    Ended {
        /// How.
        end: End,
    },
    /// A first snapshot of the world, or one that is not too old.
    Observation {
        /// Of this port.
        port: Port,
        /// Age of the last one; `None` if there was none.
        age: Option<Span>,
        /// Oldest one that is acted on.
        limit: Span,
        /// Why the last attempt failed.
        why: Option<String>,
    },
    /// Instances becoming available.
    Instances {
        /// Their revision.
        revision: RevisionId,
        /// How many exist and are not on their way out.
        created: u64,
        /// How many answer their probe.
        ready: u64,
        /// How many have done so for `min_ready` and are enrolled.
        available: u64,
        /// How many are wanted.
        wanted: u64,
    },
    /// Room below the ceiling.
    Ceiling {
        /// Instances that count.
        live: u64,
        /// Most there may be.
        ceiling: u64,
    },
    /// Capacity above the floor.
    Floor {
        /// Instances available.
        available: u64,
        /// Fewest there must be.
        floor: u64,
    },
    /// Instances on their way out.
    Draining {
        /// How many.
        instances: u64,
        /// Requests in flight on them, as far as known.
        in_flight: u64,
    },
    /// The pause between batches.
    BatchDelay,
    /// The route getting into force.
    Route {
        /// The route that was set.
        wanted: Route,
        /// The route in force.
        in_force: Option<Route>,
    },
    /// The time of a hold gate.
    Hold {
        /// The stage.
        stage: String,
    },
    /// A person's approval, by the order `promote`.
    Approval {
        /// The stage.
        stage: String,
    },
    /// Unbroken health of every candidate instance.
    Health {
        /// The stage.
        stage: String,
        /// Candidate instances available.
        available: u64,
        /// Candidate instances wanted.
        wanted: u64,
    },
    /// A window gate's calendar to open.
    Window {
        /// The stage.
        stage: String,
        /// Why it is closed.
        why: String,
    },
    /// The spec's calendar to open. The order `resume` overrides it.
    Closed {
        /// Why it is closed.
        why: String,
    },
    /// More readings of a metric.
    Metric {
        /// Its name.
        metric: String,
        /// What it says so far.
        judgement: Judgement,
    },
    /// The end of a run of a hook.
    Hook {
        /// Name of the hook.
        hook: String,
        /// The run.
        run: HookRun,
        /// Which try it is, from 1, and how many there may be.
        tries: (u32, u32),
    },
    /// The modules getting into force, or somebody degrading those that the stage requires.
    Modules {
        /// The stage.
        stage: String,
        /// The setting that was ordered.
        wanted: ModuleSetting,
        /// Modules that somebody else must degrade and has not.
        missing: Vec<String>,
    },
    /// The order `resume`, without which nothing goes out at all.
    Halted {
        /// Who halted it.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// The end of the time in which the failed candidate is kept for inspection.
    KeptFailed {
        /// The candidate.
        revision: RevisionId,
        /// Instances kept, at weight 0.
        instances: u64,
    },
    /// Unbroken health of the stable revision, to be sure of the way back.
    Verifying {
        /// Stable instances available.
        available: u64,
        /// Stable instances wanted.
        wanted: u64,
    },
    /// The order `resume`.
    Paused {
        /// Who paused.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// The answer to an action that is under way.
    Answer {
        /// The action.
        id: ActionId,
        /// What is to be so.
        effect: Effect,
    },
    /// An observation that shows what was answered.
    Sight {
        /// Of this port.
        port: Port,
        /// Age of the last one.
        age: Span,
    },
    /// The next attempt at an action that did not succeed.
    Retry {
        /// The action.
        id: ActionId,
        /// What is to be so.
        effect: Effect,
        /// What came of the last attempt.
        outcome: Outcome,
        /// Attempts so far.
        attempts: u32,
    },
    /// Another try at a step that the guard refused.
    Vetoed {
        /// What it refused.
        veto: Veto,
        /// Refusals without a step in between.
        refusals: u32,
    },
}
