//! Which copy is to have which shard: the same answer for all who know the same copies.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998) with a bound on the load: a copy that comes or goes moves
//! few shards, and none has more than its even share, rounded up.

use std::collections::{BTreeMap, BTreeSet};

/// Number of a shard, from 0.
pub type Shard = u32;

/// The shard of an object: a digest of its name, so that it never changes.
///
/// # Panics
///
/// Never: a remainder is below the number of shards.
#[must_use]
pub fn shard_of(namespace: &str, name: &str, shards: u32) -> Shard {
    let place = score(namespace, name) % u64::from(shards.max(1));
    u32::try_from(place).expect("a remainder is below the number of shards")
}

/// The copy that is to have each of `shards` shards; empty if there is no copy.
#[must_use]
pub fn assign(shards: u32, copies: &BTreeSet<String>) -> BTreeMap<Shard, String> {
    let count = u32::try_from(copies.len()).unwrap_or(u32::MAX).max(1);
    let most = shards.div_ceil(count);
    let mut loads: BTreeMap<&str, u32> = copies.iter().map(|copy| (copy.as_str(), 0)).collect();
    let mut made = BTreeMap::new();
    for shard in 0..shards {
        let free = loads.iter().filter(|(_, load)| **load < most).map(|(copy, _)| *copy);
        let Some(copy) = free.max_by_key(|copy| score(copy, &shard.to_string())) else { break };
        *loads.entry(copy).or_default() += 1;
        made.insert(shard, copy.to_owned());
    }
    made
}

/// A digest of two names.
fn score(one: &str, other: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(one.as_bytes()).update(b"/").update(other.as_bytes());
    let digest = hasher.finalize();
    let (head, _) = digest.as_bytes().split_first_chunk().expect("a digest has 32 bytes");
    u64::from_be_bytes(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(count: usize) -> BTreeSet<String> {
        (0..count).map(|index| format!("operator-{index}")).collect()
    }

    #[test]
    fn shards_are_shared_evenly() {
        for count in 1..8 {
            let mut loads = BTreeMap::<String, u32>::new();
            for copy in assign(8, &copies(count)).into_values() {
                *loads.entry(copy).or_default() += 1;
            }
            let most = 8_u32.div_ceil(u32::try_from(count).unwrap());
            assert!(loads.values().all(|load| *load <= most), "{count} copies: {loads:?}");
            assert_eq!(loads.values().sum::<u32>(), 8);
        }
    }

    #[test]
    fn a_copy_that_goes_leaves_the_others_most_of_what_they_have() {
        let before = assign(64, &copies(4));
        let after = assign(64, &copies(3));
        let moved = before.iter().filter(|(shard, copy)| after[shard] != **copy).count();
        // The 16 of the copy that went, and what the bound shifts.
        assert!(moved <= 32, "{moved} of 64 moved");
    }

    #[test]
    fn names_spread_over_shards() {
        let mut counts = [0_u32; 8];
        for index in 0..8_000 {
            counts[shard_of("prod", &format!("web-{index}"), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_eq!(shard_of("prod", "web", 1), 0);
    }

    #[test]
    fn nobody_there_means_nobody_assigned() {
        assert!(assign(8, &BTreeSet::new()).is_empty());
    }
}
