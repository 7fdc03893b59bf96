//! Shares: they make everything, at most two revisions get one, and each has its capacity.

use super::{Bed, OBSERVED, Rule, create, id, name, plan, shares};
use crate::{
    engine::{Change, Effect, Event, Observation, Route, RouteInForce, Shares, Trial},
    guard::rules::needed,
    id::Mark,
    port::Making,
    spec::{Affinity, Rules},
    time::Span,
    weight::Weight,
};

fn to(of: &[(&str, u64)]) -> Effect {
    Effect::Route(shares(of))
}

/// So many of v1 and of v2 in traffic.
fn serving(v1: u64, v2: u64) -> Bed {
    let mut bed = Bed::within(Making::ByName, OBSERVED, &plan(4, 1, 1));
    for (of, count) in [("v1", v1), ("v2", v2)] {
        for nth in 0..count {
            bed.finds(&format!("{of}-{nth}"), of);
        }
    }
    bed
}

#[test]
fn a_share_needs_its_part_at_most_the_floor_at_least_one() {
    let weight = |points| Weight::from_basis_points(points).unwrap();
    for (points, desired, unavailable, wanted) in [
        (0, 4, 0, 0),
        (5_000, 0, 0, 0),
        (1, 4, 0, 1),
        (5_000, 4, 0, 2),
        (5_001, 4, 0, 3),
        (10_000, 4, 0, 4),
        (10_000, 4, 1, 3),
        (10_000, 4, 4, 1),
        (10_000, 4, 9, 1),
        (10_000, u64::MAX, 0, u64::MAX),
    ] {
        let said = needed(weight(points), desired, unavailable);
        assert_eq!(said, wanted, "{points} {desired} {unavailable}");
    }
}

#[test]
fn shares_make_everything() {
    let bed = serving(4, 4);
    assert_eq!(bed.asks(to(&[("v1", 60), ("v2", 50)])), Some((Rule::Conservation, 11_000, 10_000)));
    assert_eq!(bed.asks(to(&[("v1", 40), ("v2", 50)])), Some((Rule::Conservation, 9_000, 10_000)));
    assert_eq!(bed.asks(to(&[("v1", 50), ("v2", 50)])), None);
    assert_eq!(bed.asks(Effect::Route(Route::ByReplicas)), None);
    assert_eq!(bed.asks(Effect::Route(Route::Empty)), None);
}

#[test]
fn two_revisions_get_a_share_at_most() {
    let bed = serving(4, 4);
    let three = [("v1", 50), ("v2", 25), ("v3", 25)];
    assert_eq!(bed.asks(to(&three)), Some((Rule::Revisions, 3, 2)));
    assert_eq!(bed.asks(to(&[("v1", 50), ("v2", 50), ("v3", 0)])), None);
    let bed = Bed::new(Making::ByName, OBSERVED);
    assert_eq!(bed.asks(to(&[("v1", 50), ("v2", 50)])), None, "no limits yet");
}

#[test]
fn a_share_that_grows_has_its_capacity() {
    let even = [("v1", 50), ("v2", 50)];
    assert_eq!(serving(4, 0).asks(to(&even)), Some((Rule::Backing, 0, 2)));
    assert_eq!(serving(4, 1).asks(to(&even)), Some((Rule::Backing, 1, 2)));
    assert_eq!(serving(4, 2).asks(to(&even)), None);
    assert_eq!(serving(1, 4).asks(to(&even)), Some((Rule::Backing, 1, 2)));
    // One that stands by idle is not one that serves.
    let mut bed = serving(4, 2);
    bed.intends(create("v2-2", "v2"));
    bed.record(Change::Lost { instance: name("v2-0") });
    assert_eq!(bed.asks(to(&even)), Some((Rule::Backing, 1, 2)));
}

#[test]
fn a_share_that_does_not_grow_asks_for_nothing() {
    let mut bed = serving(2, 0);
    bed.intends(to(&[("v1", 50), ("v2", 50)]));
    assert_eq!(bed.asks(to(&[("v1", 50), ("v2", 50)])), None);
    // Both are below what they need; only the one that grows is asked for it.
    bed.finds("v2-0", "v2");
    assert_eq!(bed.asks(to(&[("v1", 70), ("v2", 30)])), Some((Rule::Backing, 2, 3)));
    bed.finds("v1-2", "v1");
    assert_eq!(bed.asks(to(&[("v1", 70), ("v2", 30)])), None);
}

#[test]
fn what_is_in_force_counts_like_what_was_let_through() {
    let mut bed = serving(4, 0);
    let route = shares(&[("v1", 50), ("v2", 50)]);
    let seen = RouteInForce { mark: Mark(1), route: Some(route.clone()) };
    bed.guard.witness(bed.now, &Event::Observed(Observation::Route(seen)));
    assert_eq!(bed.asks(Effect::Route(route.clone())), None);
    bed.intends(to(&[("v1", 100)]));
    assert_eq!(bed.asks(Effect::Route(route.clone())), None, "the larger of the two counts");
    let seen = RouteInForce { mark: Mark(2), route: None };
    bed.guard.witness(bed.now, &Event::Observed(Observation::Route(seen)));
    assert_eq!(bed.asks(Effect::Route(route)), Some((Rule::Backing, 0, 2)));
}

#[test]
fn everything_goes_back_to_one_that_is_left() {
    let back = [("v1", 100), ("v2", 0)];
    for (v1, v2, said) in [
        (1, 0, None),
        (0, 0, Some((Rule::Backing, 0, 1))),
        (1, 1, Some((Rule::Backing, 1, 3))),
        (2, 1, Some((Rule::Backing, 2, 3))),
        (3, 1, None),
    ] {
        assert_eq!(serving(v1, v2).asks(to(&back)), said, "{v1} {v2}");
    }
}

/// Everything to v1, and `rules` for v2.
fn beside(rules: Rules) -> Route {
    let Route::Weighted(Shares { weights, .. }) = shares(&[("v1", 100)]) else { unreachable!() };
    Route::Weighted(Shares { weights, trial: Some(Trial { revision: id("v2"), rules }) })
}

fn mirror() -> Rules {
    Rules { mirror: Weight::from_basis_points(1_000).unwrap(), ..Rules::default() }
}

#[test]
fn what_is_sent_beside_the_shares_has_somebody_behind_it() {
    let copies = || Effect::Route(beside(mirror()));
    let none = Some((Rule::Backing, 0, 1));
    assert_eq!(serving(4, 0).asks(copies()), none);
    assert_eq!(serving(4, 1).asks(copies()), None);
    let affinity = Some(Affinity { cookie: "side".to_owned(), max_age: Span::from_secs(1) });
    let sticky = Rules { affinity, ..Rules::default() };
    assert_eq!(serving(4, 0).asks(Effect::Route(beside(sticky))), None, "nothing is sent");
    let mut bed = serving(4, 0);
    bed.intends(copies());
    assert_eq!(bed.asks(copies()), None, "it goes there already");
    let mut bed = serving(4, 0);
    let seen = RouteInForce { mark: Mark(1), route: Some(beside(mirror())) };
    bed.guard.witness(bed.now, &Event::Observed(Observation::Route(seen)));
    assert_eq!(bed.asks(copies()), None, "it goes there already, as was seen");
    bed.intends(to(&[("v1", 100)]));
    assert_eq!(bed.asks(copies()), None);
}

#[test]
fn shares_are_checked_whatever_makes_the_instances() {
    for making in [Making::ByCount, super::IN_PLACE] {
        let mut bed = Bed::within(making, OBSERVED, &plan(4, 1, 1));
        bed.pool("v1", 4);
        bed.pool("v2", 1);
        bed.shows();
        let even = [("v1", 50), ("v2", 50)];
        assert_eq!(bed.asks(to(&even)), Some((Rule::Backing, 1, 2)));
        bed.pool("v2", 2);
        bed.shows();
        assert_eq!(bed.asks(to(&even)), None);
    }
}
