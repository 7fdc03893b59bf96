//! The fold: one record after the other.

use std::sync::Arc;

use super::{Paused, Pool, Queued, State};
use crate::{
    engine::{
        action::Revision,
        record::{Change, Failure, Record},
    },
    fleet::{Instance, Made, Standby, Traffic},
    id::{InstanceId, RevisionId},
    time::Timestamp,
};

impl State {
    /// Applies one durable record. The only way that state changes.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.seq = self.seq.next();
        let at = record.at;
        match &record.change {
            Change::Claimed { epoch } => {
                self.epoch = *epoch;
                self.fenced = false;
            }
            Change::Adopted { revision } => {
                self.pool(revision);
                self.stable = Some(revision.clone());
                self.proved(at, revision.clone(), None);
            }
            Change::Submitted { attempt, revision, spec, plan, purpose, .. } => {
                self.submitted(at, *attempt, *purpose, (revision, spec, plan));
            }
            Change::Queued { revision, spec, by, why, purpose } => {
                let (revision, spec) = (revision.clone(), spec.clone());
                let (by, why, purpose) = (by.clone(), why.clone(), *purpose);
                self.queued = Some(Queued { revision, spec, by, why, purpose });
            }
            Change::Dropped { .. } => self.queued = None,
            Change::Targeted { revision, replicas } => self.targeted(revision, *replicas),
            Change::Found { .. }
            | Change::PoolFound { .. }
            | Change::Named { .. }
            | Change::Spared { .. }
            | Change::PoolFailed { .. }
            | Change::Failed { .. }
            | Change::Lost { .. }
            | Change::Retired { .. }
            | Change::Gone { .. } => self.saw(at, &record.change),
            Change::Paused { by, why } => self.stopped(at, by, why.as_ref(), false),
            Change::Halted { by, why } => self.stopped(at, by, why.as_ref(), true),
            Change::Resized { spec, plan, stage, .. } => self.resized(spec, plan, *stage),
            Change::Resumed { by, .. } => self.resumed(at, by),
            Change::Intended { id, effect } => self.intended(at, *id, effect),
            Change::Settled { id, how } => self.settled(at, *id, how),
            Change::Progressed { .. }
            | Change::BatchEnded
            | Change::HookEnded { .. }
            | Change::Measured { .. }
            | Change::Restored => self.learned(at, &record.change),
            Change::Entered { .. }
            | Change::Reached { .. }
            | Change::Passed { .. }
            | Change::Skipped { .. }
            | Change::Resolved { .. }
            | Change::Proven { .. }
            | Change::Promoted { .. }
            | Change::Aborted { .. }
            | Change::Ended { .. } => self.walked(at, &record.change),
            Change::Vetoed(veto) => self.vetoed(at, veto),
            Change::Snapshot(snapshot) => self.clone_from(&snapshot.state),
        }
    }

    /// Something became of single instances, or of a pool that its backend keeps by count.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` lists every record, once")]
    fn saw(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::Found { instance, revision, enrolled, started } => {
                let made = if *started { Made::Started } else { Made::Created };
                self.found(instance, revision, *enrolled, made);
            }
            Change::PoolFound { revision, replicas, failed } => {
                let pool = self.pool(revision);
                (pool.target, pool.counted) = (*replicas, *failed);
            }
            Change::Named { instance, revision, enrolled } => {
                self.named(at, instance, revision, *enrolled);
            }
            Change::Spared { instance } => {
                if let Some(entry) = self.roster.get_mut(instance) {
                    entry.retired = None;
                }
            }
            Change::PoolFailed { revision, failed, why } => {
                self.pool_failed(at, revision, *failed, why.as_deref());
            }
            Change::Failed { instance, failure } => self.failed(at, instance, failure),
            Change::Lost { instance } => self.lost(instance),
            Change::Retired { instance } => self.retired(at, instance),
            Change::Gone { instance } => {
                self.roster.remove(instance);
                self.forget_idle_pools();
            }
            _ => {}
        }
    }

    fn pool_failed(
        &mut self,
        at: Timestamp,
        revision: &RevisionId,
        failed: u64,
        why: Option<&str>,
    ) {
        let Some(pool) = self.pools.get_mut(revision) else { return };
        let more = failed.saturating_sub(pool.counted);
        pool.counted = failed.max(pool.counted);
        pool.failed = pool.failed.saturating_add(more);
        let words = match why {
            Some(why) => format!("failed: {why}"),
            None => format!("is one of {more} that its backend counts as failed"),
        };
        pool.last_failure = Some((at, words));
    }

    fn lost(&mut self, instance: &InstanceId) {
        if let Some(entry) = self.roster.get_mut(instance) {
            entry.dead = true;
            entry.made = Made::Removed;
        }
    }

    fn retired(&mut self, at: Timestamp, instance: &InstanceId) {
        if let Some(entry) = self.roster.get_mut(instance) {
            entry.retired = Some(at);
        }
    }

    /// Forward steps stop, or everything does. Whoever pauses later takes the place of an earlier one, but
    /// the time paused counts from the first.
    fn stopped(&mut self, at: Timestamp, by: &str, why: Option<&String>, everything: bool) {
        let since = self.paused.as_ref().filter(|_| !everything).map_or(at, |paused| paused.at);
        let stopped = Paused { at: since, by: by.to_owned(), why: why.cloned() };
        if everything {
            self.halted = Some(stopped);
        } else {
            self.paused = Some(stopped);
        }
    }

    fn targeted(&mut self, revision: &RevisionId, replicas: u64) {
        if let Some(pool) = self.pools.get_mut(revision) {
            pool.target = replicas;
        }
        if let Some(rollout) = self.rollout.as_mut().map(Arc::make_mut) {
            rollout.batch_ended = None;
            rollout.has_moved = true;
        }
    }

    /// The pool of `revision`, made if need be.
    pub(super) fn pool(&mut self, revision: &Arc<Revision>) -> &mut Pool {
        self.pools.entry(revision.id.clone()).or_insert_with(|| Pool {
            revision: revision.clone(),
            spec: None,
            target: 0,
            desired: None,
            counted: 0,
            failed: 0,
            last_failure: None,
        })
    }

    fn found(
        &mut self,
        instance: &InstanceId,
        revision: &Arc<Revision>,
        enrolled: bool,
        made: Made,
    ) {
        self.pool(revision).target += 1;
        self.last_ordinal += 1;
        self.roster.insert(
            instance.clone(),
            Instance {
                revision: revision.id.clone(),
                ordinal: self.last_ordinal,
                found: true,
                made,
                enrolled_at: None,
                standby: Standby::No,
                traffic: if enrolled { Traffic::In } else { Traffic::Out },
                retired: None,
                dead: false,
                proved_ready: enrolled,
                pending: None,
            },
        );
    }

    fn named(
        &mut self,
        at: Timestamp,
        instance: &InstanceId,
        revision: &RevisionId,
        enrolled: bool,
    ) {
        self.last_ordinal += 1;
        self.roster.insert(
            instance.clone(),
            Instance {
                revision: revision.clone(),
                ordinal: self.last_ordinal,
                found: true,
                made: Made::Started,
                enrolled_at: None,
                standby: Standby::No,
                traffic: if enrolled { Traffic::In } else { Traffic::Drained(at) },
                retired: None,
                dead: false,
                proved_ready: false,
                pending: None,
            },
        );
    }

    fn failed(&mut self, at: Timestamp, instance: &InstanceId, failure: &Failure) {
        let Some(entry) = self.roster.get_mut(instance) else { return };
        let is_refused = matches!(failure, Failure::Refused(_));
        entry.dead |= failure.is_dead() && !(is_refused && Made::Started <= entry.made);
        if let Some(pool) = self.pools.get_mut(&entry.revision) {
            pool.failed += 1;
            pool.last_failure = Some((at, failure.to_string()));
        }
    }

    /// Drops pools that hold nothing and mean nothing any more.
    pub(super) fn forget_idle_pools(&mut self) {
        let Self { pools, roster, stable, rollout, queued, .. } = self;
        let keep = |id: &RevisionId| {
            let is = |revision: &Arc<Revision>| revision.id == *id;
            stable.as_ref().is_some_and(is)
                || rollout.as_ref().is_some_and(|rollout| {
                    is(&rollout.candidate) || rollout.from.as_ref().is_some_and(is)
                })
                || queued.as_ref().is_some_and(|queued| is(&queued.revision))
        };
        pools.retain(|id, pool| {
            pool.target != 0 || keep(id) || roster.values().any(|entry| entry.revision == *id)
        });
    }
}
