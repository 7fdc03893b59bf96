//! The closed forms beside a greedy walk of the same rules, one tick at a time.

use proptest::prelude::*;

use super::*;
use crate::weight::Weight;

fn plan(desired: u64, counting: Counting, budget: Budget, gates: Vec<StageGate>) -> Plan {
    let stage = Stage {
        gates,
        proves: true,
        ..Stage::new("roll", (desired, 0), StageRoute::ByReplicas, budget)
    };
    Plan {
        strategy: "rolling".to_owned(),
        desired,
        counting,
        stages: vec![stage],
        rollback: budget,
        rollback_hooks: Vec::new(),
        remarks: Vec::new(),
    }
}

const fn budget(surge: u64, unavailable: u64) -> Budget {
    Budget { surge, unavailable, parallelism: 0, batch_delay: Span::ZERO }
}

const fn ticks(start: u64, drain: u64) -> Timing {
    Timing { start_to_available: Span::from_millis(start), drain: Span::from_millis(drain) }
}

/// Rolls `desired` instances by doing at every tick all that the rules allow; returns when the last new
/// one was available and when the last old one was gone.
fn walk(desired: u64, counting: Counting, budget: Budget, start: u64, drain: u64) -> (u64, u64) {
    let (mut old, mut new) = (desired, 0);
    let (mut starting, mut going): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut available_at = 0;
    for now in 0.. {
        let ready = starting.iter().filter(|at| **at <= now).count();
        starting.retain(|at| now < *at);
        going.retain(|at| now < *at);
        if ready != 0 {
            new += ready as u64;
            available_at = now;
        }
        let spare = (old + new).saturating_sub(desired - budget.unavailable).min(old);
        old -= spare;
        if drain != 0 {
            going.extend((0..spare).map(|_| now + drain));
        }
        if new == desired && old == 0 && going.is_empty() {
            return (available_at, now);
        }
        let counted = match counting {
            Counting::Strict => going.len() as u64,
            Counting::Loose => 0,
        };
        let started = starting.len() as u64;
        let room = (desired + budget.surge).saturating_sub(old + new + started + counted);
        let lanes = if budget.parallelism == 0 { u64::MAX } else { budget.parallelism - started };
        let grow = room.min(desired - new - started).min(lanes);
        starting.extend((0..grow).map(|_| now + start));
        assert!(now < 100_000, "the walk does not end");
    }
    unreachable!("time does not end")
}

proptest! {
    /// With equal start times the greedy makespan is the closed form, which is the bound of SEMANTICS:
    /// loose, the number of rounds; strict, the least T with S*floor((T+d)/(s+d)) + U*floor(T/(s+d)) >= D.
    #[test]
    fn the_closed_form_is_the_greedy_makespan(
        desired in 1..30_u64, surge in 0..8_u64, unavailable in 0..8_u64,
        start in 1..9_u64, drain in 0..9_u64, strict in any::<bool>(),
    ) {
        let budget = budget(surge, unavailable.min(desired));
        prop_assume!(0 < budget.surge + budget.unavailable);
        let counting = if strict { Counting::Strict } else { Counting::Loose };
        let prediction = predict(&plan(desired, counting, budget, vec![]), &ticks(start, drain));
        let stage = prediction.stages[0];
        let walked = walk(desired, counting, budget, start, drain);
        prop_assert_eq!((stage.available.as_millis(), stage.moving.as_millis()), walked);
        prop_assert_eq!(stage.moving_bound, stage.moving);
        let least = |time: u64| if strict {
            let cycle = start + drain;
            budget.surge * ((time + drain) / cycle) + budget.unavailable * (time / cycle)
        } else {
            (budget.surge + budget.unavailable) * (time / start)
        };
        let available = stage.available.as_millis();
        prop_assert!(desired <= least(available) && least(available - 1) < desired);
    }

    /// Fewer lanes than room: the walk again, whether or not the lanes fill the room.
    #[test]
    fn lanes_are_predicted_as_walked(
        desired in 1..40_u64, lanes in 1..9_u64, surge in 0..12_u64, unavailable in 0..12_u64,
        start in 1..9_u64, drain in 0..30_u64, strict in any::<bool>(),
    ) {
        let budget = Budget { parallelism: lanes, ..budget(surge, unavailable.min(desired)) };
        prop_assume!(0 < budget.surge + budget.unavailable);
        let counting = if strict { Counting::Strict } else { Counting::Loose };
        let stage = predict(&plan(desired, counting, budget, vec![]), &ticks(start, drain)).stages[0];
        let walked = walk(desired, counting, budget, start, drain);
        prop_assert_eq!((stage.available.as_millis(), stage.moving.as_millis()), walked);
    }

    /// Whatever the numbers, nothing overflows, and no pause or limit makes a plan faster than its bound.
    #[test]
    fn the_bound_is_a_bound(
        desired in 1..=1_u64 << 31, surge in 1..=1_u64 << 31, unavailable in 0..=1_u64 << 31,
        parallelism in 0..=1_u64 << 31, delay in any::<u64>(), start in any::<u64>(), drain in any::<u64>(),
        strict in any::<bool>(),
    ) {
        let budget = Budget {
            parallelism,
            batch_delay: Span::from_millis(delay),
            ..budget(surge, unavailable.min(desired))
        };
        let counting = if strict { Counting::Strict } else { Counting::Loose };
        let prediction = predict(&plan(desired, counting, budget, vec![]), &ticks(start, drain));
        prop_assert!(prediction.bound <= prediction.total);
        prop_assert!(Span::from_millis(start) <= prediction.total);
    }
}

/// `available` and `end` in seconds of 4 instances, 2 s to start and 1 s to go.
fn seconds(counting: Counting, budget: Budget) -> (u64, u64, Binding) {
    let timing = Timing { start_to_available: Span::from_secs(2), drain: Span::from_secs(1) };
    let stage = predict(&plan(4, counting, budget, vec![]), &timing).stages[0];
    (stage.available.as_millis() / 1000, stage.moving.as_millis() / 1000, stage.binding)
}

#[test]
fn parallelism_and_pauses_cost_what_they_cost() {
    let paced = |parallelism, delay| Budget {
        parallelism,
        batch_delay: Span::from_secs(delay),
        ..budget(4, 0)
    };
    // All at once: one start, one drain.
    assert_eq!(seconds(Counting::Strict, paced(0, 0)), (2, 3, Binding::Instance));
    // One start at a time, beside the drains of those before.
    assert_eq!(seconds(Counting::Strict, paced(1, 0)), (8, 9, Binding::Parallelism));
    assert_eq!(seconds(Counting::Loose, paced(1, 0)), (8, 9, Binding::Parallelism));
    // The pause begins when a batch is available, so it hides the drain.
    assert_eq!(seconds(Counting::Strict, paced(1, 10)), (38, 39, Binding::BatchDelay));
    let ordered = Budget { batch_delay: Span::from_secs(10), ..budget(1, 0) };
    assert_eq!(seconds(Counting::Strict, ordered), (38, 39, Binding::BatchDelay));
    let stop_first = Budget { batch_delay: Span::from_secs(10), ..budget(0, 1) };
    assert_eq!(seconds(Counting::Strict, stop_first), (42, 42, Binding::BatchDelay));
    // Two missing, one lane: the first drain, then one start after the other.
    assert_eq!(
        seconds(Counting::Strict, Budget { parallelism: 1, ..budget(0, 2) }),
        (9, 9, Binding::Parallelism)
    );
    assert_eq!(seconds(Counting::Loose, paced(2, 10)), (14, 15, Binding::BatchDelay));
    // One at a time because there is room for one only.
    assert_eq!(seconds(Counting::Strict, budget(1, 0)), (11, 12, Binding::Room));
    assert_eq!(seconds(Counting::Strict, budget(0, 1)), (12, 12, Binding::Room));
}

#[test]
fn gates_add_their_time_and_approvals_are_counted() {
    let gates = vec![
        StageGate::Hold(Span::from_secs(30)),
        StageGate::Approval { deadline: None, on_expiry: crate::spec::Unanswered::Fail },
        StageGate::Health(Span::from_secs(10)),
    ];
    let prediction = predict(&plan(4, Counting::Strict, budget(4, 0), gates), &ticks(2000, 1000));
    assert_eq!(prediction.total, Span::from_secs(43));
    assert_eq!((prediction.approvals, prediction.bound), (1, Span::from_secs(43)));
    assert_eq!(prediction.stages[0].binding, Binding::Approval);
}

#[test]
fn stages_by_weight_grow_then_shrink() {
    let budget = budget(4, 0);
    let mut plan = plan(4, Counting::Strict, budget, vec![]);
    let weighted = |candidate, stable, weight| Stage {
        candidate,
        stable,
        route: StageRoute::Weighted(weight),
        ..plan.stages[0].clone()
    };
    let half = Weight::share(1, 2);
    plan.stages =
        vec![weighted(2, 4, half), weighted(4, 2, Weight::FULL), weighted(4, 0, Weight::FULL)];
    let prediction = predict(&plan, &ticks(2000, 1000));
    let moving: Vec<_> = prediction.stages.iter().map(|stage| stage.moving.as_millis()).collect();
    assert_eq!(moving, [2000, 3000, 1000]);
}

#[test]
fn a_first_deploy_only_starts_and_lanes_beside_stable_do_not_pause() {
    let mut first = plan(4, Counting::Strict, budget(1, 0), vec![]);
    first.remarks.push(Remark::FirstDeploy);
    assert_eq!(predict(&first, &ticks(2000, 1000)).total, Span::from_secs(2));
    let paced = Budget { parallelism: 2, batch_delay: Span::from_secs(10), ..budget(4, 0) };
    let mut beside = plan(4, Counting::Strict, paced, vec![]);
    beside.stages[0].stable = 4;
    beside.stages[0].route = StageRoute::Weighted(Weight::ZERO);
    let prediction = predict(&beside, &ticks(2000, 1000));
    assert_eq!((prediction.total, prediction.bound), (Span::from_secs(4), Span::from_secs(2)));
}
