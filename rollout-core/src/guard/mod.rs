//! The independent checker of actions. Shares no code with the planner, the engine's capacity rules or
//! the fleet; it believes only what was observed and what it let through itself.

mod batch;
mod book;
mod counts;
mod in_place;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use self::book::Book;
use crate::{
    engine::{Action, Event, Record},
    id::ActionId,
    port::Capabilities,
    time::Timestamp,
};

/// The independent checker. It keeps books of its own on what was observed, what it let through and what
/// became of it, and checks every batch of actions against them before it is recorded and goes out.
#[derive(Clone, Debug)]
pub struct Guard {
    book: Book,
}

impl Guard {
    /// A guard that has seen nothing.
    #[must_use]
    pub fn new(capabilities: &Capabilities) -> Self {
        Self { book: Book::new(capabilities) }
    }

    /// Takes note of a fact that came in at `now`.
    pub fn witness(&mut self, now: Timestamp, event: &Event) {
        self.book.witness(now, event);
    }

    /// Takes note of a record that is durable now.
    pub fn commit(&mut self, record: &Record) {
        self.book.commit(record);
    }

    /// Checks a batch of actions, with the records that were decided with them.
    ///
    /// # Errors
    ///
    /// [`Veto`] names the first action that would break a rule.
    pub fn check(&self, actions: &[Action], records: &[Record]) -> Result<(), Veto> {
        if actions.is_empty() {
            return Ok(());
        }
        rules::check(&self.book, actions, records)
    }
}

/// A refusal of the guard: the rule, the action and the numbers compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Veto {
    /// The rule that would be broken.
    pub rule: Rule,
    /// The first action that would break it.
    pub action: ActionId,
    /// What would be so.
    pub value: u64,
    /// What the rule allows.
    pub limit: u64,
    /// The action, for people.
    pub detail: String,
}

/// What the guard checks. The names are those of GUARANTEES.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// P1: fewer serving instances than the floor.
    Floor,
    /// P3: more live instances than the ceiling.
    Ceiling,
    /// P5: a stop before the drain was confirmed.
    DrainOrder,
    /// T1: shares that do not make 100 %.
    Conservation,
    /// T2: a share without the capacity behind it.
    Backing,
    /// R3: traffic for more than two revisions.
    Revisions,
    /// C3: an action number used twice.
    Reuse,
    /// A module degraded that must be available.
    Availability,
    /// L7: an action though everything is halted.
    Halted,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "floor (P1)",
            Self::Ceiling => "ceiling (P3)",
            Self::DrainOrder => "drain order (P5)",
            Self::Conservation => "conservation of traffic (T1)",
            Self::Backing => "no weight without backing (T2)",
            Self::Revisions => "at most two revisions in traffic (R3)",
            Self::Reuse => "action numbers are never reused (C3)",
            Self::Availability => "what must be available is never degraded",
            Self::Halted => "nothing goes out while everything is halted (L7)",
        })
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} would break the rule {}: {} against a limit of {}",
            self.action, self.detail, self.rule, self.value, self.limit
        )
    }
}
