//! World: the ground truth of one workload in virtual time.
//!
//! In: actions, and time that passes. Out: what came of them, snapshots, and the truth itself for the
//! invariants. Absent: clocks, threads, IO, opinions: it does what it is told, however bad.

mod apply;
mod config;
mod environment;
mod harm;
mod hooks;
mod in_place;
mod instance;
mod life;
mod load;
mod modules;
mod nodes;
mod observe;
mod pods;
mod pool;
mod populate;
mod ports;
mod tally;
mod traffic;

use std::{collections::BTreeMap, sync::Arc};

use rollout_core::{
    engine::{Revision, Route},
    id::{ActionId, Epoch, HookRun, InstanceId, Mark, RevisionId},
    port::{Claim, ClaimError, Confirmation},
    time::{Span, Timestamp},
    weight::Weight,
};

pub use self::{
    apply::Receipt,
    config::WorldConfig,
    harm::Harm,
    hooks::Job,
    instance::{Condition, Instance, Server},
    life::{Flaw, Life, Manner, Truth},
    load::Delays,
    modules::Modules,
    pods::{CutShort, Replaced},
    pool::Pool,
    ports::{ManualClock, SimBackend, SimEnrolment, SimFleet, SimHooks, SimModules, SimRouter},
    tally::{Counts, Tally},
    traffic::{Loss, Traffic},
};
use crate::random::Stream;

/// When every world begins, in milliseconds since 1970. No world knows a date.
pub const BEGINNING: u64 = 1_000_000;

/// The ground truth of one workload.
#[derive(Clone, Debug)]
pub struct World {
    config: WorldConfig,
    now: u64,
    instances: BTreeMap<InstanceId, Instance>,
    pools: BTreeMap<RevisionId, Pool>,
    revisions: BTreeMap<RevisionId, Arc<Revision>>,
    foreign: BTreeMap<InstanceId, u64>,
    route: Option<Route>,
    newest_route: ActionId,
    /// The newest removal of each instance, wanted or not.
    removals: BTreeMap<InstanceId, ActionId>,
    owner: Option<String>,
    epoch: Epoch,
    fenced: bool,
    /// Highest epoch of an action that took effect, where that is what fences, and not the claim.
    acted: Option<Epoch>,
    mark: Mark,
    next_change: Option<u64>,
    addresses: u32,
    nodes: nodes::Nodes,
    births: u64,
    places: in_place::Places,
    cut_short: Vec<CutShort>,
    replaced: Vec<Replaced>,
    traffic: Traffic,
    harms: Vec<Harm>,
    jobs: BTreeMap<HookRun, Job>,
    modules: Modules,
    stream: Stream,
    job_stream: Stream,
    module_stream: Stream,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(config: WorldConfig, seed: u64) -> Self {
        Self {
            config,
            now: BEGINNING,
            instances: BTreeMap::new(),
            pools: BTreeMap::new(),
            revisions: BTreeMap::new(),
            foreign: BTreeMap::new(),
            route: None,
            newest_route: ActionId(0),
            removals: BTreeMap::new(),
            owner: None,
            epoch: Epoch(0),
            fenced: true,
            acted: None,
            mark: Mark(0),
            next_change: None,
            addresses: 0,
            nodes: nodes::Nodes::default(),
            births: 0,
            places: in_place::Places::default(),
            cut_short: Vec::new(),
            replaced: Vec::new(),
            traffic: Traffic::new(BEGINNING),
            harms: Vec::new(),
            jobs: BTreeMap::new(),
            modules: Modules::default(),
            stream: Stream::new(seed, "world"),
            job_stream: Stream::new(seed, "hooks"),
            module_stream: Stream::new(seed, "modules"),
        }
    }

    /// What it is made of.
    #[must_use]
    pub const fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// The time, in milliseconds.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Number of changes so far; the place of the last one in the order of all.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// Highest epoch it knows.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Every instance there ever was.
    #[must_use]
    pub const fn instances(&self) -> &BTreeMap<InstanceId, Instance> {
        &self.instances
    }

    /// The instance of that name.
    #[must_use]
    pub fn instance(&self, name: &InstanceId) -> Option<&Instance> {
        self.instances.get(name)
    }

    /// Pools made by count.
    #[must_use]
    pub const fn pools(&self) -> &BTreeMap<RevisionId, Pool> {
        &self.pools
    }

    /// The route in force.
    #[must_use]
    pub const fn route(&self) -> Option<&Route> {
        self.route.as_ref()
    }

    /// Whether a share is more than another by at least one unit of the router: less is rounded away.
    #[must_use]
    pub fn is_rise(&self, from: Weight, to: Weight) -> bool {
        let units = self.config.capabilities.router.unwrap_or(1).max(1);
        let unit = Weight::FULL.basis_points().div_ceil(units);
        from.basis_points() + unit <= to.basis_points()
    }

    /// Requests so far.
    #[must_use]
    pub const fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Says what is true of `revision` from its next start on.
    pub fn set_truth(&mut self, revision: RevisionId, truth: Truth) {
        self.config.truths.insert(revision, truth);
    }

    /// Stops refusing older epochs, as a backend without fencing would. For planted bugs.
    pub fn drop_fence(&mut self) {
        self.fenced = false;
    }

    /// Refuses older epochs from the first action of a newer one on, not from its claim. For planted bugs.
    pub const fn fence_late(&mut self) {
        self.acted = Some(Epoch(0));
    }

    /// Puts an object beside ours that is not ours.
    pub fn put_foreign(&mut self, name: InstanceId, fingerprint: u64) {
        self.foreign.insert(name, fingerprint);
    }

    /// What is beside ours.
    #[must_use]
    pub const fn foreign(&self) -> &BTreeMap<InstanceId, u64> {
        &self.foreign
    }

    /// Begins a reign, as [`rollout_core::port::Backend::claim`] promises.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Owned`] if another owner reigns and the claim does not take over.
    pub fn claim(
        &mut self,
        workload: &rollout_core::id::WorkloadId,
        claim: &Claim,
    ) -> Result<Epoch, ClaimError> {
        match &self.owner {
            Some(owner) if *owner != claim.owner && !claim.take_over => {
                return Err(ClaimError::Owned {
                    workload: workload.clone(),
                    owner: owner.clone(),
                    epoch: self.epoch,
                });
            }
            Some(_) | None => {}
        }
        self.owner = Some(claim.owner.clone());
        self.epoch = self.epoch.next().max(claim.epoch);
        self.changed();
        Ok(self.epoch)
    }

    /// When it will next change by itself; [`u64::MAX`]: never.
    pub fn next_change(&mut self) -> u64 {
        if let Some(next) = self.next_change {
            return next;
        }
        let instances = self.instances.values();
        let of_instances = instances.map(|instance| instance.next_change(self.now));
        let of_pools = self.pools.values().map(|pool| pool.next_change(self.now));
        let next = of_instances.chain(of_pools).min().unwrap_or(u64::MAX);
        let next = next.min(self.modules.next_change());
        self.next_change = Some(next);
        next
    }

    /// Lets time pass until `at`.
    pub fn advance(&mut self, at: u64) {
        while self.next_change() <= at {
            let next = self.next_change().max(self.now);
            self.settle(next);
            self.now = next;
            self.change_by_itself();
            self.control(None);
            self.changed();
        }
        self.now = self.now.max(at);
    }

    /// The engine's word for now.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        Timestamp(self.now)
    }

    /// Notes that something changed.
    fn changed(&mut self) {
        self.mark = self.mark.next();
        self.next_change = None;
    }

    /// How long a drain takes to be sure where the data plane cannot be asked.
    #[must_use]
    pub fn drain_bound(&self) -> Span {
        match self.config.capabilities.enrolment {
            Some(Confirmation::Elapsed(bound)) => bound,
            Some(Confirmation::Observed) | None => Span::ZERO,
        }
    }
}
