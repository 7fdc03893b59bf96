//! Shelf: the objects of one kind that belong to one workload, as far as they are known.
//!
//! In: events of a watch, lists, answers to own writes, in whatever order they come. Out: the newest of each.
//! An event older than what is known changes nothing.

use std::collections::BTreeMap;

use super::super::facts::{Facts, Version};

/// The objects of one kind that belong to one workload.
#[derive(Debug)]
pub(in crate::backend) struct Shelf<F> {
    objects: BTreeMap<String, F>,
    /// Everything up to this version is known, from a list of this workload alone.
    floor: Version,
}

impl<F> Default for Shelf<F> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), floor: Version::default() }
    }
}

/// What an object became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// Nothing that an observation shows.
    Same,
    /// Something else.
    Other,
}

impl<F: Facts> Shelf<F> {
    pub(in crate::backend) fn get(&self, name: &str) -> Option<&F> {
        self.objects.get(name)
    }

    pub(in crate::backend) fn iter(&self) -> impl Iterator<Item = (&String, &F)> {
        self.objects.iter()
    }

    pub(in crate::backend) fn values(&self) -> impl Iterator<Item = &F> {
        self.objects.values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Everything up to this version is known.
    pub(super) const fn floor(&self) -> Version {
        self.floor
    }

    /// An object was seen like this.
    pub(super) fn put(&mut self, name: &str, mut facts: F) -> Became {
        let Some(known) = self.objects.get(name) else {
            if facts.version() <= self.floor {
                return Became::Same;
            }
            self.objects.insert(name.to_owned(), facts);
            return Became::Other;
        };
        if facts.version() <= known.version() {
            return Became::Same;
        }
        facts.follow(known);
        let same = facts.shows_as(known);
        self.objects.insert(name.to_owned(), facts);
        if same { Became::Same } else { Became::Other }
    }

    /// An object was seen to be gone at `version`; what was known of it.
    pub(super) fn remove(&mut self, name: &str, version: Version) -> Option<F> {
        if version < self.objects.get(name)?.version() {
            return None;
        }
        self.objects.remove(name)
    }

    /// These are all objects as of `version`; returns those that are gone. A list of one workload says its
    /// version; a list that begins a watch does not, and everything known comes from before it.
    pub(super) fn replace(&mut self, all: BTreeMap<String, F>, version: Option<Version>) -> Vec<F> {
        if let Some(version) = version {
            self.floor = self.floor.max(version);
        }
        let is_gone = |(name, known): &(&String, &F)| {
            !all.contains_key(*name) && version.is_none_or(|version| known.version() <= version)
        };
        let gone: Vec<String> =
            self.objects.iter().filter(is_gone).map(|(name, _)| name.clone()).collect();
        let gone = gone.iter().filter_map(|name| self.objects.remove(name)).collect();
        for (name, facts) in all {
            match self.objects.get(&name) {
                Some(known) if facts.version() < known.version() => (),
                Some(known) => {
                    let mut facts = facts;
                    facts.follow(known);
                    self.objects.insert(name, facts);
                }
                None => {
                    self.objects.insert(name, facts);
                }
            }
        }
        gone
    }
}
