//! Sharing a resize: the pools that stand side by side grow or shrink in proportion to their size.
//!
//! In: the sizes, newest pool first, and the limits before and after. Out: the new sizes. Absent: revisions,
//! health, and what moves between pools afterwards; a resize neither restarts nor skips a rollout.
//!
//! The rule is the one of Kubernetes' Deployment controller ("proportional scaling"). It reads the limits
//! before the resize from an annotation and from a status that may lag; here the caller knows them. Beside
//! that it is the same but for two corners, in which the rule there can raise one pool while another one
//! shrinks, or leave more than the limit: here all move the same way, and the limit is met.

use std::cmp::Reverse;

/// How many instances all pools together may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Desired number of instances.
    pub(crate) desired: u64,
    /// Instances beyond them while two revisions stand side by side.
    pub(crate) surge: u64,
}

impl Extent {
    /// Most instances of all pools; none where none is desired.
    const fn most(self) -> u64 {
        if self.desired == 0 { 0 } else { self.desired.saturating_add(self.surge) }
    }
}

/// Returns the sizes after a resize, in the order of `sizes`, newest pool first.
///
/// Each pool that has instances gets its part of the new limit, rounded to the nearest, a half up; what
/// rounding leaves over goes to the largest pool and then to the next ones. Of two pools of one size the
/// newer grows first and the older shrinks first. A pool that stands alone becomes the desired number; if
/// none has an instance, that is the newest.
pub(crate) fn share(sizes: &[u64], from: Extent, to: Extent) -> Vec<u64> {
    let mut after = sizes.to_vec();
    let mut active: Vec<usize> = (0..sizes.len()).filter(|place| 0 < sizes[*place]).collect();
    if active.len() <= 1 {
        if let Some(lone) = after.get_mut(active.first().copied().unwrap_or(0)) {
            *lone = to.desired;
        }
        return after;
    }
    let sum: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    let most = u128::from(to.most());
    if sum <= most {
        active.sort_by_key(|place| (Reverse(sizes[*place]), *place));
        grow(&mut after, &active, most - sum, from, to);
    } else {
        active.sort_by_key(|place| (Reverse(sizes[*place]), Reverse(*place)));
        shrink(&mut after, &active, sum - most, from, to);
    }
    after
}

/// Adds `left` instances to the pools at `places`, in this order.
fn grow(sizes: &mut [u64], places: &[usize], mut left: u128, from: Extent, to: Extent) {
    for &place in places {
        let size = sizes[place];
        let more = part(size, from, to).saturating_sub(size);
        sizes[place] = size.saturating_add(take(&mut left, more));
    }
    for &place in places {
        let room = u64::MAX - sizes[place];
        sizes[place] += take(&mut left, room);
    }
}

/// Takes `left` instances from the pools at `places`, in this order.
fn shrink(sizes: &mut [u64], places: &[usize], mut left: u128, from: Extent, to: Extent) {
    for &place in places {
        let size = sizes[place];
        let fewer = size.saturating_sub(part(size, from, to));
        sizes[place] = size - take(&mut left, fewer);
    }
    for &place in places {
        let size = sizes[place];
        sizes[place] = size - take(&mut left, size);
    }
}

/// The size that keeps a pool's part of the limit: `size · to / from`, to the nearest, a half up. Of a limit
/// of none nothing can be told, and the size stays.
fn part(size: u64, from: Extent, to: Extent) -> u64 {
    let before = u128::from(from.most());
    if before == 0 {
        return size;
    }
    let product = u128::from(size) * u128::from(to.most());
    let rest = product % before;
    let nearest = product / before + u128::from(before - rest <= rest);
    u64::try_from(nearest).unwrap_or(u64::MAX)
}

/// Takes up to `most` of what is `left`, and returns how much that was.
fn take(left: &mut u128, most: u64) -> u64 {
    let taken = u64::try_from(*left).unwrap_or(u64::MAX).min(most);
    *left -= u128::from(taken);
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn extent(desired: u64, surge: u64) -> Extent {
        Extent { desired, surge }
    }

    /// Other tools' own tests, restated (`tests/cases`): the shares as a whole, and the part of one pool.
    #[test]
    fn sizes_are_shared_as_kubernetes_and_nomad_share_them() {
        let (mut shared, mut parts) = (0, 0);
        for text in [
            include_str!("../../tests/cases/kubernetes.json"),
            include_str!("../../tests/cases/nomad.json"),
        ] {
            let table: serde_json::Value = serde_json::from_str(text).unwrap();
            for row in table["rows"].as_array().unwrap() {
                let (given, expected) = (&row["given"], &row["expected"]);
                let number = |value: &serde_json::Value| value.as_u64().unwrap();
                let of = |name: &str| {
                    extent(number(&given[name]["desired"]), number(&given[name]["surge"]))
                };
                let sizes = |value: &serde_json::Value| -> Vec<u64> {
                    value["sizes"].as_array().unwrap().iter().map(number).collect()
                };
                match row["rule"].as_str().unwrap() {
                    "share" => {
                        let after = share(&sizes(given), of("from"), of("to"));
                        assert_eq!(after, sizes(expected), "{}", row["row"]);
                        shared += 1;
                    }
                    "share_part" => {
                        let size = number(&given["size"]);
                        let after = part(size, of("from"), of("to"));
                        let change = after.cast_signed() - size.cast_signed();
                        assert_eq!(Some(change), expected["change"].as_i64(), "{}", row["row"]);
                        parts += 1;
                    }
                    _ => {} // Played by the tests of the engine.
                }
            }
        }
        assert_eq!((shared, parts), (12, 5));
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_and_then_to_the_newest() {
        let (three, four, two) = (extent(3, 0), extent(4, 0), extent(2, 0));
        assert_eq!(share(&[1, 1, 1], three, four), [2, 1, 1]);
        assert_eq!(share(&[1, 1, 1], three, two), [1, 1, 0]);
        assert_eq!(share(&[2, 3, 2], extent(7, 0), extent(10, 0)), [3, 4, 3]);
        assert_eq!(share(&[5, 8], extent(10, 3), extent(50, 6)), [22, 34]);
    }

    #[test]
    fn a_pool_alone_becomes_the_desired_number() {
        assert_eq!(share(&[0, 10], extent(10, 3), extent(20, 5)), [0, 20]);
        assert_eq!(share(&[0, 0], extent(6, 0), extent(6, 2)), [6, 0]);
        assert_eq!(share(&[], extent(6, 0), extent(7, 0)), [0; 0]);
    }

    #[test]
    fn all_pools_move_the_same_way() {
        // Kubernetes' rule raises the first of these by 2 and takes 5 from it after: here only it shrinks.
        assert_eq!(share(&[9, 6], extent(10, 0), extent(12, 0)), [6, 6]);
        // More is left over than the largest has: the others give as well.
        assert_eq!(share(&[3, 3], extent(1, 0), extent(1, 0)), [1, 0]);
        assert_eq!(share(&[3, 3], extent(0, 0), extent(8, 0)), [5, 3]);
    }

    proptest! {
        #[test]
        fn the_limit_is_met_by_all_together(
            sizes in prop::collection::vec(prop_oneof![0..=6_u64, 0..=1_u64 << 31, Just(u64::MAX)], 0..5),
            (from, to) in prop_oneof![
                ((0..=8_u64, 0..=3_u64), (0..=8_u64, 0..=3_u64)),
                ((0..=1_u64 << 31, 0..=1_u64 << 31), (0..=1_u64 << 31, 0..=1_u64 << 31)),
                (Just((1, 0)), Just((u64::MAX, u64::MAX))),
            ],
        ) {
            let (from, to) = (extent(from.0, from.1), extent(to.0, to.1));
            let after = share(&sizes, from, to);
            prop_assert_eq!(after.len(), sizes.len());
            let sum = |sizes: &[u64]| sizes.iter().map(|size| u128::from(*size)).sum::<u128>();
            let stand = sizes.iter().filter(|size| 0 < **size).count();
            if 1 < stand {
                prop_assert_eq!(sum(&after), u128::from(to.most()));
                let grows = sum(&sizes) <= sum(&after);
                for (before, after) in sizes.iter().zip(&after) {
                    let moves = if grows { before <= after } else { after <= before };
                    prop_assert!(moves, "{} became {}", before, after);
                    prop_assert!(0 < *before || *after == 0, "an empty pool stays empty");
                }
            } else if !sizes.is_empty() {
                prop_assert_eq!(sum(&after), u128::from(to.desired));
            }
        }
    }
}
