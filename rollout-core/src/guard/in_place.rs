//! The rules of the guard where instances are replaced in place: whoever a division reaches, or a removal names,
//! was drained before and is no more than may be missing.

use super::{
    Rule, Veto,
    book::{Book, Entry},
    rules::veto,
};
use crate::{
    engine::{Action, Division, Reach},
    id::{InstanceId, RevisionId},
};

/// P1, P3, P5: a division must reach nobody of another revision who gets requests, and no more places than there
/// may be; where nobody can be drained, it must leave enough.
pub(super) fn divided(book: &Book, action: &Action, division: &Division) -> Result<(), Veto> {
    let Reach::First(places) = division.reach else { return Ok(()) };
    if let Some(limits) = book.limits {
        let most = limits.most.saturating_add(limits.surge);
        if most < places {
            return Err(veto(Rule::Ceiling, action, places, most));
        }
    }
    first_drained(book, action, places, |revision| *revision != division.revision)
}

/// P3, P5: fewer places take away those that go first.
pub(super) fn sized(book: &Book, action: &Action, replicas: u64) -> Result<(), Veto> {
    let places = book.pools.values().map(|pool| pool.replicas).fold(0, u64::saturating_add);
    let most = book.limits.map(|limits| limits.most.saturating_add(limits.surge));
    if let Some(most) = most.filter(|most| places < replicas && *most < replicas) {
        return Err(veto(Rule::Ceiling, action, replicas, most));
    }
    first_drained(book, action, places.saturating_sub(replicas), |_| true)
}

/// P1, P5: whoever is taken away by name gets nothing and is not needed.
pub(super) fn removed(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    match book.places.get(instance) {
        Some(place) if place.answers && !is_drained(book, instance) => {
            taken(book, action, std::iter::once(instance))
        }
        Some(_) | None => Ok(()),
    }
}

/// P1: who is drained must not take the available ones below the floor.
pub(super) fn drained(book: &Book, action: &Action, instance: &InstanceId) -> Result<(), Veto> {
    let gets = book.entries.get(instance).is_none_or(|entry| entry.enrolled);
    let answers = book.places.get(instance).is_some_and(|place| place.answers);
    if gets && answers { floor(book, action, 1) } else { Ok(()) }
}

/// Everybody in the first `places` whose revision `is_meant` picks was drained, or answers nobody.
fn first_drained(
    book: &Book,
    action: &Action,
    places: u64,
    is_meant: impl Fn(&RevisionId) -> bool,
) -> Result<(), Veto> {
    let is_reached = |rank: Option<u32>| rank.is_none_or(|rank| u64::from(rank) < places);
    let reached = book.places.iter().filter(|(instance, place)| {
        0 < places
            && is_reached(place.rank)
            && is_meant(&place.revision)
            && place.answers
            && !is_drained(book, instance)
    });
    taken(book, action, reached.map(|(instance, _)| instance))
}

/// Instances that answer and were not drained are taken away: never where they could have been.
fn taken<'a>(
    book: &Book,
    action: &Action,
    instances: impl Iterator<Item = &'a InstanceId>,
) -> Result<(), Veto> {
    let taken = instances.count() as u64;
    if 0 < taken && book.confirmation.is_some() {
        return Err(veto(Rule::DrainOrder, action, taken, 0));
    }
    floor(book, action, taken)
}

/// Whether nothing is in flight on an instance, and nothing new is sent to it.
fn is_drained(book: &Book, instance: &InstanceId) -> bool {
    let is_quiet = |entry: &Entry| !entry.enrolled && book.is_quiet(entry);
    book.entries.get(instance).is_some_and(is_quiet)
}

/// P1: so many available instances fewer must leave enough. Where none is available, none is lost.
fn floor(book: &Book, action: &Action, lost: u64) -> Result<(), Veto> {
    let Some(limits) = book.limits.filter(|limits| limits.has_floor && 0 < lost) else {
        return Ok(());
    };
    let available = book.pools.values().map(|pool| pool.available).fold(0, u64::saturating_add);
    let out = book.places.iter().filter(|(instance, place)| {
        let entry = book.entries.get(*instance);
        place.answers && entry.is_some_and(|entry| !entry.enrolled)
    });
    let before = available.saturating_sub(out.count() as u64);
    let places = book.pools.values().map(|pool| pool.replicas).fold(0, u64::saturating_add);
    let (after, floor) =
        (before.saturating_sub(lost), limits.least.min(places).saturating_sub(limits.unavailable));
    if 0 < before && after < floor {
        return Err(veto(Rule::Floor, action, after, floor));
    }
    Ok(())
}
