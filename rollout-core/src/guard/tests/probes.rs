//! Answers of readiness probes: so many in a row, of a spec that speaks of the instance.

use super::{Bed, OBSERVED, Rule, Said, create, drain, enrol, name, plan};
use crate::{
    engine::{Change, ProbeKind},
    port::Making,
};

/// What the guard says of a drain while the one that is probed serves, and while it does not.
const SERVES: Said = None;
const DOES_NOT: Said = Some((Rule::Floor, 0, 1));

/// One to drain, and beside it `probed`.
fn beside(make: impl Fn(&mut Bed)) -> Bed {
    let mut bed = Bed::within(Making::ByName, OBSERVED, &plan(1, 1, 0));
    bed.finds("a", "v1");
    make(&mut bed);
    bed
}

#[test]
fn answers_count_in_a_row() {
    let mut bed = beside(|bed| bed.finds("probed", "v1"));
    let mut heard = Vec::new();
    for (answer, said) in [
        (false, SERVES),
        (true, SERVES),
        (false, SERVES),
        (false, DOES_NOT),
        (true, DOES_NOT),
        (false, DOES_NOT),
        (true, DOES_NOT),
        (true, SERVES),
        (true, SERVES),
        (false, SERVES),
        (false, DOES_NOT),
        (false, DOES_NOT),
    ] {
        heard.push(answer);
        bed.answers("probed", &[answer]);
        assert_eq!(bed.asks(drain("a")), said, "{heard:?}");
    }
}

#[test]
fn only_readiness_takes_traffic_away() {
    let mut bed = beside(|bed| bed.finds("probed", "v1"));
    for probe in [ProbeKind::Startup, ProbeKind::Liveness] {
        for _ in 0..3 {
            bed.probes("probed", probe, false);
        }
    }
    assert_eq!(bed.asks(drain("a")), SERVES);
    bed.answers("nobody", &[false, false]);
    assert_eq!(bed.asks(drain("a")), SERVES);
}

#[test]
fn whoever_was_found_of_a_revision_nobody_submitted_is_judged_by_no_probe() {
    let mut bed = beside(|bed| bed.finds("probed", "v0"));
    bed.answers("probed", &[false, false, false]);
    assert_eq!(bed.asks(drain("a")), SERVES);
    // One that was made by an order is judged by the newest spec.
    let mut bed = beside(|bed| {
        bed.does(create("probed", "v0"));
        bed.does(enrol("probed", "v0"));
        bed.runs("a", "v1", None);
        bed.runs("probed", "v0", None);
        bed.shows();
    });
    assert_eq!(bed.asks(drain("a")), SERVES);
    bed.answers("probed", &[false, false]);
    assert_eq!(bed.asks(drain("a")), DOES_NOT);
}

#[test]
fn whoever_is_gone_begins_anew_under_its_name() {
    let mut bed = beside(|bed| bed.finds("probed", "v1"));
    bed.answers("probed", &[false]);
    bed.record(Change::Gone { instance: name("probed") });
    assert_eq!(bed.asks(drain("a")), DOES_NOT);
    bed.finds("probed", "v1");
    bed.answers("probed", &[false]);
    assert_eq!(bed.asks(drain("a")), SERVES);
    bed.answers("probed", &[false]);
    assert_eq!(bed.asks(drain("a")), DOES_NOT);
}
