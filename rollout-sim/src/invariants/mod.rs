//! Invariants: the promises of GUARANTEES.md, checked on ground truth after everything that happens.
//!
//! One file each. A new one is a file here and a line in [`all`]; it touches no other.

mod abort_at_once;
mod action_ids;
mod back_target;
mod backing;
mod beside;
mod ceiling;
mod clocks;
mod complete;
mod conservation;
mod dead_nodes;
mod deadlines;
mod drain_order;
mod ends;
mod evidence;
mod exposure;
mod fencing;
mod fixed_point;
mod floor;
mod foreign;
mod freeze;
mod gate_order;
mod halted;
mod history;
mod hooks_once;
mod intent_first;
mod keep_failed;
mod metrics;
mod modules;
mod no_op;
mod no_request_lost;
mod one_attempt;
mod one_reign;
mod order;
mod pinned;
mod referenced;
mod replay;
mod resize;
mod rolled_back;
mod stable_kept;
mod stable_pointer;
mod two_revisions;
mod undo_kept;
mod unhealthy_first;
mod unkept;
mod waits_named;

use std::fmt;

use rollout_core::{
    engine::{Action, OrderKind, Record, Status, Step, Wait},
    id::Mark,
    weight::Weight,
};

pub use crate::kinds::Kind;
use crate::{
    ledger::Ledger,
    world::{Condition, Receipt, Server, Tally, World},
};

/// One promise.
pub trait Invariant: Send {
    /// Its number and name in GUARANTEES.md.
    fn name(&self) -> &'static str;

    /// The kinds of moments at which it is checked.
    fn hears(&self) -> &'static [Kind] {
        &Kind::ALL
    }

    /// What an engine is asked for its sake, beside its work.
    fn asks(&self) -> Option<Question> {
        None
    }

    /// Checks it at one moment.
    ///
    /// # Errors
    ///
    /// [`Broken`] says what is so and what should be.
    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken>;
}

/// What an engine is asked for the sake of a promise, beside its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Where it stands, and where the one stands that its journal makes.
    Replay,
    /// What it waits for.
    Waits,
    /// What it makes of an order that it has taken already.
    Repeat,
}

/// Something that happened, and the truth right after it.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Virtual time in milliseconds.
    pub now: u64,
    /// Number of the engine's last step.
    pub step: u64,
    /// The ground truth.
    pub world: &'a World,
    /// Its numbers.
    pub tally: &'a Tally,
    /// Its numbers before.
    pub before: &'a Tally,
    /// What the journal says; for [`Happened::Recorded`], without that record.
    pub ledger: &'a Ledger,
    /// Whether an engine took time for passed that has not: its machine's clock was set forth while it was down,
    /// which nobody can tell from time. What waits by time alone may have been shorter.
    pub is_ahead: bool,
    /// What happened.
    pub happened: Happened<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Happened<'a> {
    /// The world changed without the engine.
    Changed,
    /// The engine was asked to decide; `alone`: nothing had come in but the time.
    Stepped {
        /// Whether nothing had come in but the time.
        alone: bool,
        /// Number of records and actions that came out.
        output: usize,
        /// Whether the world has been left alone since the rollout ended.
        quiet: bool,
    },
    /// An order was answered.
    Answered {
        /// The order.
        order: &'a OrderKind,
        /// Whether it was taken.
        taken: bool,
    },
    /// An order that had just been taken was given once more, on trial.
    Repeated {
        /// The order.
        order: &'a OrderKind,
        /// What came out.
        step: &'a Step,
    },
    /// The engine had nothing to do, and was asked what it waits for.
    Waiting(&'a [Wait]),
    /// A record became durable.
    Recorded(&'a Record),
    /// The records of the step were to become durable, and the store failed.
    NotKept,
    /// The engine ordered an action.
    Ordered(&'a Action),
    /// An engine that another one has taken over from ordered an action.
    Beside {
        /// The action.
        action: &'a Action,
        /// Whether it was told before that another one reigns.
        is_told: bool,
    },
    /// An attempt of such an engine reached the world.
    LandedBeside(&'a Landing<'a>),
    /// An attempt at an action reached the world.
    Landed(&'a Landing<'a>),
    /// An engine was made from the journal; the first status is that of the one before.
    Replayed(&'a Status, &'a Status),
    /// The rollout did not end in the time that it has.
    Overdue {
        /// When it should have ended at the latest, in milliseconds.
        limit: u64,
        /// What the engine says that it waits for.
        waits: &'a [Wait],
    },
}

/// An attempt that reached the world.
#[derive(Clone, Copy, Debug)]
pub struct Landing<'a> {
    /// The action.
    pub action: &'a Action,
    /// What the engine was bound to when it ordered the attempt.
    pub terms: Terms,
    /// What came of it.
    pub receipt: &'a Receipt,
    /// The instance it is about, before.
    pub target: Option<Target>,
}

/// What the engine was bound to when it ordered an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Number of the engine's step that ordered it.
    pub step: u64,
    /// When that was, in milliseconds.
    pub at: u64,
    /// Number of records before it.
    pub records: usize,
    /// When the last snapshot of the orchestrator was taken that the engine had, in milliseconds.
    pub shown: u64,
    /// Desired number of instances, there or back.
    pub desired: u64,
    /// Fewest serving instances.
    pub floor: u64,
    /// Most live instances.
    pub ceiling: u64,
    /// Number of resizes before it.
    pub resizes: usize,
    /// Whether those on their way out count.
    pub strict: bool,
    /// Instances that answered requests.
    pub capacity: u64,
    /// Largest share of the candidate.
    pub exposure: Option<Weight>,
    /// Most candidate instances.
    pub candidates: u64,
    /// Whether the rollout had turned back.
    pub aborted: bool,
}

impl Terms {
    /// Fewest serving instances: the least since it was ordered.
    #[must_use]
    pub fn least(&self, ledger: &Ledger) -> u64 {
        let since = ledger.limits.iter().skip(self.resizes).map(|(floor, _)| *floor);
        since.chain([self.floor, ledger.floor()]).min().unwrap_or_default()
    }

    /// Most live instances: the most since it was ordered.
    #[must_use]
    pub fn most(&self, ledger: &Ledger) -> u64 {
        let since = ledger.limits.iter().skip(self.resizes).map(|(_, ceiling)| *ceiling);
        since.chain([self.ceiling, ledger.ceiling()]).max().unwrap_or_default()
    }
}

/// An instance right before an attempt about it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How far it was.
    pub condition: Condition,
    /// Whether it answered.
    pub served: bool,
    /// Whether requests were sent to it.
    pub in_traffic: bool,
    /// Requests in flight on it.
    pub in_flight: u64,
    /// Its entry in the load balancer.
    pub server: Option<Server>,
}

/// A promise that does not hold: what is so, in words and numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// A promise that did not hold in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub invariant: &'static str,
    /// Seed of the run.
    pub seed: u64,
    /// Virtual time in milliseconds since the world began.
    pub at: u64,
    /// Number of changes of the world so far.
    pub mark: Mark,
    /// What is so, in words and numbers.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {} at {} ms: {} is broken: {}",
            self.seed, self.at, self.invariant, self.detail
        )
    }
}

/// Every invariant, fresh for one run.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(floor::Floor),
        Box::new(ceiling::Ceiling),
        Box::new(drain_order::DrainOrder),
        Box::new(referenced::Referenced),
        Box::new(conservation::Conservation),
        Box::new(backing::Backing),
        Box::new(exposure::Exposure),
        Box::new(gate_order::GateOrder),
        Box::new(stable_pointer::StablePointer),
        Box::new(two_revisions::TwoRevisions),
        Box::new(rolled_back::RolledBack),
        Box::new(complete::Complete),
        Box::new(stable_kept::StableKept),
        Box::new(replay::Replay),
        Box::new(action_ids::ActionIds),
        Box::new(intent_first::IntentFirst),
        Box::new(fencing::Fencing::default()),
        Box::new(fixed_point::FixedPoint::default()),
        Box::new(ends::Ends),
        Box::new(no_request_lost::NoRequestLost::default()),
        Box::new(beside::Beside),
        Box::new(hooks_once::HooksOnce),
        Box::new(modules::Modules),
        Box::new(freeze::Freeze),
        Box::new(resize::Resize),
        Box::new(evidence::Evidence),
        Box::new(halted::Halted),
        Box::new(undo_kept::UndoKept),
        Box::new(history::History),
        Box::new(keep_failed::KeepFailed),
        Box::new(floor::NoWorsening),
        Box::new(unhealthy_first::UnhealthyFirst::default()),
        Box::new(order::Order),
        Box::new(back_target::BackTarget),
        Box::new(no_op::NoOp),
        Box::new(pinned::Pinned::default()),
        Box::new(metrics::Metrics::default()),
        Box::new(waits_named::WaitsNamed),
        Box::new(deadlines::Deadlines::default()),
        Box::new(one_attempt::OneAttempt::default()),
        Box::new(foreign::Foreign::default()),
        Box::new(abort_at_once::AbortAtOnce::default()),
        Box::new(one_reign::OneReign),
        Box::new(clocks::Clocks::default()),
        Box::new(dead_nodes::DeadNodes),
        Box::new(unkept::Unkept::default()),
    ]
}

/// Says that a promise is broken unless `holds`; the words are made only then.
fn require(holds: bool, words: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(words())) }
}
