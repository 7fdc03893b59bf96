//! The imprint of what lasts.

use super::{Imprint, Limits};
use crate::{
    engine::{
        setup::Setup,
        state::{Paused, Pool, Proof, Queued, State},
    },
    fleet::{Instance, Standby, Traffic},
    id::InstanceId,
    plan::StageGate,
    port::Confirmation,
    time::{Span, Timestamp},
};

impl Limits {
    pub(crate) fn of(setup: &Setup, state: &State) -> Self {
        let rollout = state.rollout.as_ref();
        let gates = rollout.into_iter().flat_map(|rollout| &rollout.plan.stages);
        let (mut gate, mut health) = (Span::ZERO, Span::ZERO);
        for one in gates.flat_map(|stage| &stage.gates) {
            match one {
                StageGate::Hold(span) => gate = gate.max(*span),
                StageGate::Approval { deadline, .. } => {
                    gate = gate.max(deadline.unwrap_or(Span::ZERO));
                }
                StageGate::Health(span) => health = health.max(*span),
                // Their times are their own: nothing is left out.
                StageGate::Hook(_) | StageGate::Window(_) | StageGate::Metric(_) => gate = EVER,
            }
        }
        let specs = state.pools.values().filter_map(|pool| pool.spec.as_ref());
        let specs = specs.chain(rollout.map(|rollout| &rollout.spec));
        let drains = specs.map(|spec| spec.drain.deadline.plus(spec.drain.stop_grace));
        let drain = drains.max().unwrap_or(EVER);
        let bound = match setup.capabilities.enrolment {
            Some(Confirmation::Elapsed(bound)) => bound,
            Some(Confirmation::Observed) | None => Span::ZERO,
        };
        // One that is quiet may wait for others as long again.
        let drain = drain.max(bound).plus(bound);
        Self {
            stale: setup.tuning.stale_after,
            retry: setup.tuning.retry_most,
            drain,
            gate,
            health: rollout
                .map_or(health, |rollout| health.max(rollout.spec.rollback.health_check_interval)),
            progress: rollout
                .map_or(EVER, |rollout| rollout.spec.deadlines.progress.plus(drain).plus(drain)),
        }
    }
}

/// Longer than anything waits.
pub(super) const EVER: Span = Span::from_secs(1 << 40);

impl State {
    pub(super) fn imprint(&self, imprint: &mut Imprint, limits: &Limits) {
        let Self {
            // How many records there were decides nothing.
            seq: _,
            epoch,
            // Higher than every number in use, and so will the next one be.
            last_action: _,
            last_ordinal: _,
            stable,
            rollout,
            queued,
            pools,
            roster,
            pending,
            route,
            routed_at,
            paused,
            halted,
            fenced,
            modules,
            modules_at,
            history,
        } = self;
        imprint.word(epoch.0);
        imprint.name(stable.as_ref().map_or("", |stable| stable.id.as_str()));
        imprint.flag(*fenced);
        imprint.word(roster.len() as u64);
        for (name, instance) in roster {
            imprint.entry(name, instance, limits);
        }
        imprint.pending(pending);
        imprint.word(pools.len() as u64);
        for (id, pool) in pools {
            imprint.name(id.as_str());
            imprint.pool(pool, limits);
        }
        imprint.queued(queued.as_ref());
        imprint.route(route.as_ref());
        for set_at in [routed_at, modules_at] {
            imprint.set_at(*set_at, limits);
        }
        for stopped in [paused, halted] {
            imprint.stopped(stopped.as_ref());
        }
        match modules {
            None => imprint.flag(false),
            Some(setting) => imprint.name(&format!("{setting:?}")),
        }
        imprint.history(history);
        match rollout {
            None => imprint.flag(false),
            Some(rollout) => rollout.imprint(imprint, limits),
        }
    }
}

impl Imprint {
    fn queued(&mut self, queued: Option<&Queued>) {
        match queued {
            None => self.flag(false),
            Some(Queued { revision, spec, by: _, why: _, purpose }) => {
                self.name(revision.id.as_str());
                self.spec(spec);
                self.word(*purpose as u64);
            }
        }
    }

    fn set_at(&mut self, at: Option<Timestamp>, limits: &Limits) {
        match at {
            None => self.flag(false),
            // The time between two attempts to set it is shorter than an observation may be old.
            Some(at) => self.age(at, limits.stale),
        }
    }

    fn stopped(&mut self, stopped: Option<&Paused>) {
        match stopped {
            None => self.flag(false),
            // Other times are counted from this one.
            Some(Paused { at: _, by, why: _ }) => self.name(by),
        }
    }

    fn history(&mut self, history: &[Proof]) {
        self.word(history.len() as u64);
        for Proof { revision, spec, at: _ } in history {
            self.name(revision.id.as_str());
            match spec {
                None => self.flag(false),
                Some(spec) => self.spec(spec),
            }
        }
    }

    fn entry(&mut self, name: &InstanceId, instance: &Instance, limits: &Limits) {
        let Instance {
            revision,
            ordinal,
            found,
            made,
            traffic,
            enrolled_at,
            standby,
            retired,
            dead,
            proved_ready,
            pending,
        } = instance;
        self.instance(name);
        self.name(revision.as_str());
        self.ordinal(*ordinal);
        let flags = [*found, retired.is_some(), *dead, *proved_ready];
        let flags = flags.iter().fold(0, |word, flag| word * 2 + u64::from(*flag));
        self.word(flags * 8 + *made as u64);
        self.address(*enrolled_at);
        match traffic {
            Traffic::Out => self.word(0),
            Traffic::Enrolling => self.word(1),
            Traffic::In => self.word(2),
            Traffic::Draining => self.word(3),
            Traffic::Drained(at) => {
                self.word(4);
                self.age(*at, limits.drain);
            }
            Traffic::Detaching => self.word(5),
        }
        match standby {
            Standby::No => self.word(0),
            Standby::Waits => self.word(1),
            Standby::Until(id) => {
                self.word(2);
                self.action(*id);
            }
        }
        match pending {
            None => self.flag(false),
            Some(id) => {
                self.flag(true);
                self.action(*id);
            }
        }
    }

    fn pool(&mut self, pool: &Pool, limits: &Limits) {
        let Pool { revision: _, spec, target, desired, counted, failed, last_failure } = pool;
        match spec {
            None => self.word(u64::MAX),
            Some(spec) => self.spec(spec),
        }
        self.word(*target);
        self.word(desired.unwrap_or(u64::MAX));
        self.word(*counted);
        self.word(*failed);
        match last_failure {
            None => self.flag(false),
            Some((at, _)) => {
                self.flag(true);
                self.age(*at, limits.retry);
            }
        }
    }
}
