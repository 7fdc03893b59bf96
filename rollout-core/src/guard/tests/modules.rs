//! Modules that must be available, and nothing at all while everything is halted.

use std::{collections::BTreeSet, sync::Arc};

use super::{Guard, Rule};
use crate::{
    engine::{Action, Change, Effect, ModuleSetting, Purpose, Record, Revision},
    id::{ActionId, Attempt, Epoch, RevisionId, WorkloadId},
    plan,
    port::{Ability, Capabilities, Making},
    spec::{CheckedSpec, Counting, Spec},
    time::Timestamp,
};

fn ports() -> Capabilities {
    Capabilities {
        making: Making::ByName,
        counting: Counting::Strict,
        enrolment: None,
        router: None,
        abilities: BTreeSet::from([Ability::Modules]),
    }
}

fn record(change: Change) -> Record {
    Record { at: Timestamp(1_000), change }
}

fn halted() -> Record {
    record(Change::Halted { by: "ann".to_owned(), why: None })
}

fn resumed() -> Record {
    record(Change::Resumed { by: "ann".to_owned(), why: None })
}

/// A submitted revision of a shop that may do without its search and its ads, and never without its cart
/// and its till.
fn submitted() -> Record {
    let text = "
version: 1
workload: shop
replicas: 2
modules:
  - { name: search }
  - { name: ads }
  - { name: cart, must_be_available: true }
  - { name: till, must_be_available: true }";
    let spec = CheckedSpec::new(Spec::from_yaml(text).unwrap()).unwrap();
    let plan = plan::build(&spec, &ports(), true).unwrap();
    let revision =
        Revision { id: RevisionId::new("v1").unwrap(), template: serde_json::Value::Null };
    record(Change::Submitted {
        attempt: Attempt(1),
        revision: Arc::new(revision),
        spec: Arc::new(spec),
        plan: Arc::new(plan),
        by: "ann".to_owned(),
        why: None,
        purpose: Purpose::Move,
    })
}

fn degrading(id: u64, names: &[&str]) -> Action {
    let degraded = names.iter().map(|&name| name.to_owned()).collect();
    Action {
        id: ActionId(id),
        epoch: Epoch(1),
        attempt: Attempt(1),
        workload: WorkloadId::new("shop").unwrap(),
        revision: None,
        effect: Effect::Modules(ModuleSetting { degraded, breaker: None }),
    }
}

fn intended(action: &Action) -> Record {
    record(Change::Intended { id: action.id, effect: action.effect.clone() })
}

/// What the guard says of `action`: the rule and the two numbers.
fn said(guard: &Guard, action: &Action, records: &[Record]) -> Option<(Rule, u64, u64)> {
    let veto = guard.check(std::slice::from_ref(action), records).err()?;
    assert_eq!(veto.action, action.id);
    Some((veto.rule, veto.value, veto.limit))
}

#[test]
fn what_must_be_available_is_never_degraded() {
    let mut guard = Guard::new(&ports());
    guard.commit(&submitted());
    for (names, broken) in [
        (&[][..], 0),
        (&["search", "ads"], 0),
        (&["cart"], 1),
        (&["ads", "cart", "search", "till"], 2),
    ] {
        let expected = (0 < broken).then_some((Rule::Availability, broken, 0));
        assert_eq!(said(&guard, &degrading(1, names), &[]), expected, "{names:?}");
    }
}

#[test]
fn a_spec_of_the_same_batch_says_what_must_be_available() {
    let guard = Guard::new(&ports());
    let action = degrading(1, &["till"]);
    assert_eq!(said(&guard, &action, &[]), None, "no spec has named it yet");
    let expected = Some((Rule::Availability, 1, 0));
    assert_eq!(said(&guard, &action, &[submitted(), intended(&action)]), expected);
}

#[test]
fn nothing_goes_out_between_halt_and_resume() {
    let mut guard = Guard::new(&ports());
    let (out, new) = (degrading(1, &["ads"]), degrading(2, &[]));
    guard.commit(&submitted());
    guard.commit(&intended(&out));
    assert_eq!(said(&guard, &out, &[]), None, "attempted again");
    guard.commit(&halted());
    let expected = Some((Rule::Halted, 1, 0));
    assert_eq!(said(&guard, &out, &[]), expected, "not even again");
    assert_eq!(said(&guard, &new, &[]), expected, "not even back to all available");
    guard.commit(&resumed());
    assert_eq!(said(&guard, &new, &[]), None);
}

#[test]
fn a_halt_and_a_resume_hold_for_their_own_batch() {
    let mut guard = Guard::new(&ports());
    guard.commit(&submitted());
    let action = degrading(1, &["ads"]);
    assert_eq!(said(&guard, &action, &[halted()]), Some((Rule::Halted, 1, 0)));
    guard.commit(&halted());
    assert_eq!(said(&guard, &action, &[resumed()]), None);
}
