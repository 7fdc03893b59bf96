//! Why, for a person: what happened and what is waited for, with the numbers that were compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    action::{Effect, ModuleSetting, Port},
    outcome::Outcome,
    record::{Cause, End, Failure},
    route::Route,
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
    /// Until when at the latest, and what then; `None` for an operator's own wait.
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

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StageEntered { stage, candidate, stable } => {
                write!(f, "stage {stage}: to {candidate} candidate and {stable} stable instances")
            }
            Self::StageReached { stage } => write!(f, "stage {stage} reached"),
            Self::Available { available, wanted } => {
                write!(f, "{available} of {wanted} candidate instances available")
            }
            Self::InstanceFailed { instance, failure } => write!(f, "{instance} {failure}"),
            Self::InstanceLost { instance } => {
                write!(f, "{instance} is gone though nobody asked; it is replaced")
            }
            Self::DrainCut { instance, in_flight: Some(count) } => {
                write!(f, "{instance} still had {count} requests in flight at the drain deadline")
            }
            Self::DrainCut { instance, in_flight: None } => {
                write!(
                    f,
                    "{instance} was drained until the deadline; nobody can say what was in flight"
                )
            }
            Self::Proven { revision } => {
                write!(f, "{revision} is proven and is the stable revision now")
            }
            Self::TurnedBack { cause } => write!(f, "going back: {cause}"),
            Self::Ended { end } => write!(f, "{end}"),
            Self::Retrying { id, effect, outcome, .. } => write!(f, "{id} {effect}: {outcome}"),
            Self::NotStarted { revision, why } => write!(f, "{revision} was not started: {why}"),
            Self::Judged { metric, judgement } => write!(f, "metric {metric}: {judgement}"),
            Self::HookEnded { hook, run, failure: None } => {
                write!(f, "hook {hook} ({run}) has succeeded")
            }
            Self::HookEnded { hook, run, failure: Some(why) } => {
                write!(f, "hook {hook} ({run}) has failed: {why}")
            }
            Self::Skipped { from, to, by, why } => {
                write!(f, "skipped from stage {from} to {to} by order of {by}: {why}")
            }
            Self::Resized { from, to } => write!(f, "from {from} to {to} instances"),
            Self::Vetoed(veto) => write!(f, "the guard refused a step: {veto}"),
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("nothing was submitted"),
            Self::Ended { end } => write!(f, "{end}"),
            Self::Observation { port, age: None, why: None, .. } => {
                write!(f, "the first observation of the {port}")
            }
            Self::Observation { port, age: None, why: Some(why), .. } => {
                write!(f, "the first observation of the {port}: {why}")
            }
            Self::Observation { port, age: Some(age), limit, why } => {
                write!(
                    f,
                    "an observation of the {port}: the last is {age} old, the limit is {limit}"
                )?;
                match why {
                    Some(why) => write!(f, " ({why})"),
                    None => Ok(()),
                }
            }
            Self::Instances { revision, created, ready, available, wanted } => write!(
                f,
                "instances of {revision}: {available} of {wanted} available ({created} created, {ready} ready)"
            ),
            Self::Ceiling { live, ceiling } => {
                write!(f, "room for another instance: {live} live, ceiling {ceiling}")
            }
            Self::Floor { available, floor } => {
                write!(f, "spare capacity: {available} available, floor {floor}")
            }
            Self::Draining { instances, in_flight } => {
                write!(f, "{instances} instances on their way out, {in_flight} requests in flight")
            }
            Self::BatchDelay => f.write_str("the pause between batches"),
            Self::Route { wanted, in_force: Some(in_force) } => {
                write!(f, "the route {wanted}; in force is {in_force}")
            }
            Self::Route { wanted, in_force: None } => write!(f, "the route {wanted}"),
            Self::Hold { stage } => write!(f, "the hold of stage {stage}"),
            Self::Approval { stage } => {
                write!(f, "approval of stage {stage}, by the order `promote`")
            }
            Self::Health { stage, available, wanted } => {
                write!(f, "unbroken health in stage {stage}: {available} of {wanted} available")
            }
            Self::Window { stage, why } => write!(f, "the window of stage {stage}: {why}"),
            Self::Closed { why } => write!(f, "the calendar to open: {why}"),
            Self::Metric { metric, judgement } => {
                write!(f, "more readings of metric {metric}: {}", judgement.reason)
            }
            Self::Hook { hook, run, tries: (try_, of) } => {
                write!(f, "the end of hook {hook} ({run}, try {try_} of {of})")
            }
            Self::Modules { stage, wanted, missing } if missing.is_empty() => {
                write!(f, "the modules of stage {stage}: {wanted}")
            }
            Self::Modules { stage, missing, .. } => {
                write!(f, "somebody to degrade {} for stage {stage}", missing.join(", "))
            }
            Self::Halted { by, why: None } => write!(f, "the order `resume`: halted by {by}"),
            Self::Halted { by, why: Some(why) } => {
                write!(f, "the order `resume`: halted by {by}, {why}")
            }
            Self::KeptFailed { revision, instances } => {
                write!(f, "the end of inspection: {instances} instances of {revision} are kept")
            }
            Self::Verifying { available, wanted } => {
                write!(f, "unbroken health after the way back: {available} of {wanted} available")
            }
            Self::Paused { by, why: None } => write!(f, "the order `resume`: paused by {by}"),
            Self::Paused { by, why: Some(why) } => {
                write!(f, "the order `resume`: paused by {by}, {why}")
            }
            Self::Retry { id, effect, outcome, attempts } => {
                write!(f, "the next attempt at {id} {effect} after {attempts}: {outcome}")
            }
            Self::Vetoed { veto, refusals } => {
                write!(f, "another step than the guard refused {refusals} times: {veto}")
            }
        }
    }
}
