//! The weight every server has under a route, in HAProxy's own scale of 0 to 256.
//!
//! The same route and the same servers always give the same weights, so that the route in force can be
//! told from the weights alone. Where the scale is too coarse, every share but the largest rounds down.

use std::collections::BTreeMap;

use rollout_core::{engine::Route, id::RevisionId, weight::Weight};

/// Largest weight of a server.
pub(super) const MOST: u16 = 256;

/// Weight of every server that needs no particular one.
pub(super) const EVEN: u16 = 100;

/// The weight of each of `servers`, given by name and revision, under `route`.
pub(super) fn of(route: &Route, servers: &BTreeMap<String, RevisionId>) -> BTreeMap<String, u16> {
    match route {
        Route::ByReplicas => servers.keys().map(|name| (name.clone(), EVEN)).collect(),
        Route::Empty => servers.keys().map(|name| (name.clone(), 0)).collect(),
        Route::Weighted(shares) => weighted(&shares.weights, servers),
    }
}

fn weighted(
    shares: &BTreeMap<RevisionId, Weight>,
    servers: &BTreeMap<String, RevisionId>,
) -> BTreeMap<String, u16> {
    let mut pools: BTreeMap<&RevisionId, Vec<&String>> = BTreeMap::new();
    for (name, revision) in servers {
        pools.entry(revision).or_default().push(name);
    }
    let share =
        |revision: &RevisionId| shares.get(revision).copied().unwrap_or_default().basis_points();
    let asked: Vec<(u64, u64)> =
        pools.iter().map(|(revision, names)| (share(revision), names.len() as u64)).collect();
    let sums = sums(&asked);
    let mut weights = BTreeMap::new();
    for (names, sum) in pools.into_values().zip(sums) {
        let count = names.len() as u64;
        for (place, name) in (0_u64..).zip(names) {
            let one_more = u64::from(place < sum % count);
            let weight = u16::try_from(sum / count + one_more).unwrap_or(MOST);
            weights.insert(name.clone(), weight);
        }
    }
    weights
}

/// The sum of weights of each pool, given its share and its number of servers.
fn sums(pools: &[(u64, u64)]) -> Vec<u64> {
    exact(pools).unwrap_or_else(|| rounded(pools))
}

/// Sums that make the shares exact with one weight per pool; `None` if the scale is too coarse.
fn exact(pools: &[(u64, u64)]) -> Option<Vec<u64>> {
    let most = u64::from(MOST);
    let taking = || pools.iter().filter(|(share, _)| 0 < *share);
    if taking().count() <= 1 {
        // One pool alone: its weight says nothing about shares.
        return Some(
            pools
                .iter()
                .map(|(share, count)| u64::from(0 < *share) * u64::from(EVEN) * count)
                .collect(),
        );
    }
    let common = taking()
        .try_fold(1_u64, |common, (_, count)| (common / gcd(common, *count)).checked_mul(*count))?;
    let ratios: Vec<u64> = pools
        .iter()
        .map(|(share, count)| share.checked_mul(common / (*count).min(common).max(1)))
        .collect::<Option<_>>()?;
    let divisor = ratios.iter().copied().fold(0, gcd).max(1);
    let largest = ratios.iter().copied().max()? / divisor;
    if most < largest {
        return None;
    }
    let scale = most / largest.max(1);
    Some(
        ratios
            .iter()
            .zip(pools)
            .map(|(ratio, (_, count))| ratio / divisor * scale * count)
            .collect(),
    )
}

/// Sums as large as the scale allows; all but the largest share round down.
fn rounded(pools: &[(u64, u64)]) -> Vec<u64> {
    let most = u128::from(MOST);
    // The pool that reaches the end of the scale first sets the size of all.
    let Some((bound_share, bound_count)) = pools
        .iter()
        .filter(|(share, _)| 0 < *share)
        .map(|(share, count)| (u128::from(*share), u128::from(*count)))
        .min_by(|(a_share, a_count), (b_share, b_count)| {
            (a_count * b_share).cmp(&(b_count * a_share))
        })
    else {
        return vec![0; pools.len()];
    };
    let largest = (0..pools.len()).max_by_key(|place| pools[*place].0);
    (0..pools.len())
        .map(|place| {
            let scaled = u128::from(pools[place].0) * most * bound_count;
            let sum = if Some(place) == largest {
                scaled.div_ceil(bound_share)
            } else {
                scaled / bound_share
            };
            u64::try_from(sum).unwrap_or(u64::MAX)
        })
        .collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The shares that `weights` make of the revisions of `servers`; the largest takes what rounding left.
pub(super) fn shares(
    servers: &BTreeMap<String, RevisionId>,
    weights: &BTreeMap<String, u16>,
) -> Route {
    let mut sums: BTreeMap<RevisionId, u64> = BTreeMap::new();
    for (name, revision) in servers {
        let weight = weights.get(name).copied().unwrap_or_default();
        *sums.entry(revision.clone()).or_default() += u64::from(weight);
    }
    let whole: u64 = sums.values().sum();
    let Some((largest, _)) = sums.iter().max_by_key(|(_, sum)| **sum).filter(|_| 0 < whole) else {
        return Route::Empty;
    };
    let largest = largest.clone();
    let mut shares: BTreeMap<RevisionId, Weight> =
        sums.into_iter().map(|(revision, sum)| (revision, Weight::share(sum, whole))).collect();
    let others: u64 = shares
        .iter()
        .filter(|(revision, _)| **revision != largest)
        .map(|(_, share)| share.basis_points())
        .sum();
    let rest = Weight::FULL.basis_points().saturating_sub(others);
    shares.insert(largest, Weight::from_basis_points(rest).unwrap_or(Weight::FULL));
    Route::weighted(shares)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn servers(counts: &[(&str, usize)]) -> BTreeMap<String, RevisionId> {
        counts
            .iter()
            .flat_map(|(revision, count)| {
                (0..*count).map(move |n| {
                    (format!("{revision}:{n:03}"), RevisionId::new((*revision).to_owned()).unwrap())
                })
            })
            .collect()
    }

    pub(crate) fn route(shares: &[(&str, u64)]) -> Route {
        Route::weighted(
            shares
                .iter()
                .map(|(revision, points)| {
                    (
                        RevisionId::new((*revision).to_owned()).unwrap(),
                        Weight::from_basis_points(*points).unwrap(),
                    )
                })
                .collect(),
        )
    }

    fn sum(weights: &BTreeMap<String, u16>, revision: &str) -> u64 {
        weights
            .iter()
            .filter(|(name, _)| name.starts_with(&format!("{revision}:")))
            .map(|(_, weight)| u64::from(*weight))
            .sum()
    }

    #[test]
    fn shares_are_exact_where_the_scale_allows() {
        for (old, new, points) in
            [(4, 1, 2500), (4, 4, 100), (1, 1, 50), (4, 4, 5000), (3, 2, 4000), (4, 4, 9500)]
        {
            let servers = servers(&[("a", old), ("b", new)]);
            let weights = of(&route(&[("a", 10_000 - points), ("b", points)]), &servers);
            let (a, b) = (sum(&weights, "a"), sum(&weights, "b"));
            assert_eq!(b * 10_000, points * (a + b), "{points} of {old}:{new}");
            assert_eq!(weights["b:000"], weights[&format!("b:{:03}", new - 1)]);
        }
    }

    #[test]
    fn the_smaller_share_rounds_down() {
        let servers = servers(&[("a", 1), ("b", 1)]);
        let weights = of(&route(&[("a", 9_999), ("b", 1)]), &servers);
        assert_eq!((weights["a:000"], weights["b:000"]), (256, 0));
        let weights = of(&route(&[("a", 9_950), ("b", 50)]), &servers);
        assert_eq!((weights["a:000"], weights["b:000"]), (199, 1));
    }

    #[test]
    fn a_lonely_pool_and_no_route_are_even() {
        let servers = servers(&[("a", 2), ("b", 1)]);
        let weights = of(&route(&[("a", 10_000)]), &servers);
        assert_eq!((weights["a:001"], weights["b:000"]), (EVEN, 0));
        assert!(of(&Route::ByReplicas, &servers).values().all(|weight| *weight == EVEN));
        assert!(of(&Route::Empty, &servers).values().all(|weight| *weight == 0));
        assert_eq!(shares(&servers, &weights), route(&[("a", 10_000), ("b", 0)]));
    }

    proptest! {
        #[test]
        fn shares_are_kept_and_never_exceeded(old in 1_usize..40, new in 1_usize..40, points in 1_u64..=9_999) {
            let servers = servers(&[("a", old), ("b", new)]);
            let weights = of(&route(&[("a", 10_000 - points), ("b", points)]), &servers);
            prop_assert!(weights.values().all(|weight| *weight <= MOST));
            let (a, b) = (sum(&weights, "a"), sum(&weights, "b"));
            let (small, asked) = if points <= 5_000 { (b, points) } else { (a, 10_000 - points) };
            if points != 5_000 {
                prop_assert!(small * 10_000 <= asked * (a + b), "{small} of {} exceeds {asked}", a + b);
            }
            // One unit of weight at most is lost.
            prop_assert!(asked * (a + b) < (small + 2) * 10_000, "{small} of {} misses {asked}", a + b);
            for (revision, count) in [("a", old), ("b", new)] {
                let of_pool: Vec<u16> = weights.iter().filter(|(name, _)| name.starts_with(revision)).map(|(_, weight)| *weight).collect();
                prop_assert_eq!(of_pool.len(), count);
                prop_assert!(of_pool.iter().max().unwrap() - of_pool.iter().min().unwrap() <= 1);
            }
        }
    }
}
