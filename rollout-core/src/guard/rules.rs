//! The rules of the guard, each a small function over the books.

use super::{
    Rule, Veto,
    book::{Book, Entry},
    counts, in_place,
};
use crate::{
    engine::{Action, Change, Effect, ModuleSetting, Record, Route, Shares, Trial},
    id::{ActionId, InstanceId, RevisionId},
    port::{Confirmation, Making},
    spec::Counting,
    weight::Weight,
};

/// Checks a batch of actions in order, each against what the ones before it leave.
pub(super) fn check(book: &Book, actions: &[Action], records: &[Record]) -> Result<(), Veto> {
    // What the records of this batch say of instances and limits counts for its actions.
    let mut after = book.clone();
    for record in records {
        if !matches!(record.change, Change::Intended { .. }) {
            after.commit(record);
        }
    }
    let last = after.last_action;
    for action in actions {
        if after.halted {
            return Err(veto(Rule::Halted, action, 1, 0));
        }
        if action.id <= last {
            // Attempted again: it was let through before, and may have taken effect already.
            reuse(action, last, &after)?;
            continue;
        }
        match after.making() {
            Making::ByName | Making::ByCount => apart(&after, action)?,
            Making::InPlace { .. } => in_place(&after, action)?,
        }
        after.commit(&Record {
            at: after.now,
            change: Change::Intended { id: action.id, effect: action.effect.clone() },
        });
    }
    Ok(())
}

/// Where each instance, or each pool, is made by itself.
fn apart(book: &Book, action: &Action) -> Result<(), Veto> {
    let is_by_name = book.making() == Making::ByName;
    match &action.effect {
        Effect::Create { .. } if is_by_name => ceiling(book, action),
        Effect::Drain { instance } if is_by_name => floor(book, action, instance),
        Effect::Drain { instance } => counts::drained(book, action, instance),
        Effect::Stop { instance, .. } | Effect::Remove { instance } => {
            drained(book, action, instance)?;
            floor(book, action, instance)
        }
        Effect::Detach { instance } => detached(book, action, instance),
        Effect::Route(route) => routed(book, action, route),
        Effect::Scale { revision, replicas } => counts::scaled(book, action, revision, *replicas),
        Effect::Modules(setting) => available(book, action, setting),
        Effect::Create { .. }
        | Effect::Start { .. }
        | Effect::Enrol { .. }
        | Effect::Divide(_)
        | Effect::Run { .. } => Ok(()),
    }
}

/// Where instances are replaced in place.
fn in_place(book: &Book, action: &Action) -> Result<(), Veto> {
    match &action.effect {
        Effect::Divide(division) => in_place::divided(book, action, division),
        Effect::Scale { replicas, .. } => in_place::sized(book, action, *replicas),
        Effect::Remove { instance } => in_place::removed(book, action, instance),
        Effect::Drain { instance } => in_place::drained(book, action, instance),
        Effect::Route(route) => routed(book, action, route),
        Effect::Modules(setting) => available(book, action, setting),
        Effect::Create { .. }
        | Effect::Start { .. }
        | Effect::Enrol { .. }
        | Effect::Stop { .. }
        | Effect::Detach { .. }
        | Effect::Run { .. } => Ok(()),
    }
}

pub(super) fn veto(rule: Rule, action: &Action, value: u64, limit: u64) -> Veto {
    Veto { rule, action: action.id, value, limit, detail: action.effect.to_string() }
}

/// C3: a number stands for one action for ever; the same action may be attempted again.
fn reuse(action: &Action, last: ActionId, book: &Book) -> Result<(), Veto> {
    if book.pending.get(&action.id) != Some(&action.effect) {
        return Err(veto(Rule::Reuse, action, action.id.0, last.0));
    }
    Ok(())
}

/// Whether an instance serves as far as the guard knows: it runs, gets traffic and answers well.
fn serves(book: &Book, entry: &Entry) -> bool {
    let is_in = entry.enrolled || book.confirmation.is_none();
    is_in
        && entry.runs
        && !entry.unready
        && !entry.unhealthy
        && !entry.failed
        && !entry.over
        && (!entry.retired || entry.enrolled)
}

/// Serving instances of the revisions that `is_meant` picks.
fn serving(book: &Book, is_meant: impl Fn(&RevisionId) -> bool) -> u64 {
    if book.making() != Making::ByName {
        return counts::serving(book, is_meant);
    }
    let is_meant = |entry: &Entry| entry.revision.as_ref().is_some_and(&is_meant);
    book.entries.values().filter(|entry| is_meant(entry) && serves(book, entry)).count() as u64
}

/// P1: taking this instance away must not take the serving ones below the floor.
fn floor(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    let Some(limits) = book.limits.filter(|limits| limits.has_floor) else { return Ok(()) };
    let Some(entry) = book.entries.get(instance) else { return Ok(()) };
    if !serves(book, entry) {
        return Ok(());
    }
    let floor = match &book.route {
        // Each share has a capacity of its own, checked where the route is set and here again.
        Some(route @ Route::Weighted(_)) => {
            let of_its_pool = book
                .entries
                .values()
                .filter(|other| serves(book, other) && other.revision == entry.revision)
                .count() as u64;
            let weight = entry.revision.as_ref().and_then(|revision| route.weight_of(revision));
            let beside = entry.revision.as_ref().is_some_and(|it| route.sends_beside(it));
            let wanted = needed(weight.unwrap_or_default(), limits.least, limits.unavailable)
                .max(u64::from(beside));
            if of_its_pool <= wanted {
                return Err(veto(Rule::Floor, action, of_its_pool.saturating_sub(1), wanted));
            }
            return Ok(());
        }
        Some(Route::ByReplicas | Route::Empty) | None => {
            limits.least.saturating_sub(limits.unavailable)
        }
    };
    let serving = book.entries.values().filter(|other| serves(book, other)).count() as u64;
    if serving <= floor {
        return Err(veto(Rule::Floor, action, serving.saturating_sub(1), floor));
    }
    Ok(())
}

/// P3: one more instance must not make more than the ceiling.
fn ceiling(book: &Book, action: &Action) -> Result<(), Veto> {
    let Some(limits) = book.limits else { return Ok(()) };
    let ceiling = limits.most.saturating_add(limits.surge);
    let live = book
        .live
        .iter()
        .filter(|instance| match limits.counting {
            Counting::Strict => true,
            Counting::Loose => book.entries.get(*instance).is_none_or(|entry| !entry.retired),
        })
        .count() as u64;
    if ceiling <= live {
        return Err(veto(Rule::Ceiling, action, live.saturating_add(1), ceiling));
    }
    Ok(())
}

/// P5: an instance is stopped only when the load balancer does not know it, or no process is left.
fn drained(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    let Some(entry) = book.entries.get(instance).filter(|_| book.confirmation.is_some()) else {
        return Ok(());
    };
    if entry.attached && !entry.over {
        return Err(veto(Rule::DrainOrder, action, 0, 1));
    }
    Ok(())
}

/// P5: an instance leaves the load balancer only when it was drained, and nothing is in flight or its time
/// is over.
fn detached(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    let Some(entry) = book.entries.get(instance) else { return Ok(()) };
    let is_over = entry.over || entry.ended;
    let is_late = book.drain_until(entry).is_some_and(|until| until <= book.now);
    if entry.enrolled && !is_over {
        return Err(veto(Rule::DrainOrder, action, 0, 1));
    }
    let is_quiet = entry.drained.is_none() || book.is_quiet(entry);
    let is_cut = is_late && book.confirmation == Some(Confirmation::Observed);
    if is_quiet || is_over || is_cut {
        return Ok(());
    }
    Err(veto(Rule::DrainOrder, action, 1, 0))
}

/// T6: copies and matched requests need an instance behind them, unless they go there already.
fn backed_beside(book: &Book, action: &Action, trial: &Trial) -> Result<(), Veto> {
    let goes = |route: &Option<Route>| {
        route.as_ref().is_some_and(|route| route.sends_beside(&trial.revision))
    };
    let serving = serving(book, |revision| *revision == trial.revision);
    if serving == 0 && !goes(&book.route) && !goes(&book.in_force) {
        return Err(veto(Rule::Backing, action, serving, 1));
    }
    Ok(())
}

/// A module that must be available is never degraded.
fn available(book: &Book, action: &Action, setting: &ModuleSetting) -> Result<(), Veto> {
    let broken = setting.degraded.iter().filter(|name| book.must_be_available.contains(*name));
    match broken.count() as u64 {
        0 => Ok(()),
        count => Err(veto(Rule::Availability, action, count, 0)),
    }
}

/// Fewest serving instances behind a share, by the rule of T2: its part of the desired number, at most the
/// floor, at least one.
pub(super) fn needed(weight: Weight, desired: u64, unavailable: u64) -> u64 {
    if weight == Weight::ZERO || desired == 0 {
        return 0;
    }
    let part = (u128::from(desired) * u128::from(weight.basis_points())).div_ceil(10_000);
    let floor = desired - unavailable.min(desired);
    u64::try_from(part).unwrap_or(u64::MAX).min(floor).max(1)
}

/// T1, R3, T2: shares make 100 %, at most two revisions get one, and each has its capacity, unless it only
/// gets less than before.
fn routed(book: &Book, action: &Action, route: &Route) -> Result<(), Veto> {
    let Route::Weighted(Shares { weights, trial }) = route else { return Ok(()) };
    let sum: u64 = weights.values().map(|weight| weight.basis_points()).sum();
    let full = Weight::FULL.basis_points();
    if sum != full {
        return Err(veto(Rule::Conservation, action, sum, full));
    }
    let shares = weights.values().filter(|weight| !weight.is_zero()).count() as u64;
    if 2 < shares {
        return Err(veto(Rule::Revisions, action, shares, 2));
    }
    let Some(limits) = book.limits else { return Ok(()) };
    if let Some(trial) = trial.as_ref().filter(|trial| trial.rules.sends()) {
        backed_beside(book, action, trial)?;
    }
    for (revision, weight) in weights {
        let of = |route: &Option<Route>| route.as_ref().and_then(|route| route.weight_of(revision));
        let before = of(&book.route).max(of(&book.in_force));
        if before.is_some_and(|before| *weight <= before) {
            continue;
        }
        // The way back puts everything on stable once the candidate serves nothing: one is enough then.
        let others = serving(book, |other| other != revision);
        let serving = serving(book, |other| other == revision);
        let wanted = match others {
            0 => 1,
            _ => needed(*weight, limits.least, limits.unavailable),
        };
        if serving < wanted {
            return Err(veto(Rule::Backing, action, serving, wanted));
        }
    }
    Ok(())
}
