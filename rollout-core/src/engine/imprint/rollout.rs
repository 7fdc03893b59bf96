//! The imprint of one attempt at moving to a revision.

use super::{Imprint, Limits, state::EVER};
use crate::{
    engine::{
        record::{Cause, End},
        state::{Rollout, Run, RunEnd, Walk},
    },
    plan::StageGate,
    time::Timestamp,
};

impl Rollout {
    pub(super) fn imprint(&self, imprint: &mut Imprint, limits: &Limits) {
        let Self {
            attempt,
            from,
            from_desired,
            candidate,
            spec,
            plan,
            purpose,
            walk,
            place,
            runs,
            exposed,
            tallies,
            rounds,
            is_calendar_overridden,
            passed,
            has_moved,
            promoted,
            proven,
            cause,
            // The times, below.
            began: _,
            stage_began: _,
            gate_since: _,
            high_water: _,
            batch_ended: _,
            restored: _,
        } = self;
        imprint.name(from.as_ref().map_or("", |from| from.id.as_str()));
        imprint.word(*from_desired);
        imprint.name(candidate.id.as_str());
        imprint.spec(spec);
        imprint.plan(plan);
        imprint.word(*purpose as u64);
        imprint.walk(walk);
        imprint.word(*place as u64);
        imprint.word(passed.map_or(u64::MAX, |passed| passed as u64));
        let flags = [*is_calendar_overridden, *has_moved, *promoted, *proven];
        imprint.word(flags.iter().fold(0, |word, flag| word * 2 + u64::from(*flag)));
        imprint.cause(cause.as_ref());
        self.times(imprint, limits);
        if self.has_calendar() {
            imprint.word(imprint.now.0);
        }
        if !spec.watch.is_empty() || !tallies.is_empty() {
            imprint.name(&format!("{exposed:?} {tallies:?}"));
        }
        if !runs.is_empty() || !spec.hooks.is_empty() {
            imprint.word(attempt.0);
            imprint.word(u64::from(*rounds));
        }
        for (name, run) in runs {
            imprint.name(name.as_str());
            imprint.run(run);
        }
    }

    /// A time counts where something waits for it.
    fn times(&self, imprint: &mut Imprint, limits: &Limits) {
        if let Some(total) = self.spec.deadlines.total {
            imprint.stopped_age(self.began, total);
        }
        let is_under_way = matches!(self.walk, Walk::Moving { .. } | Walk::Reverting);
        if is_under_way {
            imprint.word(self.high_water.0);
            imprint.stopped_age(self.high_water.1, limits.progress);
        } else if matches!(self.walk, Walk::Gating { .. }) {
            imprint.word(self.high_water.0);
        }
        if matches!(self.walk, Walk::Gating { .. }) || self.passed.is_some() {
            imprint.stopped_age(self.gate_since, limits.gate);
        }
        let kept =
            self.spec.rollback.timeout.unwrap_or_default().max(self.spec.rollback.keep_failed);
        imprint.stopped_age(self.stage_began, kept);
        imprint.moment(self.restored, limits);
        imprint.moment(self.batch_ended, limits);
    }

    fn has_calendar(&self) -> bool {
        let mut gates = self.plan.stages.iter().flat_map(|stage| &stage.gates);
        self.spec.calendar.is_some() || gates.any(|gate| matches!(gate, StageGate::Window(_)))
    }
}

impl Imprint {
    fn cause(&mut self, cause: Option<&Cause>) {
        self.word(match cause {
            None => 0,
            Some(Cause::Superseded { .. }) => 1,
            Some(
                Cause::Ordered { .. }
                | Cause::Failures { .. }
                | Cause::NoProgress { .. }
                | Cause::TooLong
                | Cause::NotApproved
                | Cause::Metric { .. }
                | Cause::Hook { .. },
            ) => 2,
        });
    }

    fn run(&mut self, run: &Run) {
        let Run { hook: _, since, has_begun, end } = run;
        self.age(*since, EVER);
        self.flag(*has_begun);
        self.word(match end {
            None => 0,
            Some(RunEnd::Succeeded) => 1,
            Some(RunEnd::Failed(_)) => 2,
        });
    }

    fn walk(&mut self, walk: &Walk) {
        match walk {
            Walk::Moving { stage } => {
                self.word(1);
                self.word(*stage as u64);
            }
            Walk::Gating { stage, gate } => {
                self.word(2);
                self.word(*stage as u64);
                self.word(*gate as u64);
            }
            Walk::Reverting => self.word(3),
            Walk::Ended(end) => self.word(match end {
                End::Completed => 4,
                End::RolledBack => 5,
                End::Failed => 6,
                End::NeedsOperator { .. } => 7,
                End::Fenced => 8,
            }),
        }
    }

    fn moment(&mut self, at: Option<Timestamp>, limits: &Limits) {
        match at {
            None => self.flag(false),
            Some(at) => {
                self.flag(true);
                self.stopped_age(at, limits.health.max(limits.progress));
            }
        }
    }
}
