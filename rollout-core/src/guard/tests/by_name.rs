//! Floor, ceiling and numbers where instances are made by name.

use super::{
    Bed, Deed, OBSERVED, Rule, action, create, drain, enrol, id, loose, name, plan, remove, scale,
    shares, stop,
};
use crate::{
    engine::{Change, Effect, Failure, Record, Route, Shares, Trial},
    id::ActionId,
    port::{Confirmation, Making},
    spec::Rules,
    weight::Weight,
};

/// Instances of v1 in traffic, and one more whose name is `d`.
fn serving(enrolment: Option<Confirmation>, unavailable: u64) -> Bed {
    let mut bed = Bed::within(Making::ByName, enrolment, &plan(3, 1, unavailable));
    for instance in ["a", "b", "c"] {
        bed.finds(instance, "v1");
        bed.runs(instance, "v1", None);
    }
    bed
}

#[test]
fn no_drain_takes_those_that_serve_below_the_floor() {
    let mut bed = serving(OBSERVED, 0);
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 2, 3)));
    assert_eq!(bed.asks(drain("nobody")), None);
    bed.finds("d", "v1");
    assert_eq!(bed.asks(drain("a")), None);
    bed.does(drain("d"));
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 2, 3)));
    assert_eq!(bed.asks(drain("d")), None, "it serves nobody");
    assert_eq!(serving(OBSERVED, 1).asks(drain("a")), None);
    let mut bed = serving(OBSERVED, 1);
    bed.does(drain("c"));
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 1, 2)));
}

#[test]
fn an_action_counts_for_those_after_it_in_its_batch() {
    let bed = serving(OBSERVED, 1);
    let batch = [action(1, drain("a")), action(2, drain("b"))];
    let veto = bed.guard.check(&batch, &[]).unwrap_err();
    assert_eq!((veto.rule, veto.action, veto.value), (Rule::Floor, ActionId(2), 1));
    assert_eq!(bed.guard.check(&batch[..1], &[]), Ok(()));
    assert_eq!(bed.guard.check(&[], &[]), Ok(()));
}

#[test]
fn records_of_a_batch_count_for_its_actions() {
    let bed = serving(OBSERVED, 0);
    let found = Change::Found {
        instance: name("d"),
        revision: super::revision("v1"),
        enrolled: true,
        started: true,
    };
    let found = Record { at: bed.now, change: found };
    assert_eq!(bed.guard.check(&[action(1, drain("a"))], &[found]), Ok(()));
}

#[test]
fn whoever_is_of_no_use_is_not_counted() {
    let flaws: [(&str, Deed); 8] = [
        ("not in traffic", |bed| bed.finds_so("d", "v1", (false, true))),
        ("not started", |bed| bed.finds_so("d", "v1", (true, false))),
        ("not seen any more", |bed| {
            bed.instances.remove(&name("d"));
            bed.shows();
        }),
        ("unhealthy", |bed| {
            bed.runs("d", "v1", Some(false));
            bed.shows();
        }),
        ("unready", |bed| bed.answers("d", &[false, false])),
        ("failed", |bed| {
            let failure = Failure::NotLive { detail: String::new() };
            bed.record(Change::Failed { instance: name("d"), failure });
        }),
        ("lost", |bed| bed.record(Change::Lost { instance: name("d") })),
        ("drained", |bed| bed.does(drain("d"))),
    ];
    for (flaw, make) in flaws {
        let mut bed = serving(OBSERVED, 0);
        bed.finds("d", "v1");
        bed.runs("d", "v1", None);
        bed.shows();
        assert_eq!(bed.asks(drain("a")), None, "{flaw}");
        make(&mut bed);
        assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 2, 3)), "{flaw}");
        assert_eq!(bed.asks(drain("d")), None, "{flaw}: nothing is lost with it");
    }
}

#[test]
fn where_nobody_enrols_whoever_runs_and_is_to_stay_serves() {
    let mut bed = serving(None, 0);
    bed.finds_so("d", "v1", (false, true));
    assert_eq!(bed.asks(stop("a")), None);
    bed.record(Change::Retired { instance: name("d") });
    assert_eq!(bed.asks(stop("a")), Some((Rule::Floor, 2, 3)));
    assert_eq!(bed.asks(remove("a")), Some((Rule::Floor, 2, 3)));
    bed.record(Change::Spared { instance: name("d") });
    assert_eq!(bed.asks(stop("a")), None);
    bed.record(Change::Retired { instance: name("d") });
    bed.intends(enrol("d", "v1"));
    assert_eq!(bed.asks(stop("a")), None, "told to go, and in traffic still");
}

#[test]
fn there_is_no_floor_before_a_revision_is_proven_nor_in_declared_downtime() {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.finds("a", "v1");
    assert_eq!(bed.asks(drain("a")), None, "no limits at all");
    bed.submits("v1", &plan(1, 0, 0));
    assert_eq!(bed.asks(drain("a")), None);
    bed.record(Change::Proven { revision: id("v1") });
    bed.submits("v2", &plan(1, 0, 0));
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 0, 1)));
    bed.submits("v2", &plan(1, 0, 1));
    assert_eq!(bed.asks(drain("a")), None);
    bed.intends(Effect::Route(shares(&[("v1", 100)])));
    assert_eq!(bed.asks(drain("a")), None, "nor for a share");
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.finds("a", "v1");
    bed.record(Change::Adopted { revision: super::revision("v1") });
    bed.submits("v2", &plan(1, 0, 0));
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 0, 1)));
}

#[test]
fn each_share_has_a_floor_of_its_own() {
    let mut bed = Bed::within(Making::ByName, OBSERVED, &plan(4, 1, 1));
    for (instance, of) in [("a", "v1"), ("b", "v1"), ("c", "v2"), ("d", "v3")] {
        bed.finds(instance, of);
    }
    bed.intends(Effect::Route(shares(&[("v1", 50), ("v2", 50)])));
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 1, 2)));
    assert_eq!(bed.asks(drain("d")), None, "no share, no floor");
    bed.finds("e", "v1");
    assert_eq!(bed.asks(drain("a")), None);
    bed.record(Change::Lost { instance: name("b") });
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 1, 2)));
    bed.intends(Effect::Route(Route::Empty));
    assert_eq!(bed.asks(drain("a")), None, "4 of 4 serve, 3 are the floor");
    bed.intends(Effect::Route(Route::ByReplicas));
    bed.record(Change::Lost { instance: name("d") });
    assert_eq!(bed.asks(drain("a")), Some((Rule::Floor, 2, 3)));
}

#[test]
fn what_is_sent_beside_the_shares_needs_one_instance() {
    let mut bed = Bed::within(Making::ByName, OBSERVED, &plan(4, 1, 1));
    bed.finds("d", "v2");
    let Route::Weighted(Shares { weights, .. }) = shares(&[("v1", 100)]) else { unreachable!() };
    let mirror = Weight::from_basis_points(1_000).unwrap();
    let rules = Rules { mirror, ..Rules::default() };
    let trial = Some(Trial { revision: id("v2"), rules });
    bed.intends(Effect::Route(Route::Weighted(Shares { weights, trial })));
    assert_eq!(bed.asks(drain("d")), Some((Rule::Floor, 0, 1)));
    bed.finds("e", "v2");
    assert_eq!(bed.asks(drain("d")), None);
}

#[test]
fn no_creation_makes_more_than_the_ceiling() {
    for (plan, said) in [(plan(3, 1, 0), Some((Rule::Ceiling, 5, 4))), (loose(plan(3, 1, 0)), None)]
    {
        let mut bed = Bed::within(Making::ByName, OBSERVED, &plan);
        for instance in ["a", "b", "c"] {
            bed.intends(create(instance, "v1"));
        }
        assert_eq!(bed.asks(create("d", "v2")), None);
        bed.finds("d", "v2");
        assert_eq!(bed.asks(create("e", "v2")), Some((Rule::Ceiling, 5, 4)));
        bed.record(Change::Retired { instance: name("a") });
        assert_eq!(bed.asks(create("e", "v2")), said);
        bed.record(Change::Gone { instance: name("a") });
        assert_eq!(bed.asks(create("e", "v2")), None);
    }
    let bed = Bed::new(Making::ByName, OBSERVED);
    assert_eq!(bed.asks(create("a", "v1")), None, "no limits yet");
}

#[test]
fn where_instances_are_made_by_count_a_creation_is_nobodys() {
    let mut bed = Bed::within(Making::ByCount, OBSERVED, &plan(1, 0, 0));
    bed.finds("a", "v1");
    assert_eq!(bed.asks(create("b", "v2")), None);
}

#[test]
fn a_number_stands_for_one_action_for_ever() {
    let mut bed = serving(OBSERVED, 1);
    let first = bed.intends(drain("a"));
    let last = bed.intends(scale("v1", 3));
    assert_eq!(bed.asks_again(first, drain("a")), None, "attempted again");
    assert_eq!(bed.asks_again(first, drain("b")), Some((Rule::Reuse, first, last)));
    assert_eq!(bed.asks_again(last, drain("b")), Some((Rule::Reuse, last, last)));
    bed.applied(first);
    assert_eq!(bed.asks_again(first, drain("a")), Some((Rule::Reuse, first, last)));
    // What a journal tells in another order does not take the number back.
    bed.record(Change::Intended { id: ActionId(first), effect: drain("a") });
    assert_eq!(bed.asks_again(last, drain("b")), Some((Rule::Reuse, last, last)));
}
