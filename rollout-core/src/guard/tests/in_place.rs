//! Divisions, numbers of places, and removals where instances are replaced in place.

use super::{
    Bed, Broken, DRAIN, ELAPSED, IN_PLACE, Rule, drain, enrol, id, name, plan, remove, scale,
};
use crate::{
    engine::{Change, Division, Effect, InstanceState, Reach, Settlement},
    port::Confirmation,
};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// 4 places of v1, `a` first in the line, of which 1 may be missing, and a surge of 1.
fn four(enrolment: Option<Confirmation>) -> Bed {
    let mut bed = Bed::within(IN_PLACE, enrolment, &plan(4, 1, 1));
    bed.pool("v1", 4);
    for (rank, instance) in (0..).zip(NAMES) {
        bed.runs(instance, "v1", Some(true)).rank = Some(rank);
    }
    bed.shows();
    bed
}

fn named(bed: &mut Bed, instance: &str) {
    bed.record(Change::Named { instance: name(instance), revision: id("v1"), enrolled: true });
}

/// One is drained, and has nothing in flight any more.
fn drained(bed: &mut Bed, instance: &str) {
    named(bed, instance);
    bed.does(drain(instance));
    bed.waits(DRAIN);
}

fn first(places: u64) -> Effect {
    Effect::Divide(Division { revision: id("v2"), reach: Reach::First(places) })
}

fn floor(value: u64, limit: u64) -> Broken {
    (Rule::Floor, value, limit)
}

fn order(value: u64) -> Broken {
    (Rule::DrainOrder, value, 0)
}

#[test]
fn a_division_reaches_only_who_was_drained() {
    let mut bed = four(ELAPSED);
    assert_eq!(bed.asks(first(1)), Some(order(1)));
    assert_eq!(bed.asks(first(3)), Some(order(3)));
    assert_eq!(bed.asks(first(0)), None);
    let vacated = Effect::Divide(Division { revision: id("v2"), reach: Reach::Vacated });
    assert_eq!(bed.asks(vacated), None, "nobody is taken away by it");
    let own = Effect::Divide(Division { revision: id("v1"), reach: Reach::First(4) });
    assert_eq!(bed.asks(own.clone()), None, "they are of it");
    bed.pool("v1", 4).available = 2;
    bed.shows();
    assert_eq!(bed.asks(own), None, "there are too few, and none is taken away");
    bed.pool("v1", 4);
    drained(&mut bed, "a");
    assert_eq!((bed.asks(first(1)), bed.asks(first(2))), (None, Some(order(1))));
    bed.runs("b", "v1", Some(false)).rank = Some(1);
    bed.shows();
    assert_eq!(bed.asks(first(2)), None, "it answers nobody");
    assert_eq!(bed.asks(first(3)), Some(order(1)));
}

#[test]
fn who_answers_is_who_runs_and_whose_probe_says_so() {
    for (state, healthy, said) in [
        (InstanceState::Running, Some(true), Some(order(1))),
        (InstanceState::Running, Some(false), None),
        (InstanceState::Running, None, None),
        (InstanceState::Created, Some(true), None),
    ] {
        let mut bed = four(ELAPSED);
        let seen = bed.runs("a", "v1", healthy);
        (seen.rank, seen.state) = (Some(0), state);
        bed.shows();
        assert_eq!(bed.asks(first(1)), said, "{healthy:?}");
    }
}

#[test]
fn who_has_no_rank_may_be_any_place() {
    let mut bed = four(ELAPSED);
    for instance in NAMES {
        drained(&mut bed, instance);
    }
    bed.runs("e", "v1", Some(true));
    bed.shows();
    assert_eq!((bed.asks(first(0)), bed.asks(first(1))), (None, Some(order(1))));
}

#[test]
fn a_drain_that_was_undone_counts_no_more() {
    let mut bed = four(ELAPSED);
    named(&mut bed, "a");
    let number = bed.intends(drain("a"));
    bed.does(enrol("a", "v1"));
    // Its answer comes late, and it is in traffic meanwhile.
    bed.settles(number, Settlement::Applied);
    bed.waits(DRAIN);
    assert_eq!((bed.asks(first(1)), bed.asks(remove("a"))), (Some(order(1)), Some(order(1))));
}

#[test]
fn a_division_has_as_many_places_as_there_may_be() {
    let bed = four(None);
    let own = |places| Effect::Divide(Division { revision: id("v1"), reach: Reach::First(places) });
    assert_eq!((bed.asks(own(5)), bed.asks(own(6))), (None, Some((Rule::Ceiling, 6, 5))));
    let bed = Bed::new(IN_PLACE, None);
    assert_eq!(bed.asks(own(6)), None, "no limits yet");
}

#[test]
fn where_nobody_can_be_drained_enough_are_left() {
    let mut bed = four(None);
    assert_eq!((bed.asks(first(1)), bed.asks(first(2))), (None, Some(floor(2, 3))));
    assert_eq!((bed.asks(scale("v1", 3)), bed.asks(scale("v1", 2))), (None, Some(floor(2, 3))));
    assert_eq!(bed.asks(remove("b")), None);
    bed.pool("v1", 4).available = 3;
    bed.shows();
    assert_eq!((bed.asks(remove("b")), bed.asks(first(0))), (Some(floor(2, 3)), None));
    bed.pool("v1", 4).available = 0;
    bed.shows();
    assert_eq!(bed.asks(first(2)), None, "none is available, so none is lost");
    let mut bed = Bed::new(IN_PLACE, None);
    bed.submits("v1", &plan(1, 0, 0));
    bed.pool("v1", 1);
    bed.runs("a", "v1", Some(true)).rank = Some(0);
    bed.shows();
    assert_eq!(bed.asks(first(1)), None, "there is no floor yet");
}

#[test]
fn as_many_places_as_there_may_be_and_fewer_by_those_that_were_drained() {
    let mut bed = four(ELAPSED);
    assert_eq!(
        (bed.asks(scale("v1", 5)), bed.asks(scale("v1", 6))),
        (None, Some((Rule::Ceiling, 6, 5)))
    );
    assert_eq!(bed.asks(scale("v1", 4)), None);
    assert_eq!(
        (bed.asks(scale("v1", 3)), bed.asks(scale("v1", 1))),
        (Some(order(1)), Some(order(3)))
    );
    drained(&mut bed, "a");
    assert_eq!((bed.asks(scale("v1", 3)), bed.asks(scale("v1", 2))), (None, Some(order(1))));
    bed.pool("v1", 8);
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 8)), None, "as many as there are");
    assert_eq!(bed.asks(scale("v1", 7)), None, "somebody made too many");
    let mut bed = Bed::new(IN_PLACE, ELAPSED);
    bed.pool("v1", 1);
    bed.shows();
    assert_eq!(bed.asks(scale("v1", 9)), None, "no limits yet");
}

#[test]
fn nobody_is_removed_who_was_not_drained() {
    let mut bed = four(ELAPSED);
    assert_eq!(bed.asks(remove("b")), Some(order(1)));
    assert_eq!(bed.asks(remove("nobody")), None);
    named(&mut bed, "b");
    bed.does(drain("b"));
    assert_eq!(bed.asks(remove("b")), Some(order(1)), "there may be requests in flight");
    bed.waits(DRAIN);
    assert_eq!(bed.asks(remove("b")), None);
    bed.runs("c", "v1", None);
    bed.shows();
    assert_eq!(bed.asks(remove("c")), None, "it answers nobody");
}

#[test]
fn no_drain_takes_the_available_ones_below_the_floor() {
    let mut bed = four(ELAPSED);
    assert_eq!(bed.asks(drain("a")), None);
    named(&mut bed, "a");
    assert_eq!(bed.asks(drain("a")), None);
    bed.does(drain("a"));
    assert_eq!(bed.asks(drain("b")), Some(floor(2, 3)));
    assert_eq!(bed.asks(drain("a")), None, "it is that one");
    assert_eq!(bed.asks(drain("nobody")), None);
    bed.runs("b", "v1", Some(false)).rank = Some(1);
    bed.shows();
    assert_eq!(bed.asks(drain("b")), None, "nothing is lost with it");
    // Who was drained and does not answer is not available anyway.
    bed.runs("b", "v1", Some(true)).rank = Some(1);
    bed.runs("a", "v1", Some(false)).rank = Some(0);
    bed.shows();
    assert_eq!(bed.asks(drain("b")), None);
}

#[test]
fn the_floor_is_no_higher_than_there_are_places() {
    let mut bed = four(ELAPSED);
    bed.pool("v1", 2);
    bed.shows();
    assert_eq!(bed.asks(drain("a")), None);
    named(&mut bed, "b");
    bed.does(drain("b"));
    assert_eq!(bed.asks(drain("a")), Some(floor(0, 1)));
    // Where a size was told, the floor is of what is wanted.
    bed.pool("v1", 9).available = 4;
    bed.shows();
    assert_eq!(bed.asks(drain("a")), Some(floor(2, 3)));
}

#[test]
fn nobody_is_enrolled_drained_or_stopped_by_the_rules_of_others() {
    let mut bed = four(ELAPSED);
    named(&mut bed, "a");
    for effect in [super::stop("a"), super::detach("a"), super::create("a", "v1"), enrol("a", "v1")]
    {
        assert_eq!(bed.asks(effect), None);
    }
}
