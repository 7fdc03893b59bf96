//! A backend that makes instances by count: "be 5". Time passes by events: some are available, some are
//! gone.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use rollout_core::{
    engine::{Action, Effect, Inventory, Observation, PoolSeen, Route, RouteInForce},
    id::{Mark, RevisionId},
    port::{Capabilities, Making},
    spec::Counting,
};

use crate::{drive::World, point::Times};

/// What becomes so with some instances of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Becomes {
    Available,
    Gone,
}

/// Pools by count, and a router where there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    router: Option<u64>,
    route: Option<Route>,
    pools: BTreeMap<RevisionId, PoolSeen>,
    due: BinaryHeap<Reverse<(u64, Becomes, RevisionId, u64)>>,
    started: u64,
    gone: u64,
}

impl Counted {
    /// A backend with a router that divides traffic into that many units.
    pub(crate) fn routed(units: u64) -> Self {
        Self { router: Some(units), ..Self::default() }
    }

    fn scale(&mut self, now: u64, revision: &RevisionId, replicas: u64, times: &Times) {
        let pool = self.pools.entry(revision.clone()).or_default();
        pool.replicas = replicas;
        let mut groups: BTreeMap<(u64, Becomes), u64> = BTreeMap::new();
        for _ in pool.created..replicas {
            *groups.entry((now + times.start(self.started), Becomes::Available)).or_default() += 1;
            self.started += 1;
            pool.created += 1;
        }
        for _ in replicas..pool.created {
            assert!(0 < pool.available, "without faults only instances that serve are told to go");
            let at = now + times.drain(self.gone);
            self.gone += 1;
            pool.created -= 1;
            pool.ready -= 1;
            pool.available -= 1;
            if now < at {
                pool.terminating += 1;
                *groups.entry((at, Becomes::Gone)).or_default() += 1;
            }
        }
        for ((at, becomes), count) in groups {
            self.due.push(Reverse((at, becomes, revision.clone(), count)));
        }
    }
}

impl World for Counted {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            making: Making::ByCount,
            counting: Counting::Loose,
            enrolment: None,
            router: self.router,
            abilities: BTreeSet::new(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "it knows sizes and routes only")]
    fn apply(&mut self, now: u64, action: &Action, times: &Times) {
        match &action.effect {
            Effect::Scale { revision, replicas } => self.scale(now, revision, *replicas, times),
            Effect::Route(route) => self.route = Some(route.clone()),
            _ => panic!("{action} on a backend by count"),
        }
    }

    fn observe(&self, mark: Mark) -> Vec<Observation> {
        let inventory = Inventory { mark, pools: self.pools.clone(), ..Inventory::default() };
        let mut seen = vec![Observation::Inventory(inventory)];
        if self.router.is_some() {
            seen.push(Observation::Route(RouteInForce { mark, route: self.route.clone() }));
        }
        seen
    }

    fn next(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    fn advance(&mut self, now: u64) {
        while self.next().is_some_and(|at| at <= now) {
            let Some(Reverse((_, becomes, revision, count))) = self.due.pop() else { return };
            let pool = self.pools.entry(revision).or_default();
            match becomes {
                Becomes::Available => {
                    pool.ready += count;
                    pool.available += count;
                }
                Becomes::Gone => pool.terminating -= count,
            }
        }
    }

    fn available(&self, revision: &str) -> u64 {
        let pool = self.pools.iter().find(|(id, _)| id.as_str() == revision);
        pool.map_or(0, |(_, pool)| pool.available)
    }

    fn count_from_here(&mut self) {
        (self.started, self.gone) = (0, 0);
    }
}
