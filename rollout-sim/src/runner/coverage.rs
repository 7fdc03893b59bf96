//! Coverage: what was really reached, so that a search that finds nothing says what it looked at.

use rollout_core::{
    engine::{Effect, OrderKind, Phase, Record, Route},
    guard::Rule,
};

use crate::faults::CLASS_COUNT;

/// The phases that faults and orders are counted in.
pub const PHASES: [Phase; 5] =
    [Phase::Idle, Phase::Moving, Phase::Gating, Phase::Reverting, Phase::Ended];

/// The orders that are counted.
pub const ORDERS: [&str; 13] = [
    "submit",
    "pause",
    "resume",
    "promote",
    "promote all",
    "abort",
    "undo",
    "retry",
    "resize",
    "restart",
    "skip",
    "halt",
    "resolve",
];

/// What else is counted: ends of hooks, and actions that a rule of the guard has looked at and let through.
pub const SIGHTS: [&str; 10] = [
    "hook run ended well",
    "hook run ended badly",
    "modules set",
    "modules restored",
    "route with matches",
    "route with copies",
    "route with affinity",
    "paused by the calendar",
    "gate passed by a person",
    "stage skipped",
];

/// What was reached, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    strikes: [[u64; PHASES.len()]; CLASS_COUNT],
    orders: [[(u64, u64); PHASES.len()]; ORDERS.len()],
    sights: [u64; SIGHTS.len()],
    vetoes: std::collections::BTreeMap<Rule, u64>,
}

impl Coverage {
    pub(super) fn add(&mut self, class: usize, phase: Phase) {
        self.strikes[class][place(phase)] += 1;
    }

    /// Notes an order and whether it was accepted.
    pub(super) fn ordered(&mut self, kind: usize, phase: Phase, accepted: bool) {
        let (yes, no) = &mut self.orders[kind][place(phase)];
        *(if accepted { yes } else { no }) += 1;
    }

    /// Notes what a record shows.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are counted elsewhere")]
    pub(super) fn recorded(&mut self, record: &Record) {
        use rollout_core::engine::Change;
        match &record.change {
            Change::HookEnded { failure: None, .. } => self.sights[0] += 1,
            Change::HookEnded { failure: Some(_), .. } => self.sights[1] += 1,
            Change::Intended { effect: Effect::Modules(setting), .. } => {
                self.sights[if setting.degraded.is_empty() { 3 } else { 2 }] += 1;
            }
            Change::Intended { effect: Effect::Route(Route::Weighted(shares)), .. } => {
                let rules = shares.trial.as_ref().map(|trial| &trial.rules);
                let has = |what: bool| u64::from(what);
                self.sights[4] += has(rules.is_some_and(|rules| !rules.matches.is_empty()));
                self.sights[5] += has(rules.is_some_and(|rules| !rules.mirror.is_zero()));
                self.sights[6] += has(rules.is_some_and(|rules| rules.affinity.is_some()));
            }
            Change::Paused { by, .. } if by == crate::ledger::CALENDAR => self.sights[7] += 1,
            Change::Passed { by: Some(_), .. } => self.sights[8] += 1,
            Change::Skipped { .. } => self.sights[9] += 1,
            Change::Vetoed(veto) => *self.vetoes.entry(veto.rule).or_insert(0) += 1,
            _ => {}
        }
    }

    /// Strikes of a class in each of [`PHASES`].
    #[must_use]
    pub const fn of(&self, class: usize) -> &[u64; PHASES.len()] {
        &self.strikes[class]
    }

    /// How often an order of [`ORDERS`] was accepted, and refused, in each of [`PHASES`].
    #[must_use]
    pub const fn of_order(&self, order: usize) -> &[(u64, u64); PHASES.len()] {
        &self.orders[order]
    }

    /// How often each of [`SIGHTS`] was seen.
    #[must_use]
    pub const fn sights(&self) -> &[u64; SIGHTS.len()] {
        &self.sights
    }

    /// Refusals of the guard by rule.
    #[must_use]
    pub const fn vetoes(&self) -> &std::collections::BTreeMap<Rule, u64> {
        &self.vetoes
    }

    /// Adds what another run reached.
    pub fn merge(&mut self, other: &Self) {
        let strikes = other.strikes.iter().flatten();
        for (mine, theirs) in self.strikes.iter_mut().flatten().zip(strikes) {
            *mine += theirs;
        }
        for (mine, theirs) in self.orders.iter_mut().flatten().zip(other.orders.iter().flatten()) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
        for (mine, theirs) in self.sights.iter_mut().zip(other.sights) {
            *mine += theirs;
        }
        for (rule, count) in &other.vetoes {
            *self.vetoes.entry(*rule).or_insert(0) += count;
        }
    }
}

/// The place of an order in [`ORDERS`].
pub(super) fn place_of(kind: &OrderKind) -> Option<usize> {
    let name = match kind {
        OrderKind::Submit { .. } => "submit",
        OrderKind::Pause => "pause",
        OrderKind::Resume => "resume",
        OrderKind::Promote { all: false, .. } => "promote",
        OrderKind::Promote { .. } => "promote all",
        OrderKind::Abort => "abort",
        OrderKind::Undo { .. } => "undo",
        OrderKind::Retry => "retry",
        OrderKind::Resize { .. } => "resize",
        OrderKind::Restart => "restart",
        OrderKind::Skip { .. } => "skip",
        OrderKind::Halt => "halt",
        OrderKind::Resolve(_) => "resolve",
        _ => return None,
    };
    ORDERS.iter().position(|one| *one == name)
}

fn place(phase: Phase) -> usize {
    PHASES.iter().position(|one| *one == phase).unwrap_or_default()
}
