//! Ledger: what the journal says, folded by other code than the engine's.
//!
//! In: records in order. Out: what the invariants compare the ground truth with. Absent: the engine's
//! state; a bug there must not hide itself here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollout_core::{
    engine::{
        Change, Effect, End, ModuleSetting, Phase, Purpose, Record, Resolution, Route, Settlement,
    },
    id::{ActionId, Attempt, Epoch, HookRun, InstanceId, RevisionId},
    plan::{Budget, Plan, Remark, Stage, StageRoute},
    spec::{CheckedSpec, Counting, Hook},
    time::Timestamp,
    weight::Weight,
};

/// Who pauses and lets go on where the spec's calendar does.
pub const CALENDAR: &str = "the calendar";

/// What the journal says.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; a machine of their combinations is what the engine has"
)]
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Records so far.
    pub records: usize,
    /// The reign.
    pub epoch: Epoch,
    /// The attempt.
    pub attempt: Attempt,
    /// The plan under way.
    pub plan: Option<Arc<Plan>>,
    /// The spec under way.
    pub spec: Option<Arc<CheckedSpec>>,
    /// The last revision proven or adopted.
    pub stable: Option<RevisionId>,
    /// The revision on trial.
    pub candidate: Option<RevisionId>,
    /// What the attempt is for.
    pub purpose: Purpose,
    /// Whether the attempt began without a stable revision.
    pub first: bool,
    /// How many instances of stable there are to be after the way back.
    pub back: u64,
    /// How many instances of each revision there were to be, as submitted or resized last.
    pub sizes: BTreeMap<RevisionId, u64>,
    /// The stage that was entered last.
    pub stage: Option<usize>,
    /// Whether its counts and route were reached.
    pub reached: bool,
    /// How many of its gates were passed.
    pub passed: usize,
    /// Whether every gate that is left is passed by order.
    pub promoted: bool,
    /// The stage that is entered next by order, whatever gates are left.
    pub skips_to: Option<String>,
    /// Whether forward steps are stopped.
    pub paused: bool,
    /// Whether the spec's calendar stopped them.
    pub frozen: bool,
    /// Whether nothing goes out.
    pub halted: bool,
    /// Steps that the guard refused.
    pub vetoes: u64,
    /// Whether the rollout turned back, and when.
    pub aborted: Option<Timestamp>,
    /// Whether the candidate was proven in this attempt.
    pub proven: bool,
    /// Whether another revision waits for the end.
    pub queued: bool,
    /// Revisions that were ever submitted or queued.
    pub heard: BTreeSet<RevisionId>,
    /// How it ended.
    pub end: Option<End>,
    /// When it ended.
    pub ended: Timestamp,
    /// Floor and ceiling right before and after each resize.
    pub limits: Vec<(u64, u64)>,
    /// Most proven revisions that are remembered, by the spec proven last.
    pub history_limit: Option<u64>,
    /// Runs of hooks that were decided upon, in all attempts.
    pub runs: BTreeMap<HookRun, Run>,
    /// Times that it went on in this attempt.
    pub resumes: u64,
    /// Times that it went on in this attempt because a person said so.
    pub resumes_by_hand: u64,
    /// Modules were ever set, and how last.
    pub modules: Option<ModuleSetting>,
    /// Instances told to go, and until when they drain.
    pub retired: BTreeMap<InstanceId, Timestamp>,
    /// Instances that were told to go, there or not, and by which record.
    pub told_to_go: BTreeMap<InstanceId, usize>,
    /// Actions by number: the effect and whether it is settled.
    pub intents: BTreeMap<ActionId, (Effect, bool)>,
    /// The route that is known to have been set last.
    pub route: Option<Route>,
    /// Routes that may be in force or come into force yet: ordered, with no answer, and none that was
    /// ordered later is known to be set.
    pub routes_in_doubt: Vec<(ActionId, Route)>,
}

/// One run of a hook, as the journal has it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The hook.
    pub hook: Arc<Hook>,
    /// The attempt it was decided in.
    pub attempt: Attempt,
    /// Whether it has ended, and whether well.
    pub end: Option<bool>,
}

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

    /// What the rollout is doing.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match (&self.end, &self.plan) {
            (Some(_), _) => Phase::Ended,
            (None, None) => Phase::Idle,
            (None, Some(_)) if self.aborted.is_some() => Phase::Reverting,
            (None, Some(_)) if self.reached => Phase::Gating,
            (None, Some(_)) => Phase::Moving,
        }
    }

    /// Desired number of instances, there or back.
    #[must_use]
    pub fn desired(&self) -> u64 {
        match self.aborted {
            Some(_) if !self.first => self.back,
            Some(_) | None => self.plan.as_ref().map_or(0, |plan| plan.desired),
        }
    }

    /// The stage under way.
    #[must_use]
    pub fn stage_now(&self) -> Option<&Stage> {
        self.plan.as_ref()?.stages.get(self.stage?)
    }

    fn budget(&self) -> Option<Budget> {
        let plan = self.plan.as_ref()?;
        match self.aborted {
            Some(_) => Some(plan.rollback),
            None => Some(self.stage_now().or_else(|| plan.stages.first())?.budget),
        }
    }

    /// Whether the plan declares that nobody serves for a while.
    #[must_use]
    pub fn declares_downtime(&self) -> bool {
        let empty = |stage: &Stage| stage.route == StageRoute::Empty;
        let said = |remark: &Remark| matches!(remark, Remark::Downtime { .. });
        self.plan
            .as_ref()
            .is_some_and(|plan| plan.stages.iter().any(empty) || plan.remarks.iter().any(said))
    }

    /// Fewest serving instances the engine may leave.
    #[must_use]
    pub fn floor(&self) -> u64 {
        if self.stable.is_none() || self.declares_downtime() {
            return 0;
        }
        let unavailable = self.budget().map_or(0, |budget| budget.unavailable);
        self.desired().saturating_sub(unavailable)
    }

    /// Most live instances the engine may make.
    #[must_use]
    pub fn ceiling(&self) -> u64 {
        self.desired() + self.budget().map_or(0, |budget| budget.surge)
    }

    /// Whether instances on their way out count against the ceiling.
    #[must_use]
    pub fn counts_strictly(&self) -> bool {
        self.plan.as_ref().is_none_or(|plan| plan.counting == Counting::Strict)
    }

    /// Largest share the candidate may have; `None`: the route follows the replicas.
    #[must_use]
    pub fn exposure(&self) -> Option<Weight> {
        match self.stage_now().map(|stage| stage.route)? {
            StageRoute::Weighted(weight) => Some(weight),
            StageRoute::Empty => Some(Weight::ZERO),
            StageRoute::ByReplicas => None,
        }
    }

    /// Whether every gate of the stage under way was passed.
    #[must_use]
    pub fn gates_passed(&self) -> bool {
        let gates = self.stage_now().map_or(0, |stage| stage.gates.len());
        self.reached && (self.promoted || gates <= self.passed)
    }
}
