//! Limits: what the rollout under way may do at most, and where it stands.
//!
//! In: the ledger. Out: its phase, its floor and ceiling, the share and the gates of its stage.

use rollout_core::{
    engine::Phase,
    plan::{Budget, Remark, Stage, StageRoute},
    spec::Counting,
    weight::Weight,
};

use super::Ledger;

impl Ledger {
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
