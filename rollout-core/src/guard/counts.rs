//! The rules of the guard where a backend makes instances by count: what it shows of each pool, less what the
//! last sizes let through may have taken since.

use super::{
    Rule, Veto,
    book::{Book, Limits},
    rules::{needed, veto},
};
use crate::{
    engine::{Action, Route},
    id::RevisionId,
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
    if before < replicas {
        ceiling(book, action, limits, (revision, replicas))
    } else {
        floor(book, action, limits, (revision, replicas))
    }
}

/// The size a pool was told to have, or shows for want of that.
fn size_of(book: &Book, revision: &RevisionId) -> u64 {
    let seen = book.pools.get(revision).map_or(0, |seen| seen.replicas);
    book.sizes.get(revision).copied().unwrap_or(seen)
}

/// Available instances of a pool that are left at `size`; those that are not available go first.
fn left(book: &Book, revision: &RevisionId, size: u64) -> u64 {
    let seen = book.pools.get(revision).cloned().unwrap_or_default();
    let going = seen.created.saturating_sub(size);
    let idle = seen.created.saturating_sub(seen.available);
    seen.available.saturating_sub(going.saturating_sub(idle))
}

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
            Counting::Loose => size,
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

fn floor(
    book: &Book,
    action: &Action,
    limits: Limits,
    (revision, replicas): (&RevisionId, u64),
) -> Result<(), Veto> {
    let gets = |id: &RevisionId| book.route.as_ref().is_none_or(|route| route.gives_to(id));
    let (before, after) =
        (left(book, revision, size_of(book, revision)), left(book, revision, replicas));
    if !limits.has_floor || !gets(revision) || before <= after {
        return Ok(());
    }
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
