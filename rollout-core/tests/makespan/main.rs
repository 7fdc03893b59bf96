//! How long the real engine takes, beside what it should take.
//!
//! In: grids of rolling updates. Out: for each, the simulated time to the last available candidate and to
//! the end, compared with the closed form of the bound, with a greedy list schedule on the same times (so no
//! allowed slot is ever idle while work waits), and with what the plan predicts. Absent: faults, polling.
//!
//! A pause between batches is a barrier that was asked for: the list schedule keeps it as well.
//!
//! The thin grids run with every test run, the full ones in release mode:
//! `cargo test --release --package rollout-core --test makespan -- --ignored full_grid --nocapture`.

mod bound;
mod counted;
mod drive;
mod grid;
mod named;
mod point;
mod strategies;

use rollout_core::{amount::Amount, spec::Counting};

use crate::{
    bound::{bound, list_schedule},
    counted::Counted,
    grid::{Tally, equal_times, paced, sweep, unpaced},
    named::Named,
    point::{Draw, Point, Times},
};

/// Sizes of the thin grids: all small ones that differ, then round ones and their neighbours.
const THIN: [u64; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 19, 40, 99, 100, 101, 1_000];

fn thin() -> impl Iterator<Item = u64> {
    THIN.into_iter()
}

/// Every size there is, small ones twice.
fn full() -> impl Iterator<Item = u64> {
    (1..=100).chain(1..=1_000)
}

fn equal(name: &'static str, sizes: impl Iterator<Item = u64>, each: u64, least: u64) {
    let (mut tally, mut draw) = (Tally::new(name), Draw::seeded(1));
    sweep(&mut tally, &Counted::default(), sizes, each, |desired, number| {
        (unpaced(&mut draw, desired, number), equal_times(&mut draw))
    });
    tally.end(least);
}

fn at_a_pace(name: &'static str, sizes: impl Iterator<Item = u64>, each: u64, least: u64) {
    let (mut tally, mut draw) = (Tally::new(name), Draw::seeded(2));
    sweep(&mut tally, &Counted::default(), sizes, each, |desired, number| {
        (paced(&mut draw, desired, number), equal_times(&mut draw))
    });
    tally.end(least);
}

fn drawn(name: &'static str, sizes: impl Iterator<Item = u64>, each: u64, least: u64) {
    let (mut tally, mut draw) = (Tally::new(name), Draw::seeded(3));
    sweep(&mut tally, &Counted::default(), sizes, each, |desired, number| {
        let point = match number % 4 {
            0 => paced(&mut draw, desired, number),
            _ => unpaced(&mut draw, desired, number),
        };
        let most = draw.one_of(&[2, 10, 1_000]);
        (point, Times::drawn(&mut draw, desired, most))
    });
    tally.end(least);
}

fn by_name(name: &'static str, sizes: impl Iterator<Item = u64>, each: u64, least: u64) {
    let (mut tally, mut draw) = (Tally::new(name), Draw::seeded(4));
    sweep(&mut tally, &Named::default(), sizes, each, |desired, number| {
        let point = match number % 3 {
            0 => paced(&mut draw, desired, number),
            _ => unpaced(&mut draw, desired, number),
        };
        let times = match draw.between(0, 1) {
            0 => equal_times(&mut draw),
            _ => Times::drawn(&mut draw, desired, 50),
        };
        (point, times)
    });
    tally.end(least);
}

#[test]
fn equal_times_take_the_bound() {
    equal("equal times, thin", thin(), 60, 900);
}

#[test]
fn a_pace_takes_what_is_predicted() {
    at_a_pace("at a pace, thin", thin(), 60, 900);
}

#[test]
fn drawn_times_take_a_greedy_list_schedule() {
    drawn("drawn times, thin", thin(), 30, 450);
}

#[test]
fn single_instances_take_as_long_as_counts() {
    by_name("by name, thin", 1..=12, 12, 140);
}

#[test]
#[ignore = "100,000 rollouts: for release mode"]
fn full_grid_of_equal_times() {
    equal("equal times", full(), 100, 100_000);
}

#[test]
#[ignore = "30,000 rollouts: for release mode"]
fn full_grid_at_a_pace() {
    at_a_pace("at a pace", full(), 30, 30_000);
}

#[test]
#[ignore = "20,000 rollouts: for release mode"]
fn full_grid_of_drawn_times() {
    drawn("drawn times", full(), 20, 20_000);
}

#[test]
#[ignore = "2,400 rollouts with every instance by name: for release mode"]
fn full_grid_by_name() {
    by_name("by name", 1..=40, 60, 2_400);
}

/// That the comparison sees a slot that is left idle: the same rollout with one place fewer.
#[test]
fn an_idle_slot_would_be_seen() {
    let of = |surge| {
        let (surge, none) = (Amount::Count(surge), Amount::Count(0));
        Point::new(100, surge, none, Counting::Strict)
    };
    let times = Times::equal(5, 3);
    let [all, idle] =
        [10, 9].map(|surge| (bound(&of(surge), 5, 3), list_schedule(&of(surge), &times)));
    assert_eq!((all.0, idle.0), (77, 93));
    assert_eq!((all.1.available, idle.1.available), (77, 93));
}
