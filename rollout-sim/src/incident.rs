//! Incidents: everything that goes wrong, or is ordered, in one run, as a list that can be written down.
//!
//! In: what the fault classes draw. Out: the same, one incident each, so that a run can be played again
//! without drawing anything, and with any of them left out. Times are milliseconds since the world began.

use std::{collections::BTreeSet, fmt};

use rollout_core::{
    engine::OrderKind,
    id::{HookRun, InstanceId, RevisionId},
};
use serde::{Deserialize, Serialize};

use crate::world::{Life, Truth};

/// One thing that goes wrong, or is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Incident {
    /// A revision is not what it should be, from its submission on.
    Truth {
        /// The revision.
        revision: RevisionId,
        /// What is true of it.
        truth: Truth,
    },
    /// An instance does something else from its start on than it was to do.
    Life {
        /// The instance.
        instance: InstanceId,
        /// What it does.
        life: Life,
    },
    /// A run of a hook goes wrong.
    Hook {
        /// Its key.
        run: HookRun,
        /// Time it takes longer.
        longer: u64,
        /// Whether it ends badly.
        fails: bool,
        /// Whether whoever runs it forgets it.
        forgotten: bool,
    },
    /// An attempt at an action goes another way than it should.
    Attempt {
        /// The effect, in words.
        effect: String,
        /// Which attempt at it, from 1.
        nth: u32,
        /// What happens to it.
        fate: Fate,
    },
    /// A look at something shows nothing, or shows it late: the first one at that time or after it.
    Sight {
        /// What is looked at.
        what: String,
        /// When.
        at: u64,
        /// What happens to it.
        sight: Sight,
    },
    /// The engine crashes while it carries out a decision: the first one at that time or after it.
    Crash {
        /// When.
        at: u64,
        /// Where.
        point: CrashPoint,
    },
    /// Something is done at a time.
    Deed {
        /// When.
        at: u64,
        /// What.
        deed: Deed,
    },
}

/// What happens to an attempt. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fate {
    /// Time from order to effect.
    pub there: u64,
    /// Time from effect to answer.
    pub back: u64,
    /// Whether it reaches the world.
    pub arrives: bool,
    /// What comes back.
    pub answer: Answer,
}

/// What comes back from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// What the world says.
    Honest,
    /// Nothing; the attempt is given up after this long, in milliseconds.
    Lost(u64),
    /// A refusal: too busy.
    Busy,
}

/// What happens to an observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sight {
    /// Time from snapshot to delivery, in milliseconds.
    pub lag: u64,
    /// Whether there is no answer.
    pub fails: bool,
}

/// Where in carrying out a decision the engine crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CrashPoint {
    /// Before the records are durable.
    BeforeAppend,
    /// After they are, before they are committed.
    BeforeCommit,
    /// After they were committed and this many actions were attempted.
    AfterAttempts(usize),
}

/// Something that is done at a time, by the environment or by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Deed {
    /// A person gives an order that needs no more than words.
    Order(OrderKind),
    /// A person submits a revision.
    Submit {
        /// The revision.
        revision: RevisionId,
        /// Whether with the spec that the run began with, rather than the one under way.
        anew: bool,
    },
    /// The process of an instance dies.
    Kill {
        /// The instance.
        instance: InstanceId,
        /// Exit code.
        code: i64,
    },
    /// An instance vanishes.
    Lose(InstanceId),
    /// An instance does not answer for a while.
    Unready {
        /// The instance.
        instance: InstanceId,
        /// How long, in milliseconds.
        length: u64,
    },
    /// The load balancer starts anew and forgets everything.
    RestartLoadBalancer,
    /// Somebody else degrades these modules, and no others.
    Degrade(BTreeSet<String>),
    /// The engine crashes.
    Crash,
    /// Another engine takes over; the one before goes on beside it.
    TakeOver {
        /// How long, in milliseconds.
        length: u64,
    },
    /// The store of the journal fails every append.
    StopJournal {
        /// How long, in milliseconds.
        length: u64,
    },
    /// The machine of the engine starts anew, and its clock shows another time.
    SetClock {
        /// How far it is set forth, in milliseconds; back, if negative.
        by: i64,
    },
    /// A node dies with every instance on it, for ever.
    LoseNode(u32),
}

impl Deed {
    /// Whether a person does it, rather than the environment.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        match self {
            Self::Order(_) | Self::Submit { .. } => true,
            Self::Kill { .. }
            | Self::Lose(_)
            | Self::Unready { .. }
            | Self::RestartLoadBalancer
            | Self::Degrade(_)
            | Self::Crash
            | Self::TakeOver { .. }
            | Self::StopJournal { .. }
            | Self::SetClock { .. }
            | Self::LoseNode(_) => false,
        }
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth { revision, truth } => write!(f, "{revision} is {truth:?}"),
            Self::Life { instance, life } => match (life.serves_after, life.crashes_after) {
                (_, Some(after)) => write!(f, "{instance} crashes {after} ms after its start"),
                (Some(after), None) => write!(f, "{instance} takes {after} ms to start"),
                (None, None) => write!(f, "{instance} never answers"),
            },
            Self::Hook { run, longer, fails, forgotten } => {
                write!(f, "hook run {run}")?;
                match (fails, forgotten) {
                    (true, _) => write!(f, " fails"),
                    (false, true) => write!(f, " is forgotten"),
                    (false, false) => write!(f, " takes {longer} ms longer"),
                }
            }
            Self::Attempt { effect, nth, fate } => write!(f, "attempt {nth} at `{effect}` {fate}"),
            Self::Sight { what, at, sight: Sight { fails: true, .. } } => {
                write!(f, "from {at} ms on one look at the {what} shows nothing")
            }
            Self::Sight { what, at, sight } => {
                write!(f, "from {at} ms on one look at the {what} comes {} ms late", sight.lag)
            }
            Self::Crash { at, point } => {
                write!(f, "from {at} ms on the engine crashes at its next decision, ")?;
                match point {
                    CrashPoint::BeforeAppend => write!(f, "before it is durable"),
                    CrashPoint::BeforeCommit => write!(f, "once it is durable"),
                    CrashPoint::AfterAttempts(count) => write!(f, "after {count} attempts"),
                }
            }
            Self::Deed { at, deed } => write!(f, "at {at} ms {deed}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = self.there;
        match (self.answer, self.arrives) {
            (Answer::Busy, _) => write!(f, "is refused: too busy"),
            (Answer::Lost(after), true) => {
                write!(f, "lands after {there} ms, given up after {after} ms without an answer")
            }
            (Answer::Lost(_), false) => write!(f, "never lands and has no answer"),
            (Answer::Honest, _) => {
                write!(f, "lands after {there} ms, answered {} ms later", self.back)
            }
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(kind) => {
                f.write_str("a person orders ")?;
                crate::transcript::order(f, kind)
            }
            Self::Submit { revision, .. } => write!(f, "a person submits {revision}"),
            Self::Kill { instance, code } => write!(f, "{instance} dies with exit code {code}"),
            Self::Lose(instance) => write!(f, "{instance} vanishes"),
            Self::Unready { instance, length } => {
                write!(f, "{instance} does not answer for {length} ms")
            }
            Self::RestartLoadBalancer => write!(f, "the load balancer starts anew, empty"),
            Self::Degrade(modules) if modules.is_empty() => {
                write!(f, "somebody else degrades no module any more")
            }
            Self::Degrade(modules) => {
                let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
                write!(f, "somebody else degrades {}", modules.join(", "))
            }
            Self::Crash => write!(f, "the engine crashes"),
            Self::TakeOver { length } => {
                write!(f, "another engine takes over, and the one before goes on for {length} ms")
            }
            Self::StopJournal { length } => write!(f, "the journal takes nothing for {length} ms"),
            Self::SetClock { by } => {
                let (by, way) = (by.unsigned_abs(), if *by < 0 { "back" } else { "forth" });
                write!(f, "the engine's machine starts anew, its clock set {way} by {by} ms")
            }
            Self::LoseNode(node) => write!(f, "node {node} dies with everything on it"),
        }
    }
}
