//! What the guard learns from records: what was decided, let through, and what became of it.

use super::{Book, Entry, Limits, Thresholds};
use crate::{
    engine::{Change, Effect, Record, Settlement},
    id::{ActionId, InstanceId, Mark, RevisionId},
    plan::{Budget, Plan},
    spec::CheckedSpec,
    time::Timestamp,
};

impl Book {
    /// Takes note of a record that is durable now.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the guard looks at what concerns it")]
    pub(crate) fn commit(&mut self, record: &Record) {
        self.now = self.now.max(record.at);
        match &record.change {
            Change::Submitted { revision, spec, plan, .. } => {
                self.submitted(&revision.id, spec, plan);
            }
            Change::Proven { revision } => {
                self.is_first = false;
                self.stable = Some(revision.clone());
            }
            Change::Adopted { revision } => {
                self.is_first = false;
                self.stable = Some(revision.id.clone());
            }
            Change::Resized { spec, plan, .. } => self.resized(spec, plan),
            Change::Halted { .. } => self.halted = true,
            Change::Resumed { .. } => self.halted = false,
            // The way back is to as many as there were, not to as many as there should have been.
            Change::Aborted { .. } if !self.is_first => {
                if let Some(limits) = &mut self.limits {
                    limits.least = limits.least.min(self.from);
                    limits.most = limits.most.max(self.from);
                }
            }
            Change::Found { instance, revision, enrolled, started } => {
                self.found(instance, &revision.id, (*enrolled, *started));
            }
            Change::Named { instance, revision, enrolled } => {
                self.named(record.at, instance, revision, *enrolled);
            }
            Change::Spared { instance } => {
                self.entries.or_default(instance).retired = false;
            }
            Change::Intended { id, effect } => self.intended(*id, effect),
            Change::Settled { id, how } => self.settled(record.at, *id, how),
            Change::Snapshot(snapshot) => {
                let (making, confirmation) = (self.making, self.confirmation);
                *self = Self { making, confirmation, ..snapshot.book.clone() };
            }
            Change::Failed { instance, failure } => {
                let entry = self.entries.or_default(instance);
                entry.failed = true;
                entry.over |= failure.is_dead();
            }
            Change::Lost { instance } => self.is_over(instance),
            Change::Retired { instance } => {
                self.entries.or_default(instance).retired = true;
            }
            Change::Gone { instance } => {
                self.entries.remove(instance);
                self.live.remove(instance);
                self.answers.remove(instance);
            }
            _ => {}
        }
    }

    fn found(
        &mut self,
        instance: &InstanceId,
        revision: &RevisionId,
        (is_in, has_started): (bool, bool),
    ) {
        let entry = self.entries.or_default(instance);
        entry.revision = Some(revision.clone());
        entry.enrolled = is_in;
        entry.runs = has_started;
        entry.attached = is_in;
        entry.found = true;
        self.live.insert(instance.clone(), ());
    }

    fn named(&mut self, at: Timestamp, instance: &InstanceId, revision: &RevisionId, is_in: bool) {
        let entry = self.entries.or_default(instance);
        entry.revision = Some(revision.clone());
        entry.enrolled = is_in;
        entry.found = true;
        entry.unhealthy = self.not_ready.contains(instance);
        entry.drained = (!is_in).then_some((at, Mark(0)));
    }

    fn submitted(&mut self, revision: &RevisionId, spec: &CheckedSpec, plan: &Plan) {
        let threshold = spec.health.readiness.as_ref().map(|probe| Thresholds {
            failures: probe.failure_threshold,
            successes: probe.success_threshold,
        });
        self.thresholds.insert(revision.clone(), threshold);
        self.newest_threshold = threshold;
        self.drains.insert(revision.clone(), spec.drain.deadline);
        self.longest_drain = Some(spec.drain.deadline);
        self.must_be_available = spec
            .modules
            .iter()
            .filter(|module| module.must_be_available)
            .map(|module| module.name.clone())
            .collect();
        self.from = self.back();
        self.wanted.insert(revision.clone(), spec.replicas);
        self.limit(plan);
    }

    /// How many instances of the stable revision there are to be, if it comes to that: how many there are says less,
    /// for some may have been lost. Of one that was found nobody knows: as many as there are.
    fn back(&self) -> u64 {
        let stable = self.stable.as_ref();
        if let Some(wanted) = stable.and_then(|id| self.wanted.get(id)) {
            return *wanted;
        }
        let is_stable = |entry: &&Entry| !entry.retired && entry.revision.as_ref() == stable;
        let by_name = self.entries.values().filter(is_stable).count() as u64;
        let by_count = stable.map_or(0, |id| {
            let seen = self.pools.get(id).map_or(0, |seen| seen.replicas);
            self.sizes.get(id).copied().unwrap_or(seen)
        });
        by_name.max(by_count)
    }

    /// Another number of instances counts from now on, there and back.
    fn resized(&mut self, spec: &CheckedSpec, plan: &Plan) {
        self.from = spec.replicas;
        for wanted in self.wanted.values_mut() {
            *wanted = spec.replicas;
        }
        if let Some(stable) = &self.stable {
            self.wanted.insert(stable.clone(), spec.replicas);
        }
        self.limit(plan);
    }

    /// The limits of a plan.
    fn limit(&mut self, plan: &Plan) {
        let has_downtime = plan.stages.iter().any(|stage| plan.desired <= stage.budget.unavailable);
        let widest = |pick: fn(&Budget) -> u64| {
            plan.stages
                .iter()
                .map(|stage| pick(&stage.budget))
                .chain([pick(&plan.rollback)])
                .max()
                .unwrap_or(0)
        };
        self.limits = Some(Limits {
            least: plan.desired,
            most: plan.desired,
            surge: widest(|budget| budget.surge),
            unavailable: widest(|budget| budget.unavailable),
            counting: plan.counting,
            has_floor: !self.is_first && !has_downtime,
        });
    }

    fn is_over(&mut self, instance: &InstanceId) {
        self.entries.or_default(instance).over = true;
    }

    fn intended(&mut self, id: ActionId, effect: &Effect) {
        self.last_action = self.last_action.max(id);
        self.pending.insert(id, effect.clone());
        match effect {
            Effect::Create { instance, revision } => {
                let entry = self.entries.or_default(instance);
                entry.revision = Some(revision.clone());
                self.live.insert(instance.clone(), ());
            }
            Effect::Enrol { instance, .. } => {
                let entry = self.entries.or_default(instance);
                entry.enrolled = true;
                entry.attached = true;
                entry.drained = None;
            }
            Effect::Drain { instance } => {
                self.entries.or_default(instance).enrolled = false;
            }
            Effect::Route(route) => self.route = Some(route.clone()),
            Effect::Scale { revision, replicas } => {
                self.sizes.insert(revision.clone(), *replicas);
                self.sized_from.remove(revision);
            }
            Effect::Start { .. }
            | Effect::Detach { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Divide(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }

    fn settled(&mut self, at: Timestamp, id: ActionId, how: &Settlement) {
        let Some(effect) = self.pending.remove(&id) else { return };
        if !matches!(how, Settlement::Applied) {
            return;
        }
        match effect {
            // After a restart the mark of a write is lost: any snapshot of now shows it.
            Effect::Drain { instance } => {
                self.entries.or_default(&instance).drained.get_or_insert((at, Mark(0)));
            }
            Effect::Detach { instance } => {
                let entry = self.entries.or_default(&instance);
                entry.attached = false;
            }
            Effect::Remove { instance } => self.is_over(&instance),
            Effect::Scale { revision, .. } => {
                self.sized_from.entry(revision).or_insert(Mark(0));
            }
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Enrol { .. }
            | Effect::Stop { .. }
            | Effect::Divide(_)
            | Effect::Route(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => {}
        }
    }
}
