//! The order in which weights are written, so that no moment is worse than both ends.
//!
//! HAProxy takes one weight at a time. Between the first and the last write every revision's share stays
//! between its share before and its share after, give or take [`SLACK`]; where whole numbers leave no
//! such way, at least the smallest share never exceeds both ends. At no moment is nobody served, unless
//! that is so before or after.

use std::collections::BTreeMap;

use rollout_core::id::RevisionId;

/// What a share may be off while weights are written, in basis points: one unit of this router.
const SLACK: u128 = 50;

/// One server on the way from one weight to another.
#[derive(Clone, Debug)]
struct Leg {
    name: String,
    /// Place of its revision.
    pool: usize,
    now: u16,
    then: u16,
}

/// The weights on the way, and the bounds they keep.
struct Way {
    legs: Vec<Leg>,
    sums: Vec<u64>,
    /// Sums of weights per pool before and after.
    ends: [Vec<u64>; 2],
    writes: Vec<(String, u16)>,
}

/// The writes that lead from weights `now` to weights `then`, in order. A server without an entry has
/// weight 0; only servers of `servers` are written.
pub(super) fn of(
    servers: &BTreeMap<String, RevisionId>,
    now: &BTreeMap<String, u16>,
    then: &BTreeMap<String, u16>,
) -> Vec<(String, u16)> {
    let mut way = Way::new(servers, now, then);
    match (way.whole(0), way.whole(1)) {
        (0, _) => way.all(|way, leg| std::cmp::Reverse(way.ends[1][leg.pool])),
        (_, 0) => way.all(|way, leg| way.ends[0][leg.pool]),
        (_, _) => {
            while way.advance(0) {}
            while way.advance(SLACK) {}
            way.finish();
        }
    }
    way.writes
}

impl Way {
    fn new(
        servers: &BTreeMap<String, RevisionId>,
        now: &BTreeMap<String, u16>,
        then: &BTreeMap<String, u16>,
    ) -> Self {
        let mut pools: Vec<&RevisionId> = servers.values().collect();
        pools.sort();
        pools.dedup();
        let legs: Vec<Leg> = servers
            .iter()
            .map(|(name, revision)| Leg {
                name: name.clone(),
                pool: pools.binary_search(&revision).unwrap_or_default(),
                now: now.get(name).copied().unwrap_or_default(),
                then: then.get(name).copied().unwrap_or_default(),
            })
            .collect();
        let mut ends = [vec![0; pools.len()], vec![0; pools.len()]];
        for leg in &legs {
            ends[0][leg.pool] += u64::from(leg.now);
            ends[1][leg.pool] += u64::from(leg.then);
        }
        Self { sums: ends[0].clone(), legs, ends, writes: Vec::new() }
    }

    /// Sum of all weights before (0) or after (1).
    fn whole(&self, end: usize) -> u64 {
        self.ends[end].iter().sum()
    }

    /// Writes every server its last weight, in the order of `key`.
    fn all<K: Ord>(&mut self, key: impl Fn(&Self, &Leg) -> K) {
        let mut places = self.pending();
        places.sort_by_key(|place| key(self, &self.legs[*place]));
        for place in places {
            self.write(place, self.legs[place].then);
        }
    }

    fn pending(&self) -> Vec<usize> {
        (0..self.legs.len())
            .filter(|place| self.legs[*place].now != self.legs[*place].then)
            .collect()
    }

    fn write(&mut self, place: usize, weight: u16) {
        let leg = &mut self.legs[place];
        self.sums[leg.pool] = self.sums[leg.pool] - u64::from(leg.now) + u64::from(weight);
        leg.now = weight;
        self.writes.push((leg.name.clone(), weight));
    }

    /// Writes every server as far as the bounds allow; whether any could be.
    fn advance(&mut self, slack: u128) -> bool {
        let mut moved = false;
        for place in self.pending() {
            let reachable = self.furthest(place, slack);
            if reachable != self.legs[place].now {
                self.write(place, reachable);
                moved = true;
            }
        }
        moved
    }

    /// The weight nearest to its last one that a server can have within the bounds.
    fn furthest(&self, place: usize, slack: u128) -> u16 {
        let Leg { pool, now, then, .. } = self.legs[place];
        // Shares change monotonously with one weight, so what is allowed is one stretch from `now` on.
        let (mut good, mut bad) = (now, then);
        if self.allows(pool, now, then, slack) {
            return then;
        }
        while 1 < good.abs_diff(bad) {
            let middle = good.midpoint(bad);
            if self.allows(pool, now, middle, slack) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        good
    }

    /// Whether all shares are within their ends when one server of `pool` goes from `now` to `next`.
    fn allows(&self, pool: usize, now: u16, next: u16, slack: u128) -> bool {
        let sum = |place: usize| {
            let own = self.sums[place];
            let changed = own + u64::from(next);
            if place == pool { changed - u64::from(now) } else { own }
        };
        let whole: u64 = (0..self.sums.len()).map(sum).sum();
        0 < whole
            && (0..self.sums.len()).all(|place| {
                let at = |end: usize| (self.ends[end][place], self.whole(end));
                let share = (sum(place), whole);
                let (low, high) =
                    if below(at(0), at(1), 0) { (at(0), at(1)) } else { (at(1), at(0)) };
                below(low, share, slack) && below(share, high, slack)
            })
    }

    /// The rest, for which there is no way within the bounds: the smallest share first falls, then rises.
    fn finish(&mut self) {
        let guarded = (0..self.sums.len())
            .min_by_key(|place| {
                let share = |end: usize| self.ends[end][*place] * 10_000 / self.whole(end).max(1);
                let most = share(0).max(share(1));
                // A revision without any share needs no guard.
                (most == 0, most)
            })
            .unwrap_or_default();
        self.all(|_, leg| {
            let rises = leg.now < leg.then;
            match (leg.pool == guarded, rises) {
                (false, true) => 0,
                (true, false) => 1,
                (true, true) => 2,
                (false, false) => 3,
            }
        });
    }
}

/// Whether the share `a` is at most the share `b` and `slack` basis points.
fn below(a: (u64, u64), b: (u64, u64), slack: u128) -> bool {
    let wide = |(part, whole): (u64, u64)| (u128::from(part), u128::from(whole));
    let ((a, of_a), (b, of_b)) = (wide(a), wide(b));
    a * of_b * 10_000 <= b * of_a * 10_000 + slack * of_a * of_b
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::weights::{
            self,
            tests::{route, servers},
        },
        *,
    };

    fn share(
        servers: &BTreeMap<String, RevisionId>,
        weights: &BTreeMap<String, u16>,
        revision: &str,
    ) -> Option<u64> {
        let sum = |of: &dyn Fn(&RevisionId) -> bool| {
            servers
                .iter()
                .filter(|(_, revision)| of(revision))
                .map(|(name, _)| u64::from(weights.get(name).copied().unwrap_or_default()))
                .sum::<u64>()
        };
        (sum(&|other| other.as_str() == revision) * 100_000).checked_div(sum(&|_| true))
    }

    #[test]
    fn a_first_route_never_shows_the_small_share_alone() {
        let servers = servers(&[("a", 2), ("b", 1)]);
        let then = weights::of(&route(&[("a", 9_000), ("b", 1_000)]), &servers);
        let writes = of(&servers, &BTreeMap::new(), &then);
        assert!(writes[0].0.starts_with("a:") && writes[2].0.starts_with("b:"), "{writes:?}");
        let back = of(&servers, &then, &BTreeMap::new());
        assert!(back[0].0.starts_with("b:"), "{back:?}");
    }

    #[test]
    fn nothing_to_do_is_nothing_written() {
        let servers = servers(&[("a", 2)]);
        let even = weights::of(&rollout_core::engine::Route::ByReplicas, &servers);
        assert_eq!(of(&servers, &even, &even), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_moment_is_worse_than_both_ends(
            (before, after) in ((1_usize..9, 0_usize..9, 0_u64..=100), (0_usize..9, 0_usize..9, 0_u64..=100)),
        ) {
            let servers = servers(&[("a", before.0 + after.0), ("b", before.1 + after.1)]);
            // Before: only the first servers of each revision had a weight; the others are new.
            let old: BTreeMap<String, RevisionId> = servers.iter()
                .filter(|(name, revision)| {
                    let place: usize = name[2..].parse().unwrap();
                    place < if revision.as_str() == "a" { before.0 } else { before.1 }
                })
                .map(|(name, revision)| (name.clone(), revision.clone())).collect();
            let now = weights::of(&route(&[("a", 10_000 - before.2 * 100), ("b", before.2 * 100)]), &old);
            let then = weights::of(&route(&[("a", 10_000 - after.2 * 100), ("b", after.2 * 100)]), &servers);
            let mut state = now.clone();
            let ends = ["a", "b"].map(|revision| (share(&servers, &now, revision), share(&servers, &then, revision)));
            let mut worst = [0_u64; 2];
            for (name, weight) in of(&servers, &now, &then) {
                state.insert(name, weight);
                for (place, revision) in ["a", "b"].into_iter().enumerate() {
                    let here = share(&servers, &state, revision);
                    if ends[place].0.is_some() && ends[place].1.is_some() {
                        let here = here.expect("nobody was served");
                        worst[place] = worst[place].max(here);
                    }
                }
            }
            for (name, weight) in &then {
                prop_assert_eq!(state.get(name).copied().unwrap_or_default(), *weight);
            }
            if let [(Some(a0), Some(a1)), (Some(b0), Some(b1))] = ends {
                let (over_a, over_b) = (worst[0].saturating_sub(a0.max(a1)), worst[1].saturating_sub(b0.max(b1)));
                let smaller = if a0.max(a1) <= b0.max(b1) { over_a } else { over_b };
                prop_assert!(smaller <= 501, "{smaller} thousandths of a percent too much");
                // With a real change of shares both keep their bounds.
                if 1_000 < a0.abs_diff(a1) {
                    prop_assert!(over_a <= 501 && over_b <= 501, "{over_a} {over_b}: {now:?} {then:?}");
                }
            }
        }
    }
}
