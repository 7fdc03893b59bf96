//! Fold: what each record changes in the ledger.
//!
//! In: records in order. Out: the ledger after them.

use std::sync::Arc;

use rollout_core::{
    engine::{Change, Effect, Record, Resolution, Settlement},
    id::{ActionId, Attempt, HookRun, InstanceId, RevisionId},
    plan::Plan,
    spec::CheckedSpec,
    time::Timestamp,
};

use super::{CALENDAR, Ledger, Run};

impl Ledger {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        self.records += 1;
        match &record.change {
            Change::Claimed { epoch } => self.epoch = *epoch,
            Change::Adopted { revision, .. } => self.stable = Some(revision.id.clone()),
            Change::Submitted { attempt, revision, spec, plan, purpose, .. } => {
                self.begin(*attempt, &revision.id, spec, plan);
                self.purpose = *purpose;
            }
            Change::Resized { spec, plan, stage, .. } => self.resize(spec, plan, *stage),
            Change::Queued { revision, .. } => {
                self.heard.insert(revision.id.clone());
                self.queued = true;
            }
            Change::Dropped { .. } => self.queued = false,
            Change::Entered { stage } => {
                self.stage = Some(*stage);
                self.skips_to = None;
                self.start_stage();
            }
            Change::Skipped { to, .. } => self.skips_to = Some(to.clone()),
            Change::HookEnded { run, failure } => self.hook_ended(run, failure.is_none()),
            Change::Reached { .. } => self.reached = true,
            Change::Passed { .. } => self.passed += 1,
            Change::Proven { revision } => self.prove(revision),
            Change::Retired { instance } => self.retire(instance, record.at),
            Change::Gone { instance } => self.gone(instance),
            Change::Lost { instance } | Change::Spared { instance } => {
                self.retired.remove(instance);
                self.told_to_go.remove(instance);
            }
            Change::Paused { .. }
            | Change::Vetoed(_)
            | Change::Halted { .. }
            | Change::Resumed { .. } => self.stopped(&record.change),
            Change::Promoted { .. } => self.promoted = true,
            Change::Aborted { .. } => {
                self.aborted = Some(record.at);
                self.paused = false;
            }
            Change::Ended { end } => {
                self.end = Some(end.clone());
                self.ended = record.at;
                self.paused = false;
            }
            Change::Resolved { how, .. } => self.resolve(how),
            Change::Intended { id, effect } => self.intend(*id, effect),
            Change::Settled { id, how } => self.settle(*id, how),
            Change::Targeted { .. }
            | Change::Progressed { .. }
            | Change::BatchEnded
            | Change::Failed { .. }
            | Change::Found { .. }
            | Change::Restored
            // Newer changes, like those above, are ones that no promise is about.
            | _ => {}
        }
    }

    fn retire(&mut self, instance: &InstanceId, at: Timestamp) {
        self.retired.insert(instance.clone(), at);
        self.told_to_go.insert(instance.clone(), self.records);
    }

    fn gone(&mut self, instance: &InstanceId) {
        self.retired.remove(instance);
    }

    fn hook_ended(&mut self, run: &HookRun, well: bool) {
        if let Some(run) = self.runs.get_mut(run) {
            run.end = Some(well);
        }
    }

    fn prove(&mut self, revision: &RevisionId) {
        self.stable = Some(revision.clone());
        self.proven = true;
        self.history_limit = self.spec.as_ref().map(|spec| spec.history.max(1));
    }

    /// Stopped, wholly or but for the way back, or let go on. A veto stops forward steps as a pause does.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`apply` hands over these alone")]
    fn stopped(&mut self, change: &Change) {
        match change {
            Change::Paused { by, .. } => {
                self.paused = true;
                self.frozen = by == CALENDAR;
            }
            Change::Vetoed(_) => {
                self.vetoes += 1;
                self.paused = true;
            }
            Change::Halted { .. } => self.halted = true,
            // Whoever lifts a halt has not lifted the pause before it.
            Change::Resumed { .. } if self.halted => self.halted = false,
            Change::Resumed { by, .. } => {
                self.resumes += 1;
                self.resumes_by_hand += u64::from(by != CALENDAR);
                self.paused = false;
            }
            _ => {}
        }
    }

    fn intend(&mut self, id: ActionId, effect: &Effect) {
        if let Effect::Route(route) = effect {
            self.routes_in_doubt.push((id, route.clone()));
        }
        if let Effect::Run { run, hook } = effect {
            let (hook, attempt) = (hook.clone(), self.attempt);
            self.runs.insert(run.clone(), Run { hook, attempt, end: None });
        }
        if let Effect::Modules(setting) = effect {
            self.modules = Some(setting.clone());
        }
        self.intents.insert(id, (effect.clone(), false));
    }

    fn begin(
        &mut self,
        attempt: Attempt,
        revision: &RevisionId,
        spec: &Arc<CheckedSpec>,
        plan: &Arc<Plan>,
    ) {
        self.heard.insert(revision.clone());
        self.attempt = attempt;
        self.plan = Some(Arc::clone(plan));
        self.spec = Some(Arc::clone(spec));
        self.candidate = Some(revision.clone());
        self.first = self.stable.is_none();
        let size = self.stable.as_ref().and_then(|stable| self.sizes.get(stable)).copied();
        self.back = size.unwrap_or(plan.desired);
        self.sizes.insert(revision.clone(), spec.replicas);
        self.stage = None;
        self.start_stage();
        self.promoted = false;
        self.skips_to = None;
        self.resumes = 0;
        self.resumes_by_hand = 0;
        self.aborted = None;
        self.proven = false;
        self.queued = false;
        self.paused = false;
        self.end = None;
    }

    fn resize(&mut self, spec: &Arc<CheckedSpec>, plan: &Arc<Plan>, stage: usize) {
        self.limits.push((self.floor(), self.ceiling()));
        let name = self.stage_now().map(|stage| stage.name.clone());
        self.plan = Some(Arc::clone(plan));
        self.spec = Some(Arc::clone(spec));
        self.stage = Some(stage);
        // The same stage is to be reached with the new counts; another one is walked anew.
        self.reached = false;
        if self.stage_now().map(|stage| &stage.name) != name.as_ref() {
            self.start_stage();
        }
        self.back = plan.desired;
        for revision in self.candidate.iter().chain(&self.stable) {
            self.sizes.insert(revision.clone(), plan.desired);
        }
        self.limits.push((self.floor(), self.ceiling()));
    }

    fn resolve(&mut self, how: &Resolution) {
        match how {
            Resolution::GoOn => {
                // Whoever lets it go on has its hooks tried anew.
                self.resumes += 1;
                self.end = None;
                if self.aborted.is_none() || self.proven {
                    self.start_stage();
                }
            }
            Resolution::Adopt { revision } => {
                self.stable = revision.clone().or(self.stable.take());
                self.history_limit = None;
            }
        }
    }

    fn settle(&mut self, id: ActionId, how: &Settlement) {
        if let Some((_, settled)) = self.intents.get_mut(&id) {
            *settled = true;
        }
        let is_route = self.routes_in_doubt.iter().any(|(other, _)| *other == id);
        if is_route && *how == Settlement::Applied {
            let set = self.routes_in_doubt.iter().find(|(other, _)| *other == id);
            self.route = set.map(|(_, route)| route.clone());
            self.routes_in_doubt.retain(|(other, _)| id < *other);
        }
    }

    fn start_stage(&mut self) {
        self.reached = false;
        self.passed = 0;
    }
}
