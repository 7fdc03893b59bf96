//! Small worlds are explored to the end, and the explorer finds what is wrong with one.

use rollout_sim::explore::{Configuration, explore, table};

fn named(name: &str) -> Configuration {
    table().into_iter().find(|one| one.name == name).expect("the table has it")
}

/// Everything that can happen, in a few worlds that are small enough for every run of the tests.
#[test]
fn small_worlds_are_explored_to_the_end() {
    for name in
        ["rolling-1-0-1-crash", "rolling-1-0-2-crashes", "canary-1-lag", "recreate-1-crashes"]
    {
        let found = explore(&named(name));
        assert_eq!(found.bound, None, "{name}: not everything was seen");
        assert_eq!(found.undecided, 0, "{name}: nobody knows how every state ends");
        assert_eq!(found.merges_wrong, 0, "{name}: two states count as one and are two");
        assert!(found.findings.is_empty(), "{name}: {:#?}", found.findings);
        assert!(100 < found.states || name.ends_with("lag"), "{name}: {} states", found.states);
        assert!(found.ends.contains_key("completed"), "{name}: {:?}", found.ends);
    }
}

/// The same states in the same order, every time.
#[test]
fn an_exploration_is_repeatable() {
    let explored = || {
        let found = explore(&named("first-rolling-1-harm"));
        (found.states, found.transitions, found.depth, found.ends)
    };
    assert_eq!(explored(), explored());
}

/// A run that meets its bound says so, and does not claim to know how every state ends.
#[test]
fn a_run_that_stops_at_its_bound_says_so() {
    let found = explore(&Configuration { states_max: 200, ..named("rolling-1-0-2-harm") });
    assert_eq!(found.bound, Some(200));
    assert!(0 < found.undecided);
}
