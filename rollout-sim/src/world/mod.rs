//! World: the ground truth of one workload in virtual time.
//!
//! In: actions, and time that passes. Out: what came of them, snapshots, and the truth itself for the
//! invariants. Absent: clocks, threads, IO, opinions: it does what it is told, however bad.

mod apply;
mod environment;
mod hooks;
mod instance;
mod life;
mod modules;
mod observe;
mod pool;
mod ports;
mod tally;
mod traffic;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use rollout_core::{
    engine::{EnrolState, Revision, Route},
    id::{ActionId, Epoch, HookRun, InstanceId, Mark, RevisionId},
    port::{Ability, Capabilities, Claim, ClaimError, Confirmation, Making},
    spec::Counting,
    time::{Span, Timestamp},
    weight::Weight,
};

pub use self::{
    apply::Receipt,
    hooks::Job,
    instance::{Condition, Instance, Server},
    life::{Life, Manner, Truth},
    modules::Modules,
    pool::Pool,
    ports::{ManualClock, SimBackend, SimEnrolment, SimFleet, SimHooks, SimModules, SimRouter},
    tally::{Counts, Tally},
    traffic::{Loss, Traffic},
};
use crate::random::Stream;

/// When every world begins, in milliseconds since 1970. No world knows a date.
pub const BEGINNING: u64 = 1_000_000;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// What its ports can do.
    pub capabilities: Capabilities,
    /// Shortest and longest start of an instance, in milliseconds.
    pub start: (u64, u64),
    /// How instances take the stop signal.
    pub manner: Manner,
    /// Whether the orchestrator has a health check of its own.
    pub checks_health: bool,
    /// Requests per second.
    pub rate: u64,
    /// Time an instance needs to answer a request, in milliseconds.
    pub service: u64,
    /// Time after which requests in flight on a draining instance may be cut.
    pub drain_deadline: u64,
    /// How long an instance of a pool made by count answers before it counts as available, in
    /// milliseconds.
    pub min_ready: u64,
    /// What is true of a revision; one that is not named is good.
    pub truths: BTreeMap<RevisionId, Truth>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            capabilities: Capabilities {
                making: Making::ByName,
                counting: Counting::Strict,
                enrolment: Some(Confirmation::Observed),
                router: Some(10_000),
                abilities: BTreeSet::from([
                    Ability::Matches,
                    Ability::Mirror,
                    Ability::Affinity,
                    Ability::Hooks,
                    Ability::Modules,
                ]),
            },
            start: (500, 2000),
            manner: Manner::Graceful,
            checks_health: true,
            rate: 200,
            service: 50,
            drain_deadline: 30_000,
            min_ready: 0,
            truths: BTreeMap::new(),
        }
    }
}

/// Something the environment did to an instance that carried, or could carry, traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harm {
    /// The instance.
    pub instance: InstanceId,
    /// When.
    pub at: u64,
    /// Whether its load balancer entry was lost, rather than the instance.
    pub enrolment: bool,
    /// Whether the instance was not on its way out of the load balancer.
    pub carried: bool,
    /// Number of the engine's step from which on it could know.
    pub known: Option<u64>,
    /// When it was over, if it is.
    pub healed: Option<u64>,
    /// Whether a snapshot has shown since that it is over.
    pub shown_well: bool,
    /// Number of the engine's step from which on it could know that it is over.
    pub known_over: Option<u64>,
}

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
    mark: Mark,
    next_change: Option<u64>,
    addresses: u32,
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
            mark: Mark(0),
            next_change: None,
            addresses: 0,
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

    /// Everything the environment did to instances in service.
    #[must_use]
    pub fn harms(&self) -> &[Harm] {
        &self.harms
    }

    /// Harms that are not made good and that an engine could not know of in its step number `step`, on
    /// `revision` or on any. What harms an instance that the engine is taking out costs nothing, unless it
    /// is let in again by an engine that does not know.
    #[must_use]
    pub fn unseen(&self, step: u64, revision: Option<&RevisionId>) -> u64 {
        let unknown = |harm: &&Harm| {
            let instance = self.instances.get(&harm.instance);
            let of = instance.map(|one| &one.revision);
            let is_in = instance.is_some_and(Instance::is_enrolled);
            (harm.carried || is_in)
                && match harm.known {
                    None => harm.healed.is_none(),
                    // Taken out for it, a recovered instance is missing until it is let in again.
                    Some(known) => step < known && !(harm.healed.is_some() && is_in),
                }
                && revision.is_none_or(|wanted| of == Some(wanted))
        };
        self.harms.iter().filter(unknown).count() as u64
    }

    /// Serving instances in traffic of other revisions than this one, without those whose recovery an
    /// engine could not know of in its step number `step`.
    #[must_use]
    pub fn others_serving(&self, step: u64, revision: &RevisionId) -> u64 {
        let is_thought_harmed = |name: &InstanceId| {
            let knew = |at: Option<u64>| at.is_some_and(|at| at <= step);
            let harms = self.harms.iter().filter(|harm| harm.instance == *name && !harm.enrolment);
            harms.into_iter().any(|harm| knew(harm.known) && !knew(harm.known_over))
        };
        let others = self.instances.iter().filter(|(name, one)| {
            one.revision != *revision
                && one.serves(self.now)
                && self.has_share(one)
                && !is_thought_harmed(name)
        });
        others.count() as u64
    }

    /// Whether the environment ever harmed the instance.
    #[must_use]
    pub fn was_harmed(&self, name: &InstanceId) -> bool {
        self.harms.iter().any(|harm| harm.instance == *name)
    }

    /// The same, to note when the engine could know.
    pub(crate) fn harms_mut(&mut self) -> &mut [Harm] {
        &mut self.harms
    }

    /// Says what is true of `revision` from its next start on.
    pub fn set_truth(&mut self, revision: RevisionId, truth: Truth) {
        self.config.truths.insert(revision, truth);
    }

    /// Stops refusing older epochs, as a backend without fencing would. For planted bugs.
    pub fn drop_fence(&mut self) {
        self.fenced = false;
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
            self.changed();
        }
        self.now = self.now.max(at);
    }

    /// The engine's word for now.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        Timestamp(self.now)
    }

    /// Puts `count` instances of `revision` there, running, ready and enrolled, as a past run left them.
    pub fn populate(&mut self, revision: &Arc<Revision>, names: &[InstanceId]) {
        self.revisions.insert(revision.id.clone(), Arc::clone(revision));
        let is_by_name = self.config.capabilities.making == Making::ByName;
        if !is_by_name {
            let life = Life { serves_after: Some(0), ..self.draw_life(&revision.id) };
            let pool = self.pools.entry(revision.id.clone()).or_default();
            pool.scale(names.len() as u64, self.now, &life);
            pool.advance(self.now);
        }
        for name in names.iter().filter(|_| is_by_name) {
            let mut life = self.draw_life(&revision.id);
            life.serves_after = Some(0);
            let mut instance = self.blank(revision.id.clone());
            instance.condition = Condition::Running;
            instance.life = life;
            instance.started = self.now;
            instance.server = Some(Server {
                state: EnrolState::In,
                admitted: true,
                drained: 0,
                busy_until: 0,
                load: 0,
            });
            self.instances.insert(name.clone(), instance);
        }
        self.route = Some(match self.config.capabilities.router {
            Some(_) => Route::all_on(revision.id.clone()),
            None => Route::ByReplicas,
        });
        self.changed();
    }

    /// An instance that was just made.
    fn blank(&mut self, revision: RevisionId) -> Instance {
        self.addresses += 1;
        let life = self.draw_life(&revision);
        Instance {
            revision,
            condition: Condition::Created,
            address: IpAddr::from((0x0a00_0000 + self.addresses).to_be_bytes()),
            life,
            started: 0,
            ends: u64::MAX,
            newest: ActionId(0),
            server: None,
            newest_enrolment: ActionId(0),
        }
    }

    /// Draws what an instance of `revision` will do from its start on.
    pub fn draw_life(&mut self, revision: &RevisionId) -> Life {
        let truths = &self.config.truths;
        let truth = truths.get(revision).copied().unwrap_or(Truth::Good);
        Life::of(truth, self.config.start, self.config.manner, &mut self.stream)
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
