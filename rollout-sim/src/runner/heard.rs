//! What an engine heard and what it decided, kept so that another one can be asked the same.
//!
//! In: every step of a run. Out: a list of [`Heard`]. Absent: the world, which answered already.

use rollout_core::{
    engine::{Event, Step},
    time::Timestamp,
};

/// One thing that happened to the engine of a run.
#[derive(Clone, Debug)]
pub enum Heard {
    /// An engine began, made from the journal.
    Began,
    /// It took in a fact.
    Took(Box<Took>),
}

/// A fact that was taken in, and what was decided on it.
#[derive(Clone, Debug)]
pub struct Took {
    /// When.
    pub at: Timestamp,
    /// The fact.
    pub event: Event,
    /// What was decided.
    pub step: Step,
    /// Whether its records were made durable; otherwise the engine ended before.
    pub kept: bool,
}

/// Keeps what is heard, where that is wanted.
#[derive(Debug, Default)]
pub(super) struct Hearing(Option<Vec<Heard>>);

impl Hearing {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self(is_wanted.then(Vec::new))
    }

    /// Another engine begins.
    pub(super) fn began(&mut self) {
        if let Some(heard) = &mut self.0 {
            heard.push(Heard::Began);
        }
    }

    /// The fact, kept before the engine takes it.
    pub(super) fn fact(&self, event: &Event) -> Option<Event> {
        self.0.is_some().then(|| event.clone())
    }

    /// The engine took in a fact.
    pub(super) fn took(&mut self, at: Timestamp, event: Option<Event>, step: &Step) {
        if let (Some(heard), Some(event)) = (&mut self.0, event) {
            let took = Took { at, event, step: step.clone(), kept: true };
            heard.push(Heard::Took(Box::new(took)));
        }
    }

    /// What was decided last never became durable.
    pub(super) fn lost(&mut self) {
        if let Some(Heard::Took(last)) = self.0.as_mut().and_then(|heard| heard.last_mut()) {
            last.kept = false;
        }
    }

    pub(super) fn into_all(self) -> Vec<Heard> {
        self.0.unwrap_or_default()
    }
}
