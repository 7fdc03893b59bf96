//! Orders: accepted or refused with a reason in every state; repeated, they change nothing.

mod resize;
mod resolve;
mod revision;
mod submit;
mod walk;

use super::{
    event::{Order, OrderKind, OrderRefused},
    note::Note,
    record::{Change, End},
    state::{CALENDAR, OWN_NAMES, Queued, Rollout, Walk},
    turn::Turn,
    view::View,
};

/// Takes in an order and answers it.
pub(super) fn ordered(turn: &mut Turn<'_>, view: &View, order: Order) {
    let Order { kind, by, why } = order;
    // Nobody gives orders under the engine's own names.
    let by = if OWN_NAMES.contains(&by.as_str()) { format!("somebody as {by}") } else { by };
    let answer = match &turn.state.halted {
        _ if turn.state.fenced && kind != OrderKind::Halt => Err(OrderRefused::Fenced),
        Some(halted) if !fits_halted(&kind) => Err(OrderRefused::Halted { by: halted.by.clone() }),
        Some(_) | None => take(turn, view, kind, by, why),
    };
    turn.answer = Some(answer);
}

/// Whether an order makes sense while everything is halted.
fn fits_halted(kind: &OrderKind) -> bool {
    match kind {
        OrderKind::Pause | OrderKind::Resume | OrderKind::Halt => true,
        OrderKind::Submit { .. }
        | OrderKind::Undo { .. }
        | OrderKind::Retry
        | OrderKind::Restart
        | OrderKind::Resize { .. }
        | OrderKind::Skip { .. }
        | OrderKind::Promote { .. }
        | OrderKind::Abort
        | OrderKind::Resolve(_) => false,
    }
}

fn take(
    turn: &mut Turn<'_>,
    view: &View,
    kind: OrderKind,
    by: String,
    why: Option<String>,
) -> Result<(), OrderRefused> {
    match kind {
        OrderKind::Submit { revision, spec } => submit::submit(turn, revision, spec, by, why),
        OrderKind::Pause => pause(turn, by, why),
        OrderKind::Resume => resume(turn, by, why),
        OrderKind::Promote { all: true, .. } => walk::promote_all(turn, by, why),
        OrderKind::Promote { all: false, gate } => walk::promote(turn, gate, by, why),
        OrderKind::Abort => walk::abort(turn, by, why),
        OrderKind::Undo { to } => revision::undo(turn, to.as_ref(), by, why),
        OrderKind::Retry => revision::retry(turn, by, why),
        OrderKind::Resize { replicas } => resize::resize(turn, view, replicas, by, why),
        OrderKind::Restart => revision::restart(turn, by, why),
        OrderKind::Skip { to } => walk::skip(turn, &to, by, why),
        OrderKind::Halt => {
            halt(turn, by, why);
            Ok(())
        }
        OrderKind::Resolve(how) => resolve::resolve(turn, view, how, by, why),
    }
}

/// The rollout under way, or the refusal that says there is none.
fn under_way(turn: &Turn<'_>) -> Result<Rollout, OrderRefused> {
    turn.state.under_way().cloned().ok_or_else(|| nothing(turn))
}

/// The refusal where no rollout is under way.
fn nothing(turn: &Turn<'_>) -> OrderRefused {
    match turn.state.rollout.as_ref().map(|rollout| &rollout.walk) {
        Some(Walk::Ended(end @ End::NeedsOperator { .. })) => {
            OrderRefused::NeedsOperator { why: end.to_string() }
        }
        Some(_) | None => OrderRefused::NothingUnderWay { phase: phase_of(turn) },
    }
}

/// Lets a revision wait for its turn. One that waits already gives way, and that is said.
fn queue(turn: &mut Turn<'_>, queued: Queued) {
    let earlier = turn.state.queued.as_ref().map(|earlier| earlier.revision.id.clone());
    if let Some(revision) = earlier.filter(|id| *id != queued.revision.id) {
        let why = format!("{} was asked for since", queued.revision.id);
        turn.note(Note::NotStarted { revision: revision.clone(), why: why.clone() });
        turn.record(Change::Dropped { revision, why });
    }
    let Queued { revision, spec, by, why, purpose } = queued;
    turn.record(Change::Queued { revision, spec, by, why, purpose });
}

/// What the engine is doing, where no rollout is under way.
fn phase_of(turn: &Turn<'_>) -> String {
    match turn.state.rollout.as_ref().map(|rollout| &rollout.walk) {
        Some(Walk::Ended(end)) => end.to_string(),
        Some(Walk::Moving { .. }) => "moving".to_owned(),
        Some(Walk::Gating { .. }) => "gating".to_owned(),
        Some(Walk::Reverting) => "reverting".to_owned(),
        None => "idle".to_owned(),
    }
}

fn pause(turn: &mut Turn<'_>, by: String, why: Option<String>) -> Result<(), OrderRefused> {
    let rollout = under_way(turn)?;
    if rollout.walk == Walk::Reverting {
        return Err(OrderRefused::GoingBack);
    }
    // A person's pause outlasts the calendar's.
    if turn.state.paused.as_ref().is_none_or(|paused| paused.by == CALENDAR) {
        turn.record(Change::Paused { by, why });
    }
    Ok(())
}

fn resume(turn: &mut Turn<'_>, by: String, why: Option<String>) -> Result<(), OrderRefused> {
    if turn.state.rollout.is_none() && turn.state.halted.is_none() {
        return Err(nothing(turn));
    }
    if turn.state.paused.is_some() || turn.state.halted.is_some() {
        turn.record(Change::Resumed { by, why });
    }
    Ok(())
}

fn halt(turn: &mut Turn<'_>, by: String, why: Option<String>) {
    if turn.state.halted.is_none() {
        turn.record(Change::Halted { by, why });
    }
}
