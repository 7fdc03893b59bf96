//! The rules of the guard where a backend makes instances by count: what it shows of each pool, less what the
//! last sizes let through may have taken since.

use super::{
    Rule, Veto,
    book::{Book, Entry, Limits},
    rules::{needed, veto},
};
use crate::{
    engine::{Action, PoolSeen, Route},
    id::{InstanceId, RevisionId},
    spec::Counting,
};

/// P1, P3: another size of a pool must neither take the available instances below the floor nor make more
/// than the ceiling.
pub(super) fn scaled(
    book: &Book,
    action: &Action,
    revision: &RevisionId,
    replicas: u64,
) -> Result<(), Veto> {
    let Some(limits) = book.limits else { return Ok(()) };
    let before = size_of(book, revision);
    // Somebody else may have made it larger than it was told to be: bringing it down is no growth.
    let seen = book.pools.get(revision).map_or(0, |seen| seen.replicas);
    if before.max(seen) < replicas {
        return ceiling(book, action, limits, (revision, replicas));
    }
    drained_first(book, action, revision, replicas)?;
    let lost = left(book, revision, before).saturating_sub(left(book, revision, replicas));
    floor(book, action, limits, (revision, lost))
}

/// P5: where instances can be drained, a pool gets smaller only by those that were and have nothing in
/// flight, and by those that get nothing because they do not answer.
fn drained_first(
    book: &Book,
    action: &Action,
    revision: &RevisionId,
    replicas: u64,
) -> Result<(), Veto> {
    let Some(seen) = book.pools.get(revision).filter(|_| book.confirmation.is_some()) else {
        return Ok(());
    };
    let going = seen.created.saturating_sub(replicas);
    let quiet = of(book, revision).filter(|entry| is_there(entry) && book.is_quiet(entry)).count();
    let free = seen.created.saturating_sub(seen.ready).saturating_add(quiet as u64);
    if free < going {
        return Err(veto(Rule::DrainOrder, action, going, free));
    }
    Ok(())
}

/// P1: an instance of a pool kept by count that is drained must not take the available ones below the floor.
pub(super) fn drained(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    let (Some(limits), Some(entry)) = (book.limits, book.entries.get(instance)) else {
        return Ok(());
    };
    let Some(revision) = entry.revision.as_ref().filter(|_| entry.enrolled && is_there(entry))
    else {
        return Ok(());
    };
    floor(book, action, limits, (revision, 1))
}

/// Available instances of the revisions that `is_meant` picks, at the sizes let through last.
pub(super) fn serving(book: &Book, is_meant: impl Fn(&RevisionId) -> bool) -> u64 {
    let pools = book.pools.keys().filter(|id| is_meant(id));
    pools.map(|id| left(book, id, size_of(book, id))).fold(0, u64::saturating_add)
}

/// The instances of a pool that are treated by name.
fn of<'a>(book: &'a Book, revision: &'a RevisionId) -> impl Iterator<Item = &'a Entry> {
    book.entries.values().filter(move |entry| entry.revision.as_ref() == Some(revision))
}

/// Whether an instance treated by name is counted as one that answers its probe.
const fn is_there(entry: &Entry) -> bool {
    !entry.unhealthy && !entry.ended && !entry.over
}

/// The size a pool was told to have, or shows for want of that.
fn size_of(book: &Book, revision: &RevisionId) -> u64 {
    let seen = book.pools.get(revision).map_or(0, |seen| seen.replicas);
    book.sizes.get(revision).copied().unwrap_or(seen)
}

/// Available instances of a pool that are left at `size`; those that are not available go first, then those
/// that were drained.
fn left(book: &Book, revision: &RevisionId, size: u64) -> u64 {
    let seen = book.pools.get(revision).cloned().unwrap_or_default();
    let going = seen.created.saturating_sub(size);
    let idle = seen.created.saturating_sub(seen.available);
    let drained = of(book, revision).filter(|entry| !entry.enrolled && is_there(entry)).count();
    seen.available.saturating_sub(going.saturating_sub(idle).max(drained as u64))
}

/// Instances of a pool that were told to go, get nothing any more, and are part of its size still.
fn gone(book: &Book, revision: &RevisionId, seen: &PoolSeen, size: u64) -> u64 {
    let is_gone = |entry: &&Entry| entry.retired && entry.drained.is_some() && !entry.over;
    let drained = of(book, revision).filter(is_gone).count() as u64;
    drained.saturating_sub(seen.created.saturating_sub(size))
}

/// P3: a pool of this size must not make more than the ceiling.
fn ceiling(
    book: &Book,
    action: &Action,
    limits: Limits,
    (revision, replicas): (&RevisionId, u64),
) -> Result<(), Veto> {
    let live = |id: &RevisionId| {
        let seen = book.pools.get(id).cloned().unwrap_or_default();
        let size = if id == revision { replicas } else { size_of(book, id) };
        match limits.counting {
            Counting::Strict => size.max(seen.created).saturating_add(seen.terminating),
            Counting::Loose => size.saturating_sub(gone(book, id, &seen, size)),
        }
    };
    let known: std::collections::BTreeSet<&RevisionId> =
        book.pools.keys().chain(book.sizes.keys()).chain([revision]).collect();
    let all = known.into_iter().map(live).fold(0, u64::saturating_add);
    let most = limits.most.saturating_add(limits.surge);
    if most < all {
        return Err(veto(Rule::Ceiling, action, all, most));
    }
    Ok(())
}

/// P1: a pool that loses so many available instances must leave enough.
fn floor(
    book: &Book,
    action: &Action,
    limits: Limits,
    (revision, lost): (&RevisionId, u64),
) -> Result<(), Veto> {
    let gets = |id: &RevisionId| book.route.as_ref().is_none_or(|route| route.gives_to(id));
    if !limits.has_floor || !gets(revision) || lost == 0 {
        return Ok(());
    }
    let before = left(book, revision, size_of(book, revision));
    // Where none of it is available, none that is available goes.
    if before == 0 {
        return Ok(());
    }
    let after = before.saturating_sub(lost);
    if let Some(route @ Route::Weighted(_)) = &book.route {
        let weight = route.weight_of(revision).unwrap_or_default();
        let wanted = needed(weight, limits.least, limits.unavailable);
        if after < wanted {
            return Err(veto(Rule::Floor, action, after, wanted));
        }
        return Ok(());
    }
    let others = book.pools.keys().filter(|id| *id != revision);
    let rest = others.map(|id| left(book, id, size_of(book, id))).fold(0, u64::saturating_add);
    let (serving, floor) =
        (rest.saturating_add(after), limits.least.saturating_sub(limits.unavailable));
    if serving < floor {
        return Err(veto(Rule::Floor, action, serving, floor));
    }
    Ok(())
}
