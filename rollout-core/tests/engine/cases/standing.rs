//! An engine in the middle of a rollout, with pools of any size: by count, from a journal made by hand.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{
        Change, Effect, Engine, Event, Inventory, Observation, Order, OrderKind, Phase, PoolSeen,
        Record, Route, RouteInForce, Settlement, Setup, Tuning,
    },
    id::{ActionId, Epoch, Mark, RevisionId, WorkloadId},
    plan,
    spec::{CheckedSpec, Counting},
    time::{Span, Timestamp},
    weight::Weight,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::plans::{ports, spec_of};

const CANDIDATE: &str = "new";
const BEGAN: Timestamp = Timestamp(1_000_000);

/// Where a rollout stands.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    pub(crate) replicas: u64,
    pub(crate) strategy: Value,
    /// Other fields of the spec.
    #[serde(default)]
    pub(crate) spec: Value,
    pub(crate) candidate: Pool,
    /// Pools of older revisions, the stable one first.
    #[serde(default)]
    pub(crate) old: Vec<Pool>,
    /// Place of the stage under way.
    #[serde(default)]
    pub(crate) stage: usize,
    /// Counts of the stage, in place of those of the plan.
    #[serde(default)]
    pub(crate) counts: Option<Counts>,
    /// Units of a router that divides traffic.
    #[serde(default)]
    pub(crate) router: Option<u64>,
    /// The candidate's share in force.
    #[serde(default)]
    pub(crate) share: Option<Weight>,
    #[serde(default)]
    pub(crate) paused: bool,
    /// Whether the rollout is on its way back.
    #[serde(default)]
    pub(crate) back: bool,
}

/// Instances of one pool.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    /// As many as it is to have.
    pub(crate) target: u64,
    /// As many as exist; as a rule all.
    pub(crate) created: Option<u64>,
    /// As many as are available; as a rule all.
    pub(crate) available: Option<u64>,
    #[serde(default)]
    pub(crate) terminating: u64,
}

/// Instances of both revisions at the end of a stage.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) candidate: u64,
    pub(crate) stable: u64,
}

/// The engine and what it is shown.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    pub(crate) changes: Vec<Change>,
    pub(crate) wake_at: Option<Timestamp>,
    given: Given,
    in_force: Option<Route>,
    mark: u64,
}

fn id(name: &str) -> RevisionId {
    RevisionId::new(name).unwrap()
}

/// Name of the older revision at `place`; the first is stable.
fn old_name(place: usize) -> String {
    format!("old-{place}")
}

impl Given {
    fn counting(&self) -> Counting {
        let written = &self.strategy["rolling"]["counting"];
        if written.is_null() { Counting::Loose } else { super::fixture::of(written.clone()) }
    }

    fn checked(&self) -> CheckedSpec {
        let mut rest = if self.spec.is_null() { json!({}) } else { self.spec.clone() };
        rest["strategy"] = self.strategy.clone();
        spec_of(self.replicas, &rest).unwrap_or_else(|why| panic!("{why}: {rest}"))
    }

    /// The journal of an engine that has come this far.
    fn journal(&self) -> Vec<Record> {
        let spec = self.checked();
        let ports = ports(self.router, self.counting());
        let mut journal = Journal(vec![]);
        journal.add(&json!({"claimed": {"epoch": 1}}));
        let others =
            self.old.iter().enumerate().rev().map(|(place, pool)| (old_name(place), *pool));
        let all = others.chain([(CANDIDATE.to_owned(), self.candidate)]);
        for (attempt, (name, pool)) in all.enumerate() {
            let is_candidate = name == CANDIDATE;
            let is_first = !is_candidate || self.old.is_empty();
            let mut plan = plan::build(&spec, &ports, is_first).expect("a plan");
            if let Some(counts) = self.counts.filter(|_| is_candidate) {
                plan.stages[0].candidate = counts.candidate;
                plan.stages[0].stable = counts.stable;
            }
            journal.add(&json!({"submitted": {
                "attempt": attempt + 1, "revision": {"id": name, "template": name},
                "spec": spec, "plan": plan, "by": "test",
            }}));
            let stage = if is_candidate { self.stage } else { 0 };
            journal.add(&json!({"entered": {"stage": stage}}));
            journal.add(&json!({"targeted": {"revision": name, "replicas": pool.target}}));
            if !is_candidate {
                journal.add(&json!({"proven": {"revision": name}}));
                journal.add(&json!({"ended": {"end": "completed"}}));
            }
        }
        if let Some(route) = self.route() {
            journal.add(&json!({"intended": {"id": 1, "effect": {"route": route}}}));
            journal.add(&json!({"settled": {"id": 1, "how": "applied"}}));
        }
        if self.back {
            let cause = json!({"ordered": {"by": "test", "why": null}});
            journal.add(&json!({"aborted": {"cause": cause}}));
        }
        journal.0
    }

    /// The route in force, if the router was ever told one.
    fn route(&self) -> Option<Route> {
        let share = self.share?;
        let shares = BTreeMap::from([(id(CANDIDATE), share), (id(&old_name(0)), share.rest())]);
        Some(Route::weighted(shares.into_iter().filter(|(_, share)| !share.is_zero()).collect()))
    }
}

/// Records as a journal holds them.
struct Journal(Vec<Record>);

impl Journal {
    fn add(&mut self, change: &Value) {
        let text = change.to_string();
        let record = json!({"at": BEGAN, "change": change});
        let record = serde_json::from_value(record);
        self.0.push(record.unwrap_or_else(|error| panic!("{error} in {text}")));
    }
}

impl Standing {
    /// An engine that stands where `given` says, and has decided once.
    pub(crate) fn new(given: &Given) -> Self {
        let mut standing = Self::unseen(given);
        standing.observe();
        standing
    }

    /// The same rollout with other pools and another share in force, after one decision. The records that
    /// say so are committed at once: nothing but their sizes is different.
    pub(crate) fn with(&self, candidate: Pool, stable: Pool, share: Option<Weight>) -> Self {
        let mut standing = self.clone();
        standing.given.candidate = candidate;
        standing.given.old = vec![stable];
        standing.given.share = share;
        standing.in_force = standing.given.route();
        let targeted =
            |name: &str, pool: Pool| Change::Targeted { revision: id(name), replicas: pool.target };
        let mut changes = vec![targeted(CANDIDATE, candidate), targeted(&old_name(0), stable)];
        if let Some(route) = standing.in_force.clone() {
            let first = ActionId(1);
            changes.push(Change::Intended { id: first, effect: Effect::Route(route) });
            changes.push(Change::Settled { id: first, how: Settlement::Applied });
        }
        let records = changes.into_iter().map(|change| Record { at: BEGAN, change });
        standing.engine.commit(&records.collect::<Vec<_>>());
        standing.observe();
        standing
    }

    /// An engine that stands where `given` says, and has not seen anything yet.
    pub(crate) fn unseen(given: &Given) -> Self {
        let setup = Setup {
            workload: WorkloadId::new("web").unwrap(),
            capabilities: ports(given.router, given.counting()),
            tuning: Tuning::default(),
        };
        let engine = Engine::replay(setup, &given.journal()).expect("a journal that makes sense");
        let mut standing = Self {
            engine,
            now: BEGAN,
            changes: Vec::new(),
            wake_at: None,
            in_force: given.route(),
            given: given.clone(),
            mark: 1,
        };
        if given.paused {
            let order = Order { kind: OrderKind::Pause, by: "test".to_owned(), why: None };
            standing.feed(Event::Ordered(order));
        }
        standing.feed(Event::Claimed { epoch: Epoch(2) });
        standing
    }

    /// What the engine sees `millis` after the stage began.
    pub(crate) fn observe_at(&mut self, millis: u64) {
        self.now = BEGAN.after(Span::from_millis(millis));
        self.observe();
    }

    /// So many candidate instances are available now.
    pub(crate) fn make_available(&mut self, available: u64) {
        self.given.candidate.available = Some(available);
    }

    fn observe(&mut self) {
        let mark = Mark(self.mark);
        if self.given.router.is_some() {
            let route = RouteInForce { mark, route: self.in_force.clone() };
            self.feed(Event::Observed(Observation::Route(route)));
        }
        let others = self.given.old.iter().enumerate();
        let others = others.map(|(place, pool)| (id(&old_name(place)), seen(*pool)));
        let pools = others.chain([(id(CANDIDATE), seen(self.given.candidate))]).collect();
        let inventory = Inventory { mark, pools, ..Inventory::default() };
        self.feed(Event::Observed(Observation::Inventory(inventory)));
    }

    /// One event; what it leads to is acknowledged, and does not happen before the next observation.
    fn feed(&mut self, event: Event) {
        let step = self.engine.step(self.now, event);
        self.engine.commit(&step.records);
        for record in step.records {
            assert!(!matches!(record.change, Change::Vetoed(_)), "{}", record.change);
            self.changes.push(record.change);
        }
        self.wake_at = step.wake_at;
    }

    /// What the engine is doing.
    pub(crate) fn phase(&self) -> Phase {
        self.engine.status(self.now).phase
    }

    /// Instances that the candidate's pool is to have.
    pub(crate) fn candidate(&self) -> u64 {
        self.target(CANDIDATE, self.given.candidate)
    }

    /// Instances that the older pools are to have, the stable one first.
    pub(crate) fn old(&self) -> Vec<u64> {
        let old = self.given.old.iter().enumerate();
        old.map(|(place, pool)| self.target(&old_name(place), *pool)).collect()
    }

    /// The size decided last, or the one before.
    fn target(&self, name: &str, before: Pool) -> u64 {
        let targets = self.changes.iter().rev().filter_map(|change| {
            if let Change::Targeted { revision, replicas } = change {
                return (revision.as_str() == name).then_some(*replicas);
            }
            None
        });
        targets.into_iter().next().unwrap_or(before.target)
    }

    /// The candidate's share in the route decided last; none while all is left where it was.
    pub(crate) fn share(&self) -> Weight {
        let decided = self.changes.iter().rev().find_map(|change| {
            if let Change::Intended { effect: Effect::Route(route), .. } = change {
                return Some(route);
            }
            None
        });
        let route = decided.or(self.in_force.as_ref());
        route.and_then(|route| route.weight_of(&id(CANDIDATE))).unwrap_or_default()
    }
}

fn seen(pool: Pool) -> PoolSeen {
    let created = pool.created.unwrap_or(pool.target);
    let available = pool.available.unwrap_or(created);
    PoolSeen {
        replicas: pool.target,
        created,
        ready: available,
        available,
        terminating: pool.terminating,
        ..PoolSeen::default()
    }
}
