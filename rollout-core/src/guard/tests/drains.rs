//! Stops and detachments: what was drained, confirmed and late.

use super::{
    Bed, DRAIN, Deed, ELAPSED, OBSERVED, Rule, Said, detach, drain, enrol, id, name, plan, remove,
    stop,
};
use crate::{
    engine::{Change, EnrolState, Failure, InstanceState, Refusal, RefusalKind, Settlement},
    port::{Confirmation, Making},
    time::Span,
};

const ENROLLED: Said = Some((Rule::DrainOrder, 0, 1));
const BUSY: Said = Some((Rule::DrainOrder, 1, 0));

/// One instance in traffic, and no limits.
fn one(enrolment: Option<Confirmation>) -> Bed {
    let mut bed = Bed::new(Making::ByName, enrolment);
    bed.submits("v1", &plan(1, 0, 1));
    bed.finds("a", "v1");
    bed.runs("a", "v1", None);
    bed.shows();
    bed
}

/// One that was drained and answers a request still.
fn busy(enrolment: Option<Confirmation>) -> Bed {
    let mut bed = one(enrolment);
    bed.does(drain("a"));
    bed.balances("a", EnrolState::Draining, Some(1));
    bed
}

fn exited() -> InstanceState {
    InstanceState::Exited { code: 1, detail: String::new() }
}

#[test]
fn whoever_the_load_balancer_knows_is_neither_stopped_nor_removed() {
    let mut bed = one(OBSERVED);
    assert_eq!((bed.asks(stop("a")), bed.asks(remove("a"))), (ENROLLED, ENROLLED));
    assert_eq!(bed.asks(stop("nobody")), None);
    bed.does(drain("a"));
    assert_eq!(bed.asks(stop("a")), ENROLLED, "drained, and known still");
    bed.does(detach("a"));
    assert_eq!((bed.asks(stop("a")), bed.asks(remove("a"))), (None, None));
    bed.intends(enrol("a", "v1"));
    assert_eq!(bed.asks(stop("a")), ENROLLED);
    bed.record(Change::Lost { instance: name("a") });
    assert_eq!(bed.asks(stop("a")), None, "no process is left");
    assert_eq!(one(None).asks(stop("a")), None, "there is no load balancer");
}

#[test]
fn a_detachment_counts_once_it_is_applied() {
    let mut bed = one(OBSERVED);
    let number = bed.intends(detach("a"));
    assert_eq!(bed.asks(stop("a")), ENROLLED);
    let why = Refusal { kind: RefusalKind::Missing, detail: String::new() };
    bed.settles(number, Settlement::Refused(why));
    assert_eq!(bed.asks(stop("a")), ENROLLED);
    // Settled already: the same again says nothing.
    bed.settles(number, Settlement::Applied);
    assert_eq!(bed.asks(stop("a")), ENROLLED);
    bed.does(detach("a"));
    assert_eq!(bed.asks(stop("a")), None);
}

#[test]
fn whoever_gets_traffic_is_not_detached() {
    let mut bed = one(OBSERVED);
    assert_eq!(bed.asks(detach("a")), ENROLLED);
    assert_eq!(bed.asks(detach("nobody")), None);
    bed.finds_so("b", "v1", (false, true));
    assert_eq!(bed.asks(detach("b")), None, "it never got any");
    bed.record(Change::Lost { instance: name("a") });
    assert_eq!(bed.asks(detach("a")), None);
    let mut bed = one(OBSERVED);
    bed.runs("a", "v1", None).state = exited();
    bed.shows();
    assert_eq!(bed.asks(detach("a")), None);
}

#[test]
fn a_detachment_waits_for_what_is_in_flight() {
    let mut bed = busy(OBSERVED);
    assert_eq!(bed.asks(detach("a")), BUSY);
    for (state, in_flight, said) in [
        (EnrolState::Draining, Some(0), None),
        (EnrolState::Draining, None, BUSY),
        (EnrolState::In, Some(0), BUSY),
        (EnrolState::In, Some(1), BUSY),
    ] {
        bed.balances("a", state, in_flight);
        assert_eq!(bed.asks(detach("a")), said, "{state:?} {in_flight:?}");
    }
    bed.enrolled.clear();
    bed.balances("b", EnrolState::In, None);
    assert_eq!(bed.asks(detach("a")), None, "it is not known there");
}

#[test]
fn a_snapshot_from_before_the_drain_does_not_confirm_it() {
    let mut bed = one(OBSERVED);
    bed.balances("a", EnrolState::Draining, Some(0));
    let before = bed.mark;
    bed.does(drain("a"));
    assert_eq!(bed.asks(detach("a")), BUSY);
    // One that shows the drain and nothing after it is new enough.
    assert_eq!(bed.mark, before + 1);
    bed.mark -= 1;
    bed.balances("a", EnrolState::Draining, Some(0));
    assert_eq!(bed.asks(detach("a")), None);
}

#[test]
fn whoever_has_ended_is_detached_whatever_was_in_flight() {
    let ends: [Deed; 4] = [
        |bed| {
            bed.runs("a", "v1", None).state = exited();
            bed.shows();
        },
        |bed| {
            bed.runs("a", "v1", None).state = InstanceState::Stuck { detail: String::new() };
            bed.shows();
        },
        |bed| {
            bed.instances.clear();
            bed.shows();
        },
        |bed| bed.record(Change::Lost { instance: name("a") }),
    ];
    for end in ends {
        let mut bed = busy(OBSERVED);
        end(&mut bed);
        assert_eq!(bed.asks(detach("a")), None);
    }
    let mut bed = busy(OBSERVED);
    bed.runs("a", "v1", None).state = InstanceState::Created;
    bed.shows();
    assert_eq!(bed.asks(detach("a")), BUSY, "it has not begun yet");
}

#[test]
fn a_failure_that_killed_it_stays() {
    let exit = || Failure::Exited { code: 1, detail: String::new() };
    let fails =
        |bed: &mut Bed, failure| bed.record(Change::Failed { instance: name("a"), failure });
    let unready = || Failure::Unready { detail: String::new() };
    let mut bed = busy(OBSERVED);
    fails(&mut bed, unready());
    assert_eq!(bed.asks(detach("a")), BUSY);
    for failure in [exit(), exit(), unready()] {
        fails(&mut bed, failure);
        assert_eq!(bed.asks(detach("a")), None);
    }
}

#[test]
fn a_drain_ends_at_its_deadline_where_the_data_plane_can_be_asked() {
    let mut bed = busy(OBSERVED);
    bed.waits(Span::from_millis(DRAIN.as_millis() - 1));
    assert_eq!(bed.asks(detach("a")), BUSY);
    bed.waits(Span::from_millis(1));
    assert_eq!(bed.asks(detach("a")), None);
}

#[test]
fn where_nobody_can_be_asked_both_times_are_waited_for() {
    let long = Some(Confirmation::Elapsed(DRAIN.times(2)));
    for (enrolment, wait) in [(ELAPSED, DRAIN), (long, DRAIN.times(2))] {
        let mut bed = busy(enrolment);
        bed.balances("a", EnrolState::Draining, Some(0));
        bed.waits(Span::from_millis(wait.as_millis() - 1));
        assert_eq!(bed.asks(detach("a")), BUSY);
        bed.waits(Span::from_millis(1));
        assert_eq!(bed.asks(detach("a")), None);
    }
}

#[test]
fn where_nothing_is_confirmed_a_quiet_snapshot_is() {
    let mut bed = busy(None);
    bed.waits(DRAIN);
    assert_eq!(bed.asks(detach("a")), BUSY);
    bed.balances("a", EnrolState::Draining, Some(0));
    assert_eq!(bed.asks(detach("a")), None);
}

#[test]
fn a_revision_without_a_spec_drains_as_long_as_the_newest_or_by_default() {
    for (submitted, wait) in [(true, DRAIN), (false, Span::from_secs(30))] {
        let mut bed = Bed::new(Making::ByName, OBSERVED);
        if submitted {
            bed.submits("v2", &plan(1, 0, 1));
        }
        bed.finds("a", "v1");
        bed.runs("a", "v1", None);
        bed.shows();
        bed.does(drain("a"));
        bed.balances("a", EnrolState::Draining, Some(1));
        bed.waits(Span::from_millis(wait.as_millis() - 1));
        assert_eq!(bed.asks(detach("a")), BUSY);
        bed.waits(Span::from_millis(1));
        assert_eq!(bed.asks(detach("a")), None);
    }
}

#[test]
fn a_drain_whose_acknowledgement_only_the_journal_knows_counts_from_there() {
    let mut bed = one(OBSERVED);
    let number = bed.intends(drain("a"));
    bed.settles(number, Settlement::Applied);
    assert_eq!(bed.asks(detach("a")), BUSY);
    bed.mark = 0;
    bed.balances("a", EnrolState::Draining, Some(0));
    assert_eq!(bed.asks(detach("a")), None, "any snapshot of now shows it");
}

#[test]
fn an_enrolment_undoes_a_drain() {
    let mut bed = busy(OBSERVED);
    bed.waits(DRAIN);
    bed.does(enrol("a", "v1"));
    assert_eq!(bed.asks(detach("a")), ENROLLED);
    bed.does(drain("a"));
    assert_eq!(bed.asks(detach("a")), BUSY, "the time runs from the second drain");
}

#[test]
fn a_removal_is_the_end_once_it_is_applied() {
    let mut bed = one(OBSERVED);
    let number = bed.intends(remove("a"));
    assert_eq!(bed.asks(stop("a")), ENROLLED);
    bed.applied(number);
    assert_eq!(bed.asks(stop("a")), None);
}

#[test]
fn an_instance_named_out_of_traffic_was_drained_then() {
    let mut bed = Bed::new(Making::ByName, OBSERVED);
    bed.submits("v1", &plan(1, 0, 1));
    let (instance, revision) = (name("a"), id("v1"));
    bed.record(Change::Named { instance, revision, enrolled: false });
    bed.runs("a", "v1", None);
    bed.shows();
    assert_eq!(bed.asks(detach("a")), BUSY);
    bed.waits(DRAIN);
    assert_eq!(bed.asks(detach("a")), None);
}
