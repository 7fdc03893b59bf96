//! How long it still takes: the closed forms of the plan over what is left, with the times seen in this rollout.
//!
//! In: the counts at each look, when the state is asked for. Out: an [`Eta`]. It assumes that instances take
//! as long as the last one did from the decision to start it until it was available, and to go; that the
//! first to start is the first to be available; and that nothing fails. Before the first instance of the
//! attempt was available nothing is said; a drain takes no time until one was seen. What people, hooks and
//! calendars take is left out and counted.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{
    setup::Setup,
    state::{Rollout, State, Walk},
    view::View,
};
use crate::{
    fleet::{self, Tally},
    id::{Attempt, RevisionId},
    plan::{self, Budget, Left, OnTheWay, StageGate, StageRoute, Timing},
    time::{Span, Timestamp},
};

/// How long a rollout still takes: the closed forms of its plan over what is left.
///
/// It assumes that instances take as long as the last one seen in this attempt, from the decision to start it
/// until it was available, and from the decision that it goes until it was gone; that the first to start is
/// the first to be available; and that nothing fails. A drain takes no time until one was seen. After a new
/// engine took over, it is learned anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eta {
    /// That long from now on, if it is not paused.
    pub left: Span,
    /// Approvals whose time comes on top.
    pub approvals: usize,
    /// Hooks whose time comes on top.
    pub hooks: usize,
    /// Windows whose time comes on top.
    pub windows: usize,
}

/// What was seen of the pace of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    attempt: Attempt,
    is_back: bool,
    /// Instances of the pool that grows that were able at the last look.
    able: u64,
    /// Starts and drains on their way, the oldest first, and since when.
    starts: VecDeque<(Timestamp, u64)>,
    drains: VecDeque<(Timestamp, u64)>,
    start: Option<Span>,
    drain: Option<Span>,
}

impl Pace {
    /// Takes in the counts of now.
    pub(crate) fn watch(
        &mut self,
        now: Timestamp,
        rollout: &Rollout,
        tallies: &BTreeMap<RevisionId, Tally>,
    ) {
        let is_back = rollout.walk == Walk::Reverting;
        if self.attempt != rollout.attempt {
            *self = Self { attempt: rollout.attempt, ..Self::default() };
        }
        let lead = lead(rollout, tallies);
        if self.is_back != is_back {
            (self.is_back, self.able) = (is_back, lead.able());
            self.starts.clear();
        }
        let came = lead.able().saturating_sub(self.able);
        self.able = lead.able();
        let in_flight = lead.target.saturating_sub(lead.able());
        settle(now, &mut self.starts, came, in_flight, &mut self.start);
        let terminating = tallies.values().map(|tally| tally.terminating).sum();
        let gone = total(&self.drains).saturating_sub(terminating);
        settle(now, &mut self.drains, gone, terminating, &mut self.drain);
    }

    fn timing(&self) -> Option<Timing> {
        let drain = self.drain.unwrap_or_default();
        self.start.map(|start_to_available| Timing { start_to_available, drain })
    }

    fn on_the_way(&self, now: Timestamp, timing: Timing, pause: Span) -> OnTheWay {
        let left = |queue: &VecDeque<(Timestamp, u64)>, span: Span| {
            queue
                .iter()
                .map(|(at, count)| (at.after(span).since(now).as_millis(), *count))
                .collect()
        };
        OnTheWay {
            starts: left(&self.starts, timing.start_to_available),
            drains: left(&self.drains, timing.drain),
            pause: pause.as_millis(),
        }
    }
}

/// Takes the `ended` oldest out of a queue, notes how long the last of them took, and brings it to `there`.
fn settle(
    now: Timestamp,
    queue: &mut VecDeque<(Timestamp, u64)>,
    mut ended: u64,
    there: u64,
    took: &mut Option<Span>,
) {
    while let Some((at, count)) = queue.front_mut().filter(|_| 0 < ended) {
        *took = Some(now.since(*at));
        let some = ended.min(*count);
        (ended, *count) = (ended - some, *count - some);
        if *count == 0 {
            queue.pop_front();
        }
    }
    let has = total(queue);
    if has < there {
        queue.push_back((now, there - has));
    }
    // What was taken back was the last to be told to start.
    let mut over = has.saturating_sub(there);
    while let Some((_, count)) = queue.back_mut().filter(|_| 0 < over) {
        let some = over.min(*count);
        (over, *count) = (over - some, *count - some);
        if *count == 0 {
            queue.pop_back();
        }
    }
}

fn total(queue: &VecDeque<(Timestamp, u64)>) -> u64 {
    queue.iter().map(|(_, count)| *count).sum()
}

/// The pool that grows: the candidate's, on the way back the stable one's.
fn lead(rollout: &Rollout, tallies: &BTreeMap<RevisionId, Tally>) -> Tally {
    let id = match (&rollout.walk, &rollout.from) {
        (Walk::Reverting, Some(from)) => &from.id,
        _ => &rollout.candidate.id,
    };
    tallies.get(id).copied().unwrap_or_default()
}

/// How long the rollout under way still takes; `None` where that cannot be said.
pub(super) fn of(now: Timestamp, setup: &Setup, state: &State, view: &View) -> Option<Eta> {
    let rollout = state.under_way()?;
    let timing = view.pace.timing()?;
    let tallies = fleet::tally(now, setup, state, view);
    if rollout.walk == Walk::Reverting {
        rollout.from.as_ref()?;
        let interval = match rollout.restored {
            Some(at) => at.after(rollout.spec.rollback.health_check_interval).since(now),
            None => rollout.spec.rollback.health_check_interval,
        };
        let left = moving(now, rollout, view, timing, &tallies).plus(interval);
        let hooks = rollout.plan.rollback_hooks.len();
        return Some(Eta { left, approvals: 0, hooks, windows: 0 });
    }
    let (index, under_way) = rollout.stage();
    let gate = match rollout.walk {
        Walk::Gating { gate, .. } => gate,
        Walk::Moving { .. } | Walk::Reverting | Walk::Ended(_) => 0,
    };
    let later = rollout.plan.stages.iter().skip(index + 1).flat_map(|stage| &stage.gates);
    let here = under_way.gates.iter().skip(gate);
    let open: Vec<&StageGate> = here.clone().chain(later).filter(|_| !rollout.promoted).collect();
    let mut gates = here.filter(|_| !rollout.promoted);
    let first = gates.next().map_or(Span::ZERO, |gate| match rollout.walk {
        Walk::Gating { .. } => of_gate(now, rollout, view, gate),
        Walk::Moving { .. } | Walk::Reverting | Walk::Ended(_) => gate.span(),
    });
    let gates = gates.fold(first, |sum, gate| sum.plus(gate.span()));
    let after = plan::after(&rollout.plan, index, timing, !rollout.promoted);
    let count = |is: fn(&StageGate) -> bool| open.iter().filter(|gate| is(gate)).count();
    Some(Eta {
        left: moving(now, rollout, view, timing, &tallies).plus(gates).plus(after),
        approvals: count(|gate| matches!(gate, StageGate::Approval { .. })),
        hooks: count(|gate| matches!(gate, StageGate::Hook(_))),
        windows: count(|gate| matches!(gate, StageGate::Window(_))),
    })
}

/// What is left of the gate that is waited for.
fn of_gate(now: Timestamp, rollout: &Rollout, view: &View, gate: &StageGate) -> Span {
    let since = match gate {
        StageGate::Health(_) => view.whole_since.unwrap_or(now).max(rollout.gate_since),
        StageGate::Hold(_)
        | StageGate::Metric(_)
        | StageGate::Approval { .. }
        | StageGate::Hook(_)
        | StageGate::Window(_) => rollout.gate_since,
    };
    since.after(gate.span()).since(now)
}

/// What is left of the counts of the stage under way, or of the way back.
fn moving(
    now: Timestamp,
    rollout: &Rollout,
    view: &View,
    timing: Timing,
    tallies: &BTreeMap<RevisionId, Tally>,
) -> Span {
    let (_, under_way) = rollout.stage();
    let is_back = rollout.walk == Walk::Reverting;
    let (wanted, kept) =
        if is_back { (rollout.from_desired, 0) } else { (under_way.candidate, under_way.stable) };
    let lead = lead(rollout, tallies);
    let targets: u64 = tallies.values().map(|tally| tally.target).sum();
    let goes = (targets - lead.target).saturating_sub(kept);
    let space = super::phase::moving::space(rollout);
    let pause = rollout
        .batch_ended
        .map_or(Span::ZERO, |ended| ended.after(space.budget.batch_delay).since(now));
    let way = view.pace.on_the_way(now, timing, pause);
    let left = Left {
        starts: wanted.saturating_sub(lead.target),
        goes,
        places: space.room(tallies),
        spares: space.spare(tallies),
    };
    if is_back || under_way.route == StageRoute::ByReplicas {
        return plan::rest(space.counting, timing, space.budget, left, &way);
    }
    // Beside what is there: all that grows, then what is left over goes at once.
    let batch_delay = Span::ZERO;
    let beside = Budget { surge: u64::MAX, unavailable: 0, batch_delay, ..space.budget };
    let grown = Left { goes: 0, places: left.starts, ..left };
    let grown = plan::rest(space.counting, timing, beside, grown, &way);
    if goes == 0 { grown } else { grown.plus(timing.drain) }
}

impl fmt::Display for Eta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.left)?;
        let parts = [("approval", self.approvals), ("hook", self.hooks), ("window", self.windows)];
        for (word, count) in parts.into_iter().filter(|(_, count)| *count != 0) {
            write!(f, ", and {count} {word}{}", if count == 1 { "" } else { "s" })?;
        }
        Ok(())
    }
}
