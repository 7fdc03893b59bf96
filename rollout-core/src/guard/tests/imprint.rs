//! What decides a refusal is in the imprint: books that differ in it have different ones.

use std::collections::BTreeMap;

use super::{
    Bed, Deed, IN_PLACE, OBSERVED, create, drain, enrol, id, name, plan, revision, scale, shares,
    stop,
};
use crate::{
    engine::{
        Change, Effect, EnrolState, Event, Failure, Imprint, Observation, Route, RouteInForce,
    },
    id::Mark,
    port::Making,
    time::Span,
};

fn imprint(bed: &Bed) -> u128 {
    let mut imprint = Imprint::default();
    imprint.begin(bed.now);
    bed.guard.imprint(&mut imprint);
    imprint.finish()
}

/// Each change of `base` makes another imprint.
fn all_differ(base: &Bed, changes: &[(&str, Deed)]) {
    let mut known = BTreeMap::from([(imprint(base), "nothing")]);
    for (what, change) in changes {
        let mut bed = base.clone();
        change(&mut bed);
        let before = known.insert(imprint(&bed), what);
        assert_eq!(before, None, "{what}");
    }
}

fn in_force(bed: &mut Bed, route: Route) {
    let seen = RouteInForce { mark: Mark(1), route: Some(route) };
    bed.guard.witness(bed.now, &Event::Observed(Observation::Route(seen)));
}

#[test]
fn of_instances_made_by_name() {
    let mut base = Bed::within(Making::ByName, OBSERVED, &plan(4, 1, 1));
    base.finds("a", "v1");
    base.finds("b", "v2");
    base.runs("a", "v1", None);
    base.runs("b", "v2", None);
    base.shows();
    all_differ(
        &base,
        &[
            ("found", |bed| bed.finds("c", "v1")),
            ("another revision", |bed| bed.finds("b", "v1")),
            ("made", |bed| bed.does(create("c", "v1"))),
            ("under way", |bed| _ = bed.intends(create("c", "v1"))),
            ("stop", |bed| _ = bed.intends(stop("a"))),
            ("not running", |bed| {
                bed.instances.remove(&name("b"));
                bed.shows();
            }),
            ("unhealthy", |bed| {
                bed.runs("b", "v2", Some(false));
                bed.shows();
            }),
            ("one bad answer", |bed| bed.answers("b", &[false])),
            ("one good answer", |bed| bed.answers("b", &[true])),
            ("two bad answers", |bed| bed.answers("b", &[false, false])),
            ("one good answer of another", |bed| bed.answers("a", &[true])),
            ("out of traffic", |bed| bed.finds_so("b", "v2", (false, true))),
            ("drained", |bed| bed.does(drain("b"))),
            ("drained for long", |bed| {
                bed.does(drain("b"));
                bed.waits(Span::from_millis(1));
            }),
            ("drained and quiet", |bed| {
                bed.does(drain("b"));
                bed.balances("b", EnrolState::Draining, Some(0));
                bed.balances("a", EnrolState::In, None);
            }),
            ("quiet before", |bed| {
                bed.balances("a", EnrolState::In, None);
                bed.balances("b", EnrolState::Draining, Some(0));
                bed.does(drain("b"));
            }),
            ("told to go", |bed| bed.record(Change::Retired { instance: name("b") })),
            ("failed", |bed| {
                let failure = Failure::NotLive { detail: String::new() };
                bed.record(Change::Failed { instance: name("b"), failure });
            }),
            ("lost", |bed| bed.record(Change::Lost { instance: name("b") })),
            ("gone", |bed| bed.record(Change::Gone { instance: name("b") })),
        ],
    );
}

#[test]
fn of_who_counts_against_the_ceiling() {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    let mut other = bed.clone();
    bed.finds_so("a", "v1", (true, false));
    other.record(Change::Named { instance: name("a"), revision: id("v1"), enrolled: true });
    other.does(enrol("a", "v1"));
    assert_eq!(bed.asks(drain("a")), other.asks(drain("a")));
    assert_ne!(imprint(&bed), imprint(&other), "one was named only, the other takes room");
}

#[test]
fn of_how_long_ago_a_drain_was_where_no_spec_bounds_it() {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.finds("a", "v1");
    bed.does(drain("a"));
    let waited = |secs| {
        let mut bed = bed.clone();
        bed.waits(Span::from_secs(secs));
        imprint(&bed)
    };
    assert_ne!(waited(10), waited(20));
}

#[test]
fn of_who_is_not_ready_and_has_no_name_yet() {
    let mut bed = Bed::within(Making::ByCount, OBSERVED, &plan(2, 1, 1));
    let mut seen = |healthy| {
        bed.runs("a", "v1", healthy);
        bed.shows();
        imprint(&bed)
    };
    assert_ne!(seen(Some(true)), seen(None));
}

#[test]
fn of_limits_and_routes() {
    let base = Bed::within(Making::ByName, OBSERVED, &plan(4, 1, 1));
    all_differ(
        &base,
        &[
            ("desired", |bed| bed.submits("v2", &plan(5, 1, 1))),
            ("surge", |bed| bed.submits("v2", &plan(4, 2, 1))),
            ("unavailable", |bed| bed.submits("v2", &plan(4, 1, 2))),
            ("loose", |bed| bed.submits("v2", &super::loose(plan(4, 1, 1)))),
            ("downtime", |bed| bed.submits("v2", &plan(4, 1, 4))),
            ("another spec", |bed| bed.submits("v3", &plan(4, 1, 1))),
            ("another spec, another name", |bed| bed.submits("v4", &plan(4, 1, 1))),
            ("another probe", |bed| {
                bed.record(super::submission("v2", super::spec(3), &plan(4, 1, 1)));
            }),
            ("stable", |bed| bed.record(Change::Proven { revision: id("v2") })),
            ("halted", |bed| bed.record(Change::Halted { by: "ann".to_owned(), why: None })),
            ("route", |bed| {
                let number = bed.intends(Effect::Route(shares(&[("v1", 100)])));
                bed.applied(number);
            }),
            ("route in force", |bed| in_force(bed, shares(&[("v1", 100)]))),
            ("another in force", |bed| in_force(bed, shares(&[("v2", 100)]))),
        ],
    );
    let new = Bed::new(Making::ByName, OBSERVED);
    let mut adopted = new.clone();
    adopted.record(Change::Adopted { revision: revision("v1") });
    assert_ne!(imprint(&new), imprint(&adopted));
}

#[test]
fn of_pools_and_places() {
    let mut base = Bed::within(IN_PLACE, OBSERVED, &plan(2, 1, 1));
    base.pool("v1", 2);
    base.runs("a", "v1", Some(true)).rank = Some(0);
    base.runs("b", "v1", Some(true)).rank = Some(1);
    base.shows();
    all_differ(
        &base,
        &[
            ("size", |bed| {
                bed.pool("v1", 3);
                bed.shows();
            }),
            ("available", |bed| {
                bed.pool("v1", 2).available = 1;
                bed.shows();
            }),
            ("another pool", |bed| {
                bed.pool("v2", 0);
                bed.shows();
            }),
            ("told", |bed| bed.does(scale("v1", 2))),
            ("told another", |bed| bed.does(scale("v1", 1))),
            ("told of another", |bed| bed.does(scale("v2", 2))),
            ("rank", |bed| {
                bed.runs("b", "v1", Some(true)).rank = Some(2);
                bed.shows();
            }),
            ("no rank", |bed| {
                bed.runs("b", "v1", Some(true));
                bed.shows();
            }),
            ("not ready", |bed| {
                bed.runs("b", "v1", Some(false)).rank = Some(1);
                bed.shows();
            }),
            ("one place fewer", |bed| {
                bed.instances.remove(&name("b"));
                bed.shows();
            }),
        ],
    );
}
