//! An ordered map that costs little to copy: a copy shares with its original what neither has changed since.
//!
//! Neighbours lie together in chunks, each behind a counted pointer; whoever changes a chunk that is shared
//! copies it first. So a draft of what lasts costs what it changes. In: keys and values. Out: the same in the
//! order of the keys.

pub(crate) mod set;

use std::{collections::BTreeMap, fmt, slice, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most entries of a chunk: a copy of one costs about as much as a hundred look-ups.
const MOST: usize = 64;

/// An ordered map that costs little to copy.
#[derive(Clone)]
pub(crate) struct Map<K, V> {
    chunks: Vec<Chunk<K, V>>,
    len: usize,
}

/// Neighbours, in their order; never none.
#[derive(Clone)]
struct Chunk<K, V> {
    /// No key of it is below this one, and every key of those before it is.
    from: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.place_of(key).is_ok()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (chunk, at) = self.place_of(key).ok()?;
        Some(&self.chunks[chunk].entries[at].1)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place_of(key).ok()?;
        Some(self.value_at(place))
    }

    /// The value of `key`, made if need be.
    pub(crate) fn or_default(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        let place = match self.place_of(key) {
            Ok(place) => place,
            Err(gap) => self.fill(gap, key.clone(), V::default()),
        };
        self.value_at(place)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place_of(&key) {
            Ok(place) => *self.value_at(place) = value,
            Err(gap) => {
                self.fill(gap, key, value);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (chunk, at) = self.place_of(key).ok()?;
        let entries = Arc::make_mut(&mut self.chunks[chunk].entries);
        let (_, value) = entries.remove(at);
        if entries.is_empty() {
            self.chunks.remove(chunk);
        }
        self.len -= 1;
        Some(value)
    }

    /// Drops whatever `keep` does not pick; what it picks wholly stays shared.
    pub(crate) fn retain(&mut self, keep: impl Fn(&K, &V) -> bool) {
        let keep = |(key, value): &(K, V)| keep(key, value);
        for chunk in &mut self.chunks {
            if !chunk.entries.iter().all(keep) {
                Arc::make_mut(&mut chunk.entries).retain(keep);
            }
        }
        self.chunks.retain(|chunk| !chunk.entries.is_empty());
        self.len = self.chunks.iter().map(|chunk| chunk.entries.len()).sum();
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        let chunks = self.chunks.iter_mut();
        let entries = chunks.flat_map(|chunk| Arc::make_mut(&mut chunk.entries).iter_mut());
        entries.map(|(key, value)| (&*key, value))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// The chunk of `key` and its place there, or where it would be.
    fn place_of(&self, key: &K) -> Result<(usize, usize), (usize, usize)> {
        let above = self.chunks.partition_point(|chunk| chunk.from <= *key);
        let place = above.saturating_sub(1);
        let Some(chunk) = self.chunks.get(place) else { return Err((0, 0)) };
        let found = chunk.entries.binary_search_by(|(one, _)| one.cmp(key));
        found.map(|at| (place, at)).map_err(|at| (place, at))
    }

    fn value_at(&mut self, (chunk, at): (usize, usize)) -> &mut V {
        &mut Arc::make_mut(&mut self.chunks[chunk].entries)[at].1
    }

    /// Puts a new key where it would be, and returns its place.
    fn fill(&mut self, (place, at): (usize, usize), key: K, value: V) -> (usize, usize) {
        self.len += 1;
        let Some(chunk) = self.chunks.get_mut(place) else {
            self.chunks.push(Chunk { from: key.clone(), entries: Arc::new(vec![(key, value)]) });
            return (place, 0);
        };
        let entries = Arc::make_mut(&mut chunk.entries);
        if entries.len() < MOST {
            if at == 0 {
                chunk.from = key.clone();
            }
            entries.insert(at, (key, value));
            return (place, at);
        }
        // Keys mostly come in their order, and then a full chunk stays full.
        let cut = if at == MOST { MOST } else { MOST / 2 };
        let mut upper = entries.split_off(cut);
        let filled = if at < cut {
            if at == 0 {
                chunk.from = key.clone();
            }
            entries.insert(at, (key, value));
            (place, at)
        } else {
            upper.insert(at - cut, (key, value));
            (place + 1, at - cut)
        };
        let from = upper[0].0.clone();
        self.chunks.insert(place + 1, Chunk { from, entries: Arc::new(upper) });
        filled
    }
}

impl<K, V> Map<K, V> {
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { chunks: self.chunks.iter(), entries: slice::Iter::default() }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

/// The entries of a map, in the order of their keys.
pub(crate) struct Iter<'a, K, V> {
    chunks: slice::Iter<'a, Chunk<K, V>>,
    entries: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.entries.next() {
                return Some((key, value));
            }
            self.entries = self.chunks.next()?.entries.iter();
        }
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K, V> Deserialize<'de> for Map<K, V>
where
    K: Deserialize<'de> + Ord + Clone,
    V: Deserialize<'de> + Clone,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ascending::Ascending;

    proptest! {
        #[test]
        fn it_holds_what_a_plain_map_holds(
            steps in prop::collection::vec((0..4_u8, 0..400_u16), 0..800),
        ) {
            let (mut map, mut plain) = (Map::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (what, key) in steps {
                match what {
                    0 => prop_assert_eq!(map.remove(&key), plain.remove(&key)),
                    1 => *map.or_default(&key) += 1_u32,
                    _ => map.insert(key, 7),
                }
                match what {
                    0 => {}
                    1 => *plain.entry(key).or_default() += 1,
                    _ => {
                        plain.insert(key, 7);
                    }
                }
                if key % 64 == 0 {
                    copies.push((map.clone(), plain.clone()));
                    let keep = |key: &u16| key % 7 != 3;
                    map.retain(|key, _| keep(key));
                    plain.retain(|key, _| keep(key));
                }
                prop_assert_eq!(map.get(&key), plain.get(&key));
            }
            copies.push((map, plain));
            for (mut map, mut plain) in copies {
                prop_assert_eq!(map.len(), plain.len());
                prop_assert!(map.iter().eq(plain.iter()), "{:?} is not {:?}", map, plain);
                for value in map.values_mut().chain(plain.values_mut()) {
                    *value += 1;
                }
                let mut ascending = Ascending::new(map.iter());
                let wanted = (0..400).filter(|key| key % 3 != 1);
                prop_assert!(wanted.into_iter().all(|key| ascending.get(&key) == plain.get(&key)));
            }
        }
    }

    #[test]
    fn a_copy_keeps_what_it_had_and_is_written_as_a_plain_map_is() {
        let whole: Map<u64, u64> = (0..1_000).map(|key| (key * 2, key)).collect();
        let mut other = whole.clone();
        *other.get_mut(&500).unwrap() = 0;
        let shared = whole.chunks.iter().zip(&other.chunks);
        let apart = shared.filter(|(one, other)| !Arc::ptr_eq(&one.entries, &other.entries));
        assert_eq!((whole.get(&500), other.get(&500), apart.count()), (Some(&250), Some(&0), 1));
        let plain: BTreeMap<u64, u64> = whole.iter().map(|(key, value)| (*key, *value)).collect();
        let written = serde_json::to_string(&whole).unwrap();
        assert_eq!(written, serde_json::to_string(&plain).unwrap());
        assert_eq!(serde_json::from_str::<Map<u64, u64>>(&written).unwrap(), whole);
    }
}
