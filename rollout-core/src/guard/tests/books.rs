//! The books: limits there and back, what a snapshot keeps, what is said of a refusal.

use std::sync::Arc;

use super::{
    Bed, IN_PLACE, OBSERVED, Rule, create, drain, name, plan, revision, scale, shares, spec,
    submission,
};
use crate::{
    engine::{Cause, Change, Effect, Event, Record},
    guard::{Book, Veto},
    id::ActionId,
    plan::{Budget, Plan, Stage},
    port::Making,
    time::Timestamp,
};

fn aborted() -> Change {
    Change::Aborted { cause: Cause::Ordered { by: "ann".to_owned(), why: None } }
}

/// `count` of v1 in traffic, and a plan on its way to `desired`.
fn from(count: usize, desired: u64) -> Bed {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.record(Change::Adopted { revision: revision("v1") });
    for nth in 0..count {
        bed.finds(&format!("v1-{nth}"), "v1");
    }
    bed.submits("v2", &plan(desired, 0, 0));
    bed
}

#[test]
fn the_way_back_is_to_as_many_as_there_were() {
    // To fewer: the floor stays, and there is room for those that were there.
    let mut bed = from(4, 2);
    assert_eq!(bed.asks(create("x", "v1")), Some((Rule::Ceiling, 5, 2)));
    bed.record(aborted());
    assert_eq!(bed.asks(create("x", "v1")), Some((Rule::Ceiling, 5, 4)));
    bed.record(Change::Lost { instance: name("v1-0") });
    assert_eq!(bed.asks(drain("v1-1")), None);
    // To more: there never were as many.
    let mut bed = from(4, 6);
    assert_eq!(bed.asks(drain("v1-0")), Some((Rule::Floor, 3, 6)));
    bed.record(aborted());
    assert_eq!(bed.asks(drain("v1-0")), Some((Rule::Floor, 3, 4)));
}

#[test]
fn who_was_told_to_go_was_none_of_those_that_were_there() {
    let mut bed = from(4, 6);
    bed.record(Change::Retired { instance: name("v1-0") });
    bed.finds("v0", "v0");
    bed.submits("v2", &plan(6, 0, 0));
    bed.record(aborted());
    bed.record(Change::Lost { instance: name("v0") });
    assert_eq!(bed.asks(drain("v1-1")), None);
    bed.record(Change::Lost { instance: name("v1-3") });
    assert_eq!(bed.asks(drain("v1-1")), Some((Rule::Floor, 2, 3)));
}

#[test]
fn the_way_back_is_to_as_many_as_there_were_to_be_though_some_were_lost() {
    let mut bed = from(4, 3);
    bed.record(Change::Proven { revision: revision("v2").id.clone() });
    bed.finds("v2-0", "v2");
    bed.submits("v3", &plan(1, 0, 0));
    bed.record(aborted());
    // One of v2 is left of the four of its spec.
    assert_eq!(bed.asks(create("x", "v2")), Some((Rule::Ceiling, 6, 4)));
}

#[test]
fn pools_are_counted_by_the_size_they_were_told() {
    for (told, seen, from) in [(None, Some(3), 3), (Some(2), Some(3), 2), (None, None, 0)] {
        let mut bed = Bed::new(Making::ByCount, None);
        bed.record(Change::Adopted { revision: revision("v1") });
        if let Some(size) = seen {
            bed.pool("v1", size);
        }
        bed.pool("v0", 3);
        bed.shows();
        if let Some(size) = told {
            bed.intends(scale("v1", size));
        }
        bed.submits("v2", &plan(1, 0, 0));
        bed.record(aborted());
        bed.pools.clear();
        bed.shows();
        let most = from.max(1);
        let other = told.unwrap_or(0);
        let said = bed.asks(scale("v2", most + 1 - other));
        assert_eq!(said, Some((Rule::Ceiling, most + 1, most)), "{told:?} {seen:?}");
    }
}

#[test]
fn a_first_deploy_has_nothing_to_go_back_to() {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.submits("v1", &plan(4, 0, 0));
    bed.finds("v0", "v0");
    bed.finds("v1", "v1");
    bed.record(aborted());
    let route = Effect::Route(shares(&[("v1", 100)]));
    assert_eq!(bed.asks(route), Some((Rule::Backing, 1, 4)), "it is still to be 4");
}

#[test]
fn a_resize_counts_there_and_back() {
    let mut bed = from(4, 4);
    let resized = |desired: u64| Change::Resized {
        spec: spec(2),
        plan: Arc::new(plan(desired, 0, 0)),
        stage: 0,
        by: "ann".to_owned(),
        why: None,
    };
    bed.record(resized(3));
    assert_eq!(bed.asks(drain("v1-0")), None);
    bed.record(resized(9));
    assert_eq!(bed.asks(drain("v1-0")), Some((Rule::Floor, 3, 9)));
    // The spec says 4.
    bed.record(aborted());
    assert_eq!(bed.asks(drain("v1-0")), Some((Rule::Floor, 3, 4)));
}

#[test]
fn the_widest_stage_is_the_limit() {
    let budget = |surge, unavailable| Budget { surge, unavailable, ..plan(4, 0, 0).rollback };
    let narrow = plan(4, 0, 0);
    let stage = |budget| Stage { budget, ..narrow.stages[0].clone() };
    for (stages, rollback) in [
        (vec![stage(budget(2, 1)), stage(budget(0, 0))], budget(1, 0)),
        (vec![stage(budget(1, 0)), stage(budget(0, 0))], budget(2, 1)),
    ] {
        let mut bed = from(4, 4);
        bed.submits("v2", &Plan { stages, rollback, ..narrow.clone() });
        assert_eq!(bed.asks(drain("v1-0")), None);
        bed.finds("x", "v2");
        assert_eq!(bed.asks(create("y", "v2")), None);
        bed.finds("y", "v2");
        assert_eq!(bed.asks(create("z", "v2")), Some((Rule::Ceiling, 7, 6)));
    }
}

#[test]
fn downtime_in_any_stage_is_declared() {
    let narrow = plan(4, 0, 0);
    let all = Budget { unavailable: 4, ..narrow.rollback };
    let wide = Stage { budget: all, ..narrow.stages[0].clone() };
    let mut bed = from(1, 4);
    assert_eq!(bed.asks(drain("v1-0")), Some((Rule::Floor, 0, 4)));
    bed.submits("v2", &Plan { stages: vec![narrow.stages[0].clone(), wide], ..narrow });
    assert_eq!(bed.asks(drain("v1-0")), None);
}

#[test]
fn a_snapshot_keeps_the_books_and_not_the_ports() {
    let mut bed = from(1, 1);
    let submitted = Record { at: bed.now, change: submission("v1", spec(2), &plan(1, 0, 0)) };
    let snapshot = Record::fold(&[submitted]).unwrap();
    bed.guard.commit(&snapshot);
    assert_eq!(bed.asks(drain("v1-0")), None, "it knows of nobody");
    assert_eq!(bed.guard.book.making(), Making::ByName);
    assert_eq!(bed.guard.book.confirmation, OBSERVED);
    let mut bed = Bed::new(IN_PLACE, None);
    bed.guard.commit(&snapshot);
    assert_eq!((bed.guard.book.making(), bed.guard.book.confirmation), (IN_PLACE, None));
    assert!(bed.guard.book.limits.is_some());
    assert_eq!(Book::empty().making(), Making::ByName, "as long as nobody said");
}

#[test]
fn time_never_runs_back() {
    let mut bed = from(1, 1);
    let before = bed.now;
    bed.guard.commit(&Record { at: Timestamp(5), change: Change::BatchEnded });
    bed.guard.witness(Timestamp(7), &Event::Woke);
    assert_eq!(bed.guard.book.now, before);
}

#[test]
fn a_refusal_says_what_would_be_so() {
    let veto = |rule| Veto {
        rule,
        action: ActionId(7),
        value: 2,
        limit: 3,
        detail: drain("a").to_string(),
    };
    for (rule, words) in [
        (Rule::Floor, "floor (P1)"),
        (Rule::Ceiling, "ceiling (P3)"),
        (Rule::DrainOrder, "drain order (P5)"),
        (Rule::Conservation, "conservation of traffic (T1)"),
        (Rule::Backing, "no weight without backing (T2)"),
        (Rule::Revisions, "at most two revisions in traffic (R3)"),
        (Rule::Reuse, "action numbers are never reused (C3)"),
        (Rule::Availability, "what must be available is never degraded"),
        (Rule::Halted, "nothing goes out while everything is halted (L7)"),
    ] {
        let said = veto(rule).to_string();
        let wanted = format!("drain a would break the rule {words}: 2 against a limit of 3");
        assert!(said.ends_with(&wanted) && said.contains('7'), "{said}");
    }
}
