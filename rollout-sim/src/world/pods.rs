//! Pods: instances of pools that are kept by count, where each can be taken out of traffic by name.
//!
//! In: the size that a pool was told to have. Out: as many instances, which serve as soon as they answer; what
//! is too much goes: first what does not answer, then what was drained, then the newest. As the controller of
//! replica sets does it. Absent: who is drained; that is the engine's.

use rollout_core::{
    engine::{EnrolState, PoolSeen},
    id::{ActionId, InstanceId, RevisionId},
};

use super::{Condition, Instance, Server, World};

/// Time until an instance that ended by itself is replaced, in milliseconds.
const BACKOFF: u64 = 1000;

/// An instance that its controller ended though something could be sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutShort {
    /// The change of size that did it.
    pub by: ActionId,
    /// The instance.
    pub instance: InstanceId,
    /// How long it had been drained, in milliseconds; `None`: it was not.
    pub drained_for: Option<u64>,
}

/// An instance that is gone by nobody's order, in whose place its controller has put another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The instance.
    pub instance: InstanceId,
    /// When.
    pub at: u64,
    /// Number of the engine's step from which on it could know.
    pub known: Option<u64>,
}

impl World {
    /// Whether its instances are kept by count and drained by name.
    #[must_use]
    pub fn keeps_pods(&self) -> bool {
        self.config.capabilities.drains_by_name()
    }

    /// Instances that went by a change of size though something could be sent to them.
    #[must_use]
    pub fn cut_short(&self) -> &[CutShort] {
        &self.cut_short
    }

    /// Instances that were replaced before the engine could know of it in its step number `step`.
    pub fn replaced_unseen(&self, step: u64) -> impl Iterator<Item = (&InstanceId, &Instance)> {
        let unseen = self.replaced.iter().filter(move |it| it.known.is_none_or(|at| step < at));
        unseen.filter_map(|it| self.instances.get_key_value(&it.instance))
    }

    /// Notes that an engine can know from its step number `step` on what was replaced before `taken`, and
    /// that these instances serve.
    pub(crate) fn show_pods<'a>(
        &mut self,
        step: u64,
        taken: u64,
        serving: impl Iterator<Item = &'a InstanceId>,
    ) {
        for it in self.replaced.iter_mut().filter(|it| it.at <= taken) {
            it.known.get_or_insert(step);
        }
        for name in serving {
            if let Some(instance) = self.instances.get_mut(name) {
                instance.shown_serving.get_or_insert(step);
            }
        }
    }

    /// Whether an instance gets traffic by itself and an engine could not know in its step number `step` that
    /// it serves.
    #[must_use]
    pub fn serves_unseen(&self, step: u64, name: &InstanceId) -> bool {
        let shown = self.instances.get(name).and_then(|one| one.shown_serving);
        self.keeps_pods() && shown.is_none_or(|shown| step < shown)
    }

    /// Notes that another instance will be in the place of one that is gone.
    pub(super) fn replace(&mut self, name: &InstanceId) {
        if !self.keeps_pods() {
            return;
        }
        if let Some(one) = self.instances.get_mut(name) {
            one.server = None;
        }
        self.replaced.push(Replaced { instance: name.clone(), at: self.now, known: None });
    }

    /// Makes what is missing of every pool and ends what is too much.
    pub(super) fn control(&mut self, by: Option<ActionId>) {
        if !self.keeps_pods() {
            return;
        }
        self.bury();
        let sizes: Vec<(RevisionId, u64)> =
            self.pools.iter().map(|(id, pool)| (id.clone(), pool.replicas)).collect();
        for (revision, size) in sizes {
            let mut there: Vec<(bool, u64, u64, InstanceId)> = self
                .instances
                .iter()
                .filter(|(_, one)| one.revision == revision && is_kept(one))
                .map(|(name, one)| {
                    (one.serves(self.now), drain_order(one), u64::MAX - one.birth, name.clone())
                })
                .collect();
            for _ in there.len() as u64..size {
                self.give_birth(&revision);
            }
            there.sort_unstable();
            let over = (there.len() as u64).saturating_sub(size);
            let over = usize::try_from(over).unwrap_or(usize::MAX);
            for (_, _, _, name) in there.into_iter().take(over) {
                self.end(&name, by);
            }
        }
    }

    /// Takes away what has ended: at once where it was told to, after a while where it ended by itself.
    fn bury(&mut self) {
        let now = self.now;
        let is_over =
            |one: &Instance| matches!(one.condition, Condition::Exited { .. }) && one.ends <= now;
        let over = self.instances.iter().filter(|(_, one)| is_over(one));
        let over: Vec<InstanceId> = over.map(|(name, _)| name.clone()).collect();
        for name in over {
            if self.instances.get(&name).is_some_and(is_kept) {
                self.replace(&name);
            }
            if let Some(one) = self.instances.get_mut(&name) {
                one.condition = Condition::Gone;
                one.server = None;
            }
        }
    }

    /// Notes that an instance ended by itself: it is counted, and replaced after a while.
    pub(super) fn note_exit(&mut self, name: &InstanceId) {
        if !self.keeps_pods() {
            return;
        }
        if let Some(one) = self.instances.get_mut(name) {
            one.ends = self.now + BACKOFF;
            let revision = one.revision.clone();
            self.pools.entry(revision).or_default().failed += 1;
        }
    }

    fn give_birth(&mut self, revision: &RevisionId) {
        let mut instance = self.blank(revision.clone());
        instance.condition = Condition::Running;
        instance.started = self.now;
        let state = EnrolState::In;
        instance.server =
            Some(Server { state, admitted: true, drained: 0, busy_until: 0, load: 0 });
        self.births += 1;
        instance.birth = self.births;
        let name = InstanceId::new(format!("web-{revision}-p{}", self.births))
            .expect("two short names and a number make a name");
        self.instances.insert(name, instance);
        self.changed();
    }

    fn end(&mut self, name: &InstanceId, by: Option<ActionId>) {
        let (now, bound) = (self.now, self.drain_bound().as_millis());
        let Some(one) = self.instances.get(name) else {
            return;
        };
        let drained_for = one.server.filter(|it| it.drained != 0).map(|it| now - it.drained);
        let gets_more = self.gets_traffic(one) || drained_for.is_some_and(|it| it < bound);
        if let Some(by) = by.filter(|_| one.serves(now) && gets_more) {
            self.cut_short.push(CutShort { by, instance: name.clone(), drained_for });
            let loss = self.cut_loss(name);
            self.cut(name, loss);
        }
        if let Some(one) = self.instances.get_mut(name) {
            one.ends = now + one.life.stops_after;
            one.condition = match one.condition {
                Condition::Running => Condition::Stopping,
                // Nothing is left that could take its time.
                Condition::Exited { .. } => Condition::Gone,
                other @ (Condition::Created | Condition::Stopping | Condition::Gone) => other,
            };
            one.server = None;
        }
        self.changed();
    }

    /// A pool as its orchestrator shows it.
    pub(super) fn pool_seen(&self, revision: &RevisionId, pool: &super::Pool) -> PoolSeen {
        let of = |which: &dyn Fn(&Instance) -> bool| {
            let all = self.instances.values().filter(|one| one.revision == *revision);
            all.filter(|one| which(one)).count() as u64
        };
        let min_ready = self.config.min_ready;
        PoolSeen {
            replicas: pool.replicas,
            created: of(&is_kept),
            ready: of(&|one| one.serves(self.now)),
            available: of(&|one| one.serves(self.now) && one.answers_for(self.now, min_ready)),
            terminating: of(&|one| one.condition == Condition::Stopping),
            failed: pool.failed,
            ..PoolSeen::default()
        }
    }
}

/// Whether the controller counts an instance.
const fn is_kept(one: &Instance) -> bool {
    matches!(one.condition, Condition::Running | Condition::Exited { asked: false, .. })
}

/// Who was drained goes first, the one drained first before the others.
fn drain_order(one: &Instance) -> u64 {
    match one.server {
        Some(server) if server.state == EnrolState::Draining => server.drained,
        Some(_) | None => u64::MAX,
    }
}
