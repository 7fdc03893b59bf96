//! Checking the promises, and keeping the first break of each.

use super::{Act, Finish, Run, RunConfig};
use crate::{
    invariants::{self, Happened, Invariant, Moment, Question, Violation},
    kinds::Hearers,
    world::BEGINNING,
};

/// The promises that a run is to check.
pub(super) fn wanted(config: &RunConfig) -> Vec<Box<dyn Invariant>> {
    let mut wanted = if config.unchecked { Vec::new() } else { invariants::all() };
    // A run that ends where one promise is broken is about no other, unless all of it is told.
    if let Some(name) = config.until_broken.as_ref().filter(|_| !config.transcript) {
        wanted.retain(|one| one.name() == name);
    }
    wanted
}

/// What a check reads and writes, apart from the moment.
pub(super) struct Judge<'a> {
    pub(super) seed: u64,
    pub(super) invariants: &'a mut [Box<dyn Invariant>],
    pub(super) hearers: Hearers,
    pub(super) broken: &'a mut Vec<&'static str>,
    pub(super) violations: &'a mut Vec<Violation>,
}

/// Checks every promise that hears of `moment`; of each only the first break is kept.
pub(super) fn check(judge: &mut Judge<'_>, moment: &Moment<'_>) {
    for place in judge.hearers.of_kind(moment.happened.kind()) {
        let invariant = &mut judge.invariants[place];
        let Err(broken) = invariant.check(moment) else {
            continue;
        };
        let name = invariant.name();
        if judge.broken.contains(&name) {
            continue;
        }
        judge.broken.push(name);
        judge.violations.push(Violation {
            invariant: name,
            seed: judge.seed,
            at: moment.now - BEGINNING,
            mark: moment.world.mark(),
            detail: broken.0,
        });
    }
}

impl Run<'_> {
    /// Whether a promise that is checked needs an answer to `question`.
    pub(super) fn asks(&self, question: Question) -> bool {
        self.questions.contains(&question)
    }

    /// Checks a change of the world that the engine did not make.
    pub(super) fn check_changed(&mut self) {
        self.judge(Happened::Changed);
    }

    /// Ends a run that does not end by itself.
    pub(super) fn overdue(&mut self, limit: u64) {
        let now = self.told();
        let waits = self.engine.as_ref().map(|engine| engine.waits(now));
        self.judge(Happened::Overdue { limit, waits: &waits.unwrap_or_default() });
        self.act = Act::Over(Finish::Overdue);
    }

    /// Notes a break that no moment shows.
    pub(super) fn violate(&mut self, invariant: &'static str, detail: String) {
        if self.broken.contains(&invariant) || self.invariants.is_empty() {
            return;
        }
        self.broken.push(invariant);
        let violation = Violation {
            invariant,
            seed: self.seed,
            at: self.world.now() - BEGINNING,
            mark: self.world.mark(),
            detail,
        };
        self.transcript.say(self.world.now(), &violation.to_string());
        self.violations.push(violation);
    }
}
