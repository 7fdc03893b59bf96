//! Look-ups in the order of the keys: one walk beside another one instead of a search for each.

use std::{cmp::Ordering, iter::Peekable};

/// Looks up keys that come in their order, each from where the last one was.
pub(crate) struct Ascending<I: Iterator> {
    rest: Peekable<I>,
}

impl<'a, K: Ord + 'a, V: 'a, I: Iterator<Item = (&'a K, &'a V)>> Ascending<I> {
    /// Looks up in `entries`, which come in the order of their keys.
    pub(crate) fn new(entries: impl IntoIterator<IntoIter = I>) -> Self {
        Self { rest: entries.into_iter().peekable() }
    }

    /// The value of `key`, which is not below the one before.
    pub(crate) fn get(&mut self, key: &K) -> Option<&'a V> {
        while let Some((next, value)) = self.rest.peek() {
            match (*next).cmp(key) {
                Ordering::Less => {
                    self.rest.next();
                }
                Ordering::Equal => return Some(value),
                Ordering::Greater => return None,
            }
        }
        None
    }
}
