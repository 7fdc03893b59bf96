//! A workload whose instances are replaced in place: a stateful set, whose controller takes away by rank whom
//! the division reaches, and a daemon set, whose pods are taken away by name.

mod set;

use rollout_core::{
    engine::OrderKind,
    id::InstanceId,
    plan::{self, PlanError, Remark},
    port::InPlaceOrder::{Any, Ranked},
};
use serde_json::json;

use self::set::{Set, capabilities};
use crate::bed::{id, spec};

#[test]
fn places_are_replaced_by_rank_and_drained_before() {
    let mut set = Set::deployed(Ranked, 4);
    set.submit("v2", 4);
    assert_eq!(set.run(), "completed");
    set.assert_all_on("v2", 4);
    assert_eq!((set.ended, set.drains, set.lowest), (vec![3, 2, 1, 0], 4, 3));
    let told = [
        "divide so that the first place is of v2",
        "divide so that the first 2 places are of v2",
        "divide so that the first 3 places are of v2",
        "divide so that the first 4 places are of v2",
    ];
    assert_eq!(set.told, told);
}

#[test]
fn where_no_order_is_given_each_is_taken_away_by_name() {
    let mut set = Set::deployed(Any, 4);
    set.submit("v2", 4);
    assert_eq!(set.run(), "completed");
    set.assert_all_on("v2", 4);
    assert_eq!((set.ended.len(), set.drains, set.lowest), (4, 4, 3));
    assert_eq!(set.told, ["divide so that whoever comes back is of v2"]);
}

#[test]
fn a_canary_keeps_its_places_until_it_is_promoted() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 4);
        let steps = json!([{"weight": "25%", "gates": [{"approval": {}}]}]);
        set.submit_as("v2", 4, &json!({"canary": {"steps": steps, "pace": {"unavailable": 2}}}));
        for _ in 0..100 {
            set.tick();
        }
        assert_eq!(set.of("v2").len(), 1, "{order:?}: {:#?}", set.pods);
        if order == Ranked {
            assert_eq!(set.of("v2"), [3]);
        }
        set.order(OrderKind::Promote { gate: None, all: true });
        assert_eq!(set.run(), "completed");
        set.assert_all_on("v2", 4);
        assert_eq!(set.lowest, 2);
    }
}

#[test]
fn a_candidate_that_never_gets_ready_gives_its_place_back() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 4);
        set.duds.push(id("v2"));
        set.submit("v2", 4);
        assert_eq!(set.run(), "rolled back");
        set.assert_all_on("v1", 4);
        assert_eq!((set.lowest, set.ended.len()), (3, 2), "{order:?}");
    }
}

#[test]
fn on_the_way_back_who_is_of_no_use_goes_first() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 4);
        set.submit("v2", 4);
        while set.of("v2").len() < 3 || !set.pods.values().all(|pod| pod.ready) {
            set.tick();
        }
        // The one that was replaced last has stopped answering: in a stateful set it would keep all the others.
        let newest = set.pods.keys().max_by_key(|name| born(name)).unwrap().clone();
        set.pods.get_mut(&newest).unwrap().ready = false;
        set.duds.push(id("v2"));
        set.order(OrderKind::Abort);
        set.ended.clear();
        let place = set.pods[&newest].place;
        assert_eq!(set.run(), "rolled back");
        set.assert_all_on("v1", 4);
        assert!(set.ended.iter().take(2).any(|ended| *ended == place), "{:?}", set.ended);
        assert!(2 <= set.lowest, "{order:?}");
    }
}

#[test]
fn who_was_drained_and_not_taken_away_serves_again() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 4);
        set.submit("v2", 4);
        while set.pods.values().all(|pod| pod.serving) {
            set.tick();
        }
        set.order(OrderKind::Abort);
        assert_eq!(set.run(), "rolled back");
        set.assert_all_on("v1", 4);
        assert_eq!(set.ended, [0_u64; 0], "{order:?}: nobody is taken away");
    }
}

#[test]
fn a_candidate_that_took_every_place_can_be_taken_back() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 3);
        let steps = json!([{"weight": "100%", "gates": [{"approval": {}}]}]);
        set.submit_as("v2", 3, &json!({"canary": {"steps": steps}}));
        while set.of("v2").len() < 3 || !set.pods.values().all(|pod| pod.ready) {
            set.tick();
        }
        (0..20).for_each(|_| set.tick());
        set.order(OrderKind::Abort);
        assert_eq!(set.run(), "rolled back");
        set.assert_all_on("v1", 3);
        assert_eq!(set.lowest, 2, "{order:?}");
    }
}

#[test]
fn the_number_of_places_is_changed_at_rest() {
    let mut set = Set::deployed(Ranked, 4);
    set.order(OrderKind::Resize { replicas: 6 });
    assert_eq!(set.run(), "completed");
    set.assert_all_on("v1", 6);
    set.ended.clear();
    set.order(OrderKind::Resize { replicas: 3 });
    set.tick();
    assert_eq!(set.run(), "completed");
    set.assert_all_on("v1", 3);
    set.ended.sort_unstable();
    assert_eq!((set.ended, set.drains), (vec![3, 4, 5], 3), "those drained go");
}

#[test]
fn a_new_number_of_places_comes_before_a_new_revision() {
    for replicas in [6, 2] {
        let mut set = Set::deployed(Ranked, 4);
        set.submit("v2", replicas);
        assert_eq!(set.run(), "completed");
        set.assert_all_on("v2", replicas);
        let first = set.told.first().unwrap();
        assert!(first.starts_with("scale v1 to "), "{:?}", set.told);
        assert!(replicas.min(4) - 1 <= set.lowest, "{replicas}: {}", set.lowest);
    }
}

#[test]
fn the_number_of_places_stays_while_a_rollout_is_under_way() {
    let mut set = Set::deployed(Ranked, 4);
    set.submit("v2", 4);
    set.tick();
    set.order(OrderKind::Resize { replicas: 6 });
    assert_eq!(
        set.refused.take().unwrap().to_string(),
        "`web` is replaced in place: it has 4 instances until this rollout has ended; wait for that, or abort it"
    );
    assert_eq!(set.run(), "completed");
    set.assert_all_on("v2", 4);
}

#[test]
fn a_first_deploy_that_fails_leaves_nothing() {
    for order in [Ranked, Any] {
        let mut set = Set::new(order);
        set.duds.push(id("v1"));
        set.submit("v1", 3);
        assert_eq!(set.run(), "failed, nothing serves");
        (0..20).for_each(|_| set.tick());
        assert!(set.pods.is_empty(), "{order:?}: {:#?}", set.pods);
    }
}

#[test]
fn a_lost_journal_leaves_nobody_drained() {
    for order in [Ranked, Any] {
        let mut set = Set::deployed(order, 4);
        for pod in set.pods.values_mut().take(2) {
            pod.serving = false;
        }
        set.forget();
        set.submit("v2", 4);
        assert_eq!(set.run(), "completed");
        set.assert_all_on("v2", 4);
    }
}

#[test]
fn what_needs_room_beside_the_places_is_refused() {
    let refused = |strategy: serde_json::Value| {
        plan::build(&spec(4, &strategy), &capabilities(Ranked), false).unwrap_err().to_string()
    };
    assert_eq!(
        refused(json!({"blue_green": {}})),
        "strategy.blue_green: it needs a second set of instances beside the first, and this workload is replaced in place; use `rolling` or `canary`"
    );
    assert_eq!(
        refused(json!({"recreate": {}})),
        "strategy.recreate: it needs all instances gone before the first new one starts, and this workload is replaced in place; use `rolling` with `unavailable: 100%`"
    );
    assert_eq!(
        refused(json!({"rolling": {"order": "start_first"}})),
        "strategy.rolling.order: it needs a new instance that starts before the old one has ended, and this workload is replaced in place; use `stop_first`, or leave it out"
    );
    let stages = json!([
        {"name": "a", "candidate": 2, "stable": 4, "route": "replicas"},
        {"name": "b", "candidate": 4, "stable": 0, "route": "replicas", "proves": true},
    ]);
    assert_eq!(
        refused(json!({"stages": stages})),
        "strategy.stages[0]: it needs 6 instances in 4 places, or a route to nobody, and this workload is replaced in place; let `candidate` and `stable` make `replicas`"
    );
    let one = json!({"canary": {"steps": [{"weight": "50%"}]}});
    let error = plan::build(&spec(1, &one), &capabilities(Ranked), false).unwrap_err();
    assert!(matches!(error, PlanError::Indivisible { .. }), "{error}");
}

#[test]
fn a_plan_has_no_surge_and_says_so() {
    let spec = spec(4, &json!({"rolling": {"surge": 2}}));
    let made = plan::build(&spec, &capabilities(Any), false).unwrap();
    let budget = made.stages[0].budget;
    assert_eq!((budget.surge, budget.unavailable), (0, 1));
    assert_eq!((made.rollback.surge, made.rollback.unavailable), (0, 1));
    assert!(made.remarks.contains(&Remark::InPlace), "{:?}", made.remarks);
    assert_eq!(plan::lint(&made), []);
}

#[test]
fn whatever_happens_nobody_is_cut_and_everybody_serves_in_the_end() {
    for seed in 0..200 {
        let order = if seed % 2 == 0 { Ranked } else { Any };
        Set::deployed(order, 4).survives(seed);
    }
}

/// The number of a pod: later ones have a higher one.
fn born(name: &InstanceId) -> Option<u64> {
    name.as_str().rsplit('-').next()?.parse().ok()
}

#[test]
fn after_a_first_deploy_that_failed_another_revision_is_deployed() {
    for order in [Ranked, Any] {
        let mut set = Set::new(order);
        set.duds.push(id("v1"));
        set.submit("v1", 3);
        assert_eq!(set.run(), "failed, nothing serves");
        set.submit("v2", 3);
        assert_eq!(set.run(), "completed");
        set.assert_all_on("v2", 3);
    }
}
