//! Imprints: what of an engine decides what it does next, short enough to tell millions of states apart.
//!
//! In: an engine, `now`, and whatever a caller adds about the world around it. Out: 128 bits, the same for
//! two engines whose futures are the same: times count by their age and no further than something waits
//! for them, numbers of marks and instances by their order,
//! actions by what they are about. Absent: texts for people.
//!
//! Every field is named here, so that a new one cannot be forgotten: it does not compile.

mod effect;
mod rollout;
mod state;

use std::{net::IpAddr, sync::Arc};

use super::{Engine, subject::Subject};
use crate::{
    id::{ActionId, InstanceId, Mark},
    map::Map,
    plan::Plan,
    spec::CheckedSpec,
    time::{Span, Timestamp},
};

/// An imprint in the making. One is made for many states, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Imprint {
    now: Timestamp,
    /// What ages are counted from: `now`, or when timers were stopped.
    reference: Timestamp,
    words: Vec<u64>,
    instances: Vec<InstanceId>,
    addresses: Vec<IpAddr>,
    actions: Vec<ActionId>,
    /// Places in `words` of marks of snapshots, of marks of writes, and of ordinals.
    snapshots: Vec<usize>,
    writes: Vec<usize>,
    ordinals: Vec<usize>,
    sorted: Vec<u64>,
    specs: Vec<Arc<CheckedSpec>>,
    plans: Vec<Arc<Plan>>,
}

impl Imprint {
    /// Begins the imprint of another state, at `now`.
    pub fn begin(&mut self, now: Timestamp) {
        self.now = now;
        self.reference = now;
        self.words.clear();
        self.instances.clear();
        self.addresses.clear();
        self.actions.clear();
        self.snapshots.clear();
        self.writes.clear();
        self.ordinals.clear();
    }

    /// Adds a number that counts as it is.
    pub fn word(&mut self, word: u64) {
        self.words.push(word);
    }

    /// Adds whether something is so.
    pub fn flag(&mut self, is_so: bool) {
        self.words.push(u64::from(is_so));
    }

    /// Adds a name.
    pub fn name(&mut self, name: &str) {
        // FNV-1a: names are few and short.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.words.push(hash);
    }

    /// Adds an instance by the order in which instances come up.
    pub fn instance(&mut self, instance: &InstanceId) {
        let known = self.instances.iter().position(|one| one == instance);
        let place = known.unwrap_or_else(|| {
            self.instances.push(instance.clone());
            self.instances.len() - 1
        });
        self.words.push(place as u64);
    }

    /// Adds an address by the order in which addresses come up.
    pub fn address(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return self.word(u64::MAX) };
        let known = self.addresses.iter().position(|one| *one == address);
        let place = known.unwrap_or_else(|| {
            self.addresses.push(address);
            self.addresses.len() - 1
        });
        self.words.push(place as u64);
    }

    /// Adds an action by the order in which actions come up. Which of two on different subjects was decided
    /// first makes no difference: attempts at them come in any order.
    pub fn action(&mut self, id: ActionId) {
        let place = self.place_of(id).unwrap_or_else(|| {
            self.actions.push(id);
            self.actions.len() - 1
        });
        self.words.push(place as u64);
    }

    /// The place of an action among those that came up.
    #[must_use]
    pub fn place_of(&self, id: ActionId) -> Option<usize> {
        self.actions.iter().position(|one| *one == id)
    }

    /// The actions of a map, those first that came up already, in the order in which they did.
    pub(crate) fn in_order<'a, T>(
        &self,
        actions: impl IntoIterator<Item = (&'a ActionId, &'a T)>,
    ) -> Vec<(ActionId, &'a T)> {
        let mut order: Vec<_> = actions.into_iter().map(|(id, what)| (*id, what)).collect();
        order.sort_by_cached_key(|(id, _)| (self.place_of(*id).unwrap_or(usize::MAX), *id));
        order
    }

    /// The entries of a map, those first whose instances came up already, in the order in which they did: by their
    /// names they would tell two states apart that differ in names alone.
    pub(crate) fn by_place<'a, T>(
        &self,
        instances: impl IntoIterator<Item = (&'a InstanceId, &'a T)>,
    ) -> Vec<(&'a InstanceId, &'a T)> {
        let mut entries: Vec<_> = instances.into_iter().collect();
        entries.sort_by_key(|(instance, _)| self.place_of_instance(instance));
        entries
    }

    pub(crate) fn place_of_instance(&self, instance: &InstanceId) -> usize {
        self.instances.iter().position(|one| one == instance).unwrap_or(usize::MAX)
    }

    /// The place of what is written to, where that is an instance that came up; the last of all places where not.
    #[must_use]
    pub fn place_of_subject(&self, subject: &Subject) -> usize {
        match subject {
            Subject::Instance(instance) => self.place_of_instance(instance),
            Subject::Pool(_)
            | Subject::Division
            | Subject::Route
            | Subject::Run(_)
            | Subject::Modules => usize::MAX,
        }
    }

    /// Adds what was ordered and not answered yet.
    pub(crate) fn pending(&mut self, pending: &Map<ActionId, crate::engine::Effect>) {
        self.word(pending.len() as u64);
        for (id, effect) in self.in_order(pending) {
            self.action(id);
            self.effect(effect);
        }
    }

    /// Adds the mark of a snapshot that was taken, or of the next one that will be. Only its order counts.
    pub fn snapshot(&mut self, mark: Mark) {
        self.snapshots.push(self.words.len());
        self.words.push(mark.0);
    }

    /// Adds the mark of a write. What counts is which snapshots show it.
    pub fn write(&mut self, mark: Mark) {
        self.writes.push(self.words.len());
        self.words.push(mark.0);
    }

    /// Adds how long ago `at` was, as far as `limit`: whatever is older counts the same.
    pub fn age(&mut self, at: Timestamp, limit: Span) {
        let age = |from: Timestamp| from.since(at).as_millis().min(limit.as_millis() + 1);
        let word =
            if self.now < at { u64::MAX - at.since(self.now).as_millis() } else { age(self.now) };
        self.words.push(word);
    }

    /// Adds how far ahead `at` lies: whatever is over counts the same.
    pub fn ahead(&mut self, at: Timestamp) {
        self.words.push(at.since(self.now).as_millis());
    }

    /// The imprint of everything added since [`Self::begin`].
    #[must_use]
    pub fn finish(&mut self) -> u128 {
        let Self { words, snapshots, writes, ordinals, sorted, .. } = self;
        rank(words, sorted, ordinals, &[]);
        rank(words, sorted, snapshots, writes);
        digest(words)
    }

    /// An age on the clock that stands still while forward steps are stopped.
    fn stopped_age(&mut self, at: Timestamp, limit: Span) {
        let now = std::mem::replace(&mut self.now, self.reference);
        self.age(at, limit);
        self.now = now;
    }

    fn ordinal(&mut self, ordinal: u64) {
        self.ordinals.push(self.words.len());
        self.words.push(ordinal);
    }

    /// Adds which of the specs met so far it is, or that it is a new one.
    fn spec(&mut self, spec: &Arc<CheckedSpec>) {
        let place = place_of(&mut self.specs, spec);
        self.word(place);
    }

    fn plan(&mut self, plan: &Arc<Plan>) {
        let place = place_of(&mut self.plans, plan);
        self.word(place);
    }
}

fn place_of<T: PartialEq>(known: &mut Vec<Arc<T>>, one: &Arc<T>) -> u64 {
    let same = known.iter().position(|other| Arc::ptr_eq(other, one));
    let place = same.or_else(|| known.iter().position(|other| other == one)).unwrap_or_else(|| {
        known.push(Arc::clone(one));
        known.len() - 1
    });
    place as u64
}

/// Puts in place of each number how many of those at `scale` are below it.
fn rank(words: &mut [u64], sorted: &mut Vec<u64>, scale: &[usize], others: &[usize]) {
    sorted.clear();
    sorted.extend(scale.iter().map(|place| words[*place]));
    sorted.sort_unstable();
    sorted.dedup();
    for place in scale.iter().chain(others) {
        words[*place] = sorted.partition_point(|number| *number < words[*place]) as u64;
    }
}

/// Two folded-multiply hashes side by side. Not against an adversary: against chance.
fn digest(words: &[u64]) -> u128 {
    let fold = |hash: u64, word: u64, key: u64| {
        let product = u128::from(hash ^ word) * u128::from(key);
        let (low, high) = (product & u128::from(u64::MAX), product >> 64);
        u64::try_from(low ^ high).unwrap_or_default()
    };
    let (mut low, mut high) = (0x9e37_79b9_7f4a_7c15_u64, words.len() as u64);
    for word in words {
        low = fold(low.rotate_left(23), *word, 0xa076_1d64_78bd_642f);
        high = fold(
            high.rotate_left(31),
            word.wrapping_add(0xe703_7ed1_a0b4_28db),
            0x8ebc_6af0_9c88_c6e3,
        );
    }
    u128::from(low) | (u128::from(high) << 64)
}

impl Engine {
    /// Adds to `imprint` everything of this engine that decides what it does next.
    pub fn imprint(&self, imprint: &mut Imprint) {
        let Self { setup, state, view, guard } = self;
        imprint.reference =
            state.paused.as_ref().map_or(imprint.now, |paused| paused.at.min(imprint.now));
        let limits = Limits::of(setup, state);
        state.imprint(imprint, &limits);
        view.imprint(imprint, state, &limits);
        guard.imprint(imprint);
    }
}

/// How long the past counts, by what waits for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Until an observation is too old.
    pub(crate) stale: Span,
    /// Until a failed instance is replaced at the latest.
    pub(crate) retry: Span,
    /// Until a drain is over at the latest.
    pub(crate) drain: Span,
    /// Until the longest gate has passed or failed.
    pub(crate) gate: Span,
    /// Until the longest check of health has passed.
    pub(crate) health: Span,
    /// Until a standstill ends the way there or back.
    pub(crate) progress: Span,
}
