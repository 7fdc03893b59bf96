//! Sizes of pools: never above the ceiling, never below the floor, and smaller only by those that were drained.

use super::{
    Bed, Broken, DRAIN, Deed, ELAPSED, Rule, drain, enrol, id, loose, name, plan, scale, shares,
};
use crate::{
    engine::{Change, Effect, Route},
    plan::Plan,
    port::{Confirmation, Making},
};

/// 4 of v1 within a surge of 1, where 1 may be missing.
fn four(enrolment: Option<Confirmation>) -> Bed {
    within(enrolment, &plan(4, 1, 1))
}

fn within(enrolment: Option<Confirmation>, plan: &Plan) -> Bed {
    let mut bed = Bed::within(Making::ByCount, enrolment, plan);
    bed.pool("v1", 4);
    bed.shows();
    bed
}

/// One of v1 is treated by name from now on.
fn named(bed: &mut Bed, instance: &str, enrolled: bool) {
    bed.record(Change::Named { instance: name(instance), revision: id("v1"), enrolled });
}

/// One of v1 is drained, and has nothing in flight any more.
fn drained(bed: &mut Bed, instance: &str) {
    named(bed, instance, true);
    bed.runs(instance, "v1", Some(true));
    bed.shows();
    bed.does(drain(instance));
    bed.waits(DRAIN);
}

fn floor(value: u64, limit: u64) -> Broken {
    (Rule::Floor, value, limit)
}

fn ceiling(value: u64) -> Broken {
    (Rule::Ceiling, value, 5)
}

fn order(value: u64, limit: u64) -> Broken {
    (Rule::DrainOrder, value, limit)
}

#[test]
fn no_pool_grows_above_the_ceiling() {
    let mut bed = four(None);
    assert_eq!((bed.asks(scale("v2", 1)), bed.asks(scale("v2", 2))), (None, Some(ceiling(6))));
    assert_eq!((bed.asks(scale("v1", 5)), bed.asks(scale("v1", 6))), (None, Some(ceiling(6))));
    bed.does(scale("v2", 1));
    assert_eq!(bed.asks(scale("v1", 5)), Some(ceiling(6)), "what was told counts, seen or not");
    assert_eq!(bed.asks(scale("v3", 1)), Some(ceiling(6)));
    assert_eq!(bed.asks(scale("v2", 1)), None);
    assert_eq!(Bed::new(Making::ByCount, None).asks(scale("v1", 9)), None, "no limits yet");
}

#[test]
fn whoever_ends_still_takes_room_in_strict_counting() {
    for (plan, said) in [(plan(4, 1, 1), Some(ceiling(6))), (loose(plan(4, 1, 1)), None)] {
        let mut bed = within(None, &plan);
        bed.pool("v1", 4).terminating = 1;
        bed.shows();
        assert_eq!(bed.asks(scale("v2", 1)), said);
        bed.pool("v1", 4).created = 5;
        bed.shows();
        assert_eq!(bed.asks(scale("v2", 1)), said);
    }
}

#[test]
fn who_was_drained_takes_no_room_in_loose_counting() {
    let drains: [(&str, Deed, bool); 4] = [
        ("drained", |bed| bed.record(Change::Retired { instance: name("a") }), true),
        ("drained, and to stay", |_| {}, false),
        (
            "told to go",
            |bed| {
                bed.record(Change::Retired { instance: name("a") });
                bed.does(enrol("a", "v1"));
            },
            false,
        ),
        (
            "lost",
            |bed| {
                bed.record(Change::Retired { instance: name("a") });
                bed.record(Change::Lost { instance: name("a") });
            },
            false,
        ),
    ];
    for (how, make, is_free) in drains {
        let mut bed = within(ELAPSED, &loose(plan(4, 1, 1)));
        drained(&mut bed, "a");
        make(&mut bed);
        assert_eq!(bed.asks(scale("v2", 1)), None, "{how}");
        assert_eq!(
            bed.asks(scale("v2", 2)),
            if is_free { None } else { Some(ceiling(6)) },
            "{how}"
        );
        // It is no part of a size any more from which it was taken off.
        bed.intends(scale("v1", 3));
        assert_eq!(bed.asks(scale("v2", 2)), None, "{how}");
        assert_eq!(bed.asks(scale("v2", 3)), Some(ceiling(6)), "{how}");
    }
}

#[test]
fn what_does_not_grow_asks_for_no_room() {
    let mut bed = four(None);
    bed.intends(scale("v2", 2));
    assert_eq!(bed.asks(scale("v1", 4)), None, "the size it has");
    // Somebody has made it larger: it is brought down, if not to where it was.
    bed.intends(scale("v1", 4));
    bed.pool("v1", 8);
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 7)), None);
    assert_eq!(bed.asks(scale("v1", 8)), None);
    assert_eq!(bed.asks(scale("v1", 9)), Some(ceiling(11)));
}

#[test]
fn no_pool_shrinks_below_the_floor() {
    let mut bed = four(None);
    assert_eq!((bed.asks(scale("v1", 3)), bed.asks(scale("v1", 2))), (None, Some(floor(2, 3))));
    bed.pool("v2", 1);
    bed.shows();
    assert_eq!((bed.asks(scale("v1", 2)), bed.asks(scale("v1", 1))), (None, Some(floor(2, 3))));
    bed.intends(scale("v2", 0));
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)), "it may be gone by now");
    let mut bed = four(None);
    bed.intends(scale("v1", 3));
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)));
    assert_eq!(bed.asks(scale("v1", 3)), None);
}

#[test]
fn whoever_is_not_available_goes_first() {
    let mut bed = four(None);
    bed.pool("v1", 6).available = 4;
    bed.shows();
    assert_eq!((bed.asks(scale("v1", 4)), bed.asks(scale("v1", 3))), (None, None));
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)));
    // There are too few already: what takes none of them away is no loss.
    bed.pool("v1", 4).available = 2;
    bed.shows();
    assert_eq!((bed.asks(scale("v1", 4)), bed.asks(scale("v1", 2))), (None, None));
    assert_eq!(bed.asks(scale("v1", 1)), Some(floor(1, 3)));
    // None is available, so none is lost.
    bed.pool("v1", 4).available = 0;
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 0)), None);
}

#[test]
fn before_a_first_revision_is_proven_there_is_no_floor() {
    let mut bed = Bed::new(Making::ByCount, None);
    bed.submits("v1", &plan(4, 1, 0));
    bed.pool("v1", 4);
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 0)), None);
}

#[test]
fn each_share_keeps_what_is_behind_it() {
    let mut bed = four(None);
    bed.pool("v2", 3);
    bed.pool("v3", 3);
    bed.shows();
    bed.intends(Effect::Route(shares(&[("v1", 50), ("v2", 50)])));
    assert_eq!((bed.asks(scale("v1", 2)), bed.asks(scale("v1", 1))), (None, Some(floor(1, 2))));
    assert_eq!(bed.asks(scale("v3", 0)), None, "it has no share");
    bed.intends(Effect::Route(Route::Empty));
    assert_eq!(bed.asks(scale("v1", 0)), None, "nobody gets anything");
    bed.intends(scale("v2", 0));
    bed.intends(scale("v3", 0));
    assert_eq!(bed.asks(scale("v1", 0)), None, "whoever else is there");
    bed.intends(Effect::Route(Route::ByReplicas));
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)));
}

#[test]
fn a_pool_shrinks_by_those_that_were_drained() {
    let mut bed = four(ELAPSED);
    assert_eq!(bed.asks(scale("v1", 3)), Some(order(1, 0)));
    assert_eq!(bed.asks(scale("v1", 4)), None);
    drained(&mut bed, "a");
    assert_eq!((bed.asks(scale("v1", 3)), bed.asks(scale("v1", 2))), (None, Some(order(2, 1))));
    // One of another revision frees nothing here.
    assert_eq!(four(ELAPSED).asks(scale("v9", 0)), None, "nobody has seen it");
    let mut bed = four(ELAPSED);
    bed.pool("v2", 1);
    drained(&mut bed, "a");
    assert_eq!(bed.asks(scale("v2", 0)), Some(order(1, 0)));
    let mut bed = four(ELAPSED);
    drained(&mut bed, "a");
    bed.does(enrol("a", "v1"));
    bed.does(drain("a"));
    assert_eq!(bed.asks(scale("v1", 3)), Some(order(1, 0)), "there may be requests in flight");
}

#[test]
fn a_pool_shrinks_by_those_that_do_not_answer() {
    let mut bed = four(ELAPSED);
    let pool = bed.pool("v1", 5);
    (pool.ready, pool.available) = (4, 4);
    bed.shows();
    assert_eq!((bed.asks(scale("v1", 4)), bed.asks(scale("v1", 3))), (None, Some(order(2, 1))));
    // Who was drained and does not answer is one of them, not one more.
    drained(&mut bed, "a");
    assert_eq!(bed.asks(scale("v1", 3)), None);
    bed.runs("a", "v1", Some(false));
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 3)), Some(order(2, 1)));
    bed.runs("a", "v1", Some(true));
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 3)), None);
    bed.instances.clear();
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 3)), Some(order(2, 1)), "it is not there");
    bed.runs("a", "v1", Some(true));
    bed.shows();
    bed.record(Change::Lost { instance: name("a") });
    assert_eq!(bed.asks(scale("v1", 3)), Some(order(2, 1)), "it was lost");
}

#[test]
fn no_drain_takes_those_that_are_available_below_the_floor() {
    let mut bed = four(ELAPSED);
    named(&mut bed, "a", true);
    named(&mut bed, "b", true);
    named(&mut bed, "c", false);
    for instance in ["a", "b", "c"] {
        bed.runs(instance, "v1", Some(true));
    }
    bed.shows();
    assert_eq!(bed.asks(drain("a")), Some(floor(2, 3)), "one is drained already");
    assert_eq!(bed.asks(drain("c")), None, "it is that one");
    assert_eq!(bed.asks(drain("nobody")), None);
    bed.does(enrol("c", "v1"));
    assert_eq!(bed.asks(drain("a")), None);
    bed.does(drain("b"));
    assert_eq!(bed.asks(drain("a")), Some(floor(2, 3)));
    bed.runs("a", "v1", Some(false));
    bed.shows();
    assert_eq!(bed.asks(drain("a")), None, "nothing is lost with it");
}

#[test]
fn who_is_unhealthy_and_drained_is_missed_once() {
    let mut bed = four(ELAPSED);
    drained(&mut bed, "a");
    named(&mut bed, "b", true);
    bed.runs("b", "v1", Some(true));
    bed.shows();
    assert_eq!(bed.asks(drain("b")), Some(floor(2, 3)));
    bed.runs("a", "v1", Some(false));
    bed.pool("v1", 4).available = 4;
    bed.shows();
    assert_eq!(bed.asks(drain("b")), None, "the pool does not count it, nor do we");
}

#[test]
fn a_pool_of_which_none_is_available_loses_none() {
    let mut bed = four(ELAPSED);
    named(&mut bed, "a", true);
    bed.runs("a", "v1", Some(true));
    bed.pool("v1", 4).available = 0;
    bed.shows();
    assert_eq!(bed.asks(drain("a")), None);
    let mut bed = Bed::new(Making::ByCount, ELAPSED);
    named(&mut bed, "a", true);
    assert_eq!(bed.asks(drain("a")), None, "no limits yet");
}

#[test]
fn who_is_named_is_known_not_to_answer() {
    let mut bed = four(ELAPSED);
    bed.pool("v1", 4).available = 3;
    for (instance, healthy) in [("a", Some(false)), ("b", None), ("c", Some(true))] {
        bed.runs(instance, "v1", healthy);
    }
    bed.shows();
    for (instance, said) in [("a", None), ("b", None), ("c", Some(floor(2, 3)))] {
        named(&mut bed, instance, true);
        assert_eq!(bed.asks(drain(instance)), said, "{instance}");
    }
}

#[test]
fn older_counts_say_nothing_of_now() {
    let mut bed = four(None);
    let now = bed.mark;
    bed.pool("v1", 9);
    bed.shows_as_of(now - 1);
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)));
    bed.pool("v1", 3);
    bed.shows_as_of(now);
    assert_eq!(bed.asks(scale("v1", 3)), None);
    assert_eq!(bed.asks(scale("v1", 4)), None);
    assert_eq!(bed.asks(scale("v1", 6)), Some(ceiling(6)));
    assert_eq!(bed.asks(scale("v1", 2)), Some(floor(2, 3)));
    bed.pool("v1", 1);
    bed.shows_as_of(now);
    assert_eq!(bed.asks(scale("v1", 0)), Some(floor(0, 3)), "of the same moment, and seen later");
}
