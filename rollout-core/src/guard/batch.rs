//! Counts over all instances, made once for a batch of actions and kept up to date from one to the next.
//!
//! In: the books before and after an action. Out: how many live and serve. Absent: rules.

use std::collections::BTreeMap;

use super::{
    book::{Book, Entry},
    rules::serves,
};
use crate::{
    ascending::Ascending,
    engine::Effect,
    id::{InstanceId, RevisionId},
    spec::Counting,
};

/// Counts of one batch; each is made when a rule first asks for it.
#[derive(Debug, Default)]
pub(super) struct Batch {
    live: Option<u64>,
    serving: Option<u64>,
    of_revision: Option<BTreeMap<Option<RevisionId>, u64>>,
}

/// What one instance adds to the counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    lives: bool,
    serves: bool,
    revision: Option<RevisionId>,
}

impl Part {
    fn of(book: &Book, instance: &InstanceId) -> Self {
        let entry = book.entries.get(instance);
        let lives = counts(book, entry) && book.live.contains_key(instance);
        let Some(entry) = entry else { return Self { lives, ..Self::default() } };
        Self { lives, serves: serves(book, entry), revision: entry.revision.clone() }
    }
}

/// Whether an instance that exists counts against the ceiling.
fn counts(book: &Book, entry: Option<&Entry>) -> bool {
    match book.limits.map_or(Counting::Strict, |limits| limits.counting) {
        Counting::Strict => true,
        Counting::Loose => entry.is_none_or(|entry| !entry.retired),
    }
}

impl Batch {
    /// Instances that count against the ceiling.
    pub(super) fn live(&mut self, book: &Book) -> u64 {
        *self.live.get_or_insert_with(|| {
            let mut entries = Ascending::new(&book.entries);
            book.live.keys().filter(|instance| counts(book, entries.get(instance))).count() as u64
        })
    }

    /// Instances that serve.
    pub(super) fn serving(&mut self, book: &Book) -> u64 {
        let is_one = |entry: &&Entry| serves(book, entry);
        *self.serving.get_or_insert_with(|| book.entries.values().filter(is_one).count() as u64)
    }

    /// Instances of a revision that serve.
    pub(super) fn serving_of(&mut self, book: &Book, revision: Option<&RevisionId>) -> u64 {
        let counted = self.of_revision.get_or_insert_with(|| {
            let mut counted = BTreeMap::new();
            for entry in book.entries.values().filter(|entry| serves(book, entry)) {
                *counted.entry(entry.revision.clone()).or_insert(0) += 1;
            }
            counted
        });
        counted.get(&revision.cloned()).copied().unwrap_or(0)
    }

    /// What the instance that `effect` is about adds before it; `None` if nothing was counted yet.
    pub(super) fn before(&self, book: &Book, effect: &Effect) -> Option<Part> {
        let is_counted =
            self.live.is_some() || self.serving.is_some() || self.of_revision.is_some();
        effect.instance().filter(|_| is_counted).map(|instance| Part::of(book, instance))
    }

    /// Takes note of an action that was let through; `before` is what its instance added before it.
    pub(super) fn after(&mut self, book: &Book, effect: &Effect, before: Option<Part>) {
        let (Some(before), Some(instance)) = (before, effect.instance()) else {
            // It is about no single instance: whoever asks next counts anew.
            *self = Self::default();
            return;
        };
        let after = Part::of(book, instance);
        let moved = |count: &mut u64, was: bool, is: bool| {
            *count = (*count + u64::from(is)).saturating_sub(u64::from(was));
        };
        if let Some(live) = &mut self.live {
            moved(live, before.lives, after.lives);
        }
        if let Some(serving) = &mut self.serving {
            moved(serving, before.serves, after.serves);
        }
        if let Some(counted) = &mut self.of_revision {
            for (part, is) in [(before, false), (after, true)] {
                if part.serves {
                    moved(counted.entry(part.revision).or_insert(0), !is, is);
                }
            }
        }
    }
}
