//! The points of the grids, and what is compared at each.

use std::fmt;

use rollout_core::{amount::Amount, spec::Counting};

use crate::{
    bound::{Makespan, bound, list_schedule},
    drive::{Driven, NEW, World},
    point::{Draw, Point, Times, predicted, spec},
};

/// Mismatches that are shown; more would only hide the first.
const SHOWN: usize = 8;

/// Longest prediction error, in milliseconds: one tick of the worlds.
const TICK: u64 = 1;

/// What was compared so far.
#[derive(Debug)]
pub(crate) struct Tally {
    name: &'static str,
    points: u64,
    calls: u64,
    wrong: u64,
    shown: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, points: 0, calls: 0, wrong: 0, shown: Vec::new() }
    }

    /// Compares the makespan of one rollout with `bound` (its last available instance alone), with the list
    /// schedule and with the prediction, as far as they are given.
    pub(crate) fn compare(&mut self, what: &impl fmt::Debug, made: Makespan, with: &Expected) {
        self.points += 1;
        let is_bound = with.bound.is_none_or(|bound| bound == made.available);
        let is_listed = with.listed.is_none_or(|listed| listed == made);
        let is_predicted = with.predicted.is_none_or(|said| {
            said.available.abs_diff(made.available).max(said.end.abs_diff(made.end)) <= TICK
        });
        if is_bound && is_listed && is_predicted {
            return;
        }
        self.wrong += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(format!("{what:?}\n    took {made:?}\n    expected {with:?}"));
        }
    }

    /// Counts calls of the engine.
    pub(crate) fn called(&mut self, calls: u64) {
        self.calls += calls;
    }

    /// Says what was compared.
    ///
    /// # Panics
    ///
    /// If anything differed, or fewer than `least` points were compared.
    #[expect(clippy::print_stdout, reason = "the number of points is the result")]
    pub(crate) fn end(self, least: u64) {
        let Self { name, points, calls, wrong, shown } = self;
        println!("{name}: {points} points, {calls} engine calls, {wrong} differ");
        assert!(shown.is_empty(), "{wrong} of {points} differ, such as\n{}", shown.join("\n"));
        assert!(least <= points, "{points} points are fewer than {least}");
    }
}

/// What a makespan is compared with.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) bound: Option<u64>,
    pub(crate) listed: Option<Makespan>,
    pub(crate) predicted: Option<Makespan>,
}

/// Rolls one point in a copy of `serving` and compares it: by its bound only without a pace, by its
/// prediction only with equal times, by the list schedule always.
pub(crate) fn roll<W: World>(tally: &mut Tally, serving: &Driven<W>, point: &Point, times: &Times) {
    let mut driven = serving.clone();
    let made = driven.roll(NEW, &spec(point.desired, point.strategy()), times);
    tally.called(driven.calls);
    let plan = driven.engine.plan().expect("it was submitted");
    let equal = times.equal_ones();
    let is_unpaced = point.parallelism == 0 && point.batch_delay == 0;
    let expected = Expected {
        bound: equal.filter(|_| is_unpaced).map(|(start, drain)| bound(point, start, drain)),
        listed: Some(list_schedule(point, times)),
        predicted: equal.map(|_| predicted(plan, times)),
    };
    tally.compare(&(point, times), made, &expected);
}

/// Rolls `each` points of every size, drawn by `seed`.
pub(crate) fn sweep<W: World>(
    tally: &mut Tally,
    world: &W,
    sizes: impl Iterator<Item = u64>,
    each: u64,
    mut point_of: impl FnMut(u64, u64) -> (Point, Times),
) {
    for desired in sizes {
        let plain = Point::new(desired, Amount::Count(1), Amount::Count(0), Counting::Loose);
        let serving = Driven::serving(world.clone(), &spec(desired, plain.strategy()));
        for number in 0..each {
            let (point, times) = point_of(desired, number);
            roll(tally, &serving, &point, &times);
        }
    }
}

/// A point of `desired` instances without a pace of its own: each kind of numbers in turn, both ways of
/// counting.
pub(crate) fn unpaced(draw: &mut Draw, desired: u64, number: u64) -> Point {
    let counting = if number.is_multiple_of(2) { Counting::Strict } else { Counting::Loose };
    let percent = |text: &str| text.parse::<Amount>().expect("a percentage");
    let none = Amount::Count(0);
    // Enough that no rollout takes more than some twenty rounds, but for the small ones.
    let least = if desired <= 48 { 1 } else { desired.div_ceil(20) };
    let near =
        [1, desired / 3, desired / 2, desired.div_ceil(2), desired - 1, desired, desired + 1];
    let some = |draw: &mut Draw| draw.between(least, desired.max(least) + 2);
    let (surge, unavailable) = match (number / 2) % 10 {
        0 => draw.one_of(&[
            (percent("25%"), none),
            (none, percent("25%")),
            (percent("25%"), percent("25%")),
            (percent("100%"), none),
            (none, percent("100%")),
            (percent("10%"), percent("5%")),
        ]),
        1 => (draw.percent(5), none),
        2 => (none, draw.percent(5)),
        3 | 4 => (draw.percent(3), draw.percent(3)),
        5 => (Amount::Count(some(draw)), none),
        6 => (none, Amount::Count(some(draw).min(desired))),
        7 => (Amount::Count(some(draw)), Amount::Count(draw.between(0, desired))),
        8 => (
            Amount::Count(draw.one_of(&near).max(least)),
            Amount::Count(draw.between(0, 2).min(desired)),
        ),
        _ => (
            Amount::Count(draw.between(0, 2)),
            Amount::Count(draw.one_of(&near).max(least).min(desired)),
        ),
    };
    Point::new(desired, surge, unavailable, counting)
}

/// A point with parallelism, a pause between batches, or both.
pub(crate) fn paced(draw: &mut Draw, desired: u64, number: u64) -> Point {
    let point = unpaced(draw, desired, number);
    let room = point.surge + point.unavailable;
    let least = if desired <= 48 { 1 } else { desired.div_ceil(20) };
    let pause = |draw: &mut Draw| draw.one_of(&[1, 100, 400, 1_000, 1_001, 5_000, 20_000]);
    let lanes = |draw: &mut Draw| draw.between(least, room.max(least) + 2);
    match draw.between(0, 2) {
        0 => Point { parallelism: lanes(draw), ..point },
        1 => Point { batch_delay: pause(draw), ..point },
        _ => Point { parallelism: lanes(draw), batch_delay: pause(draw), ..point },
    }
}

/// Equal times: drains that take nothing, less than a start, the same, and more.
pub(crate) fn equal_times(draw: &mut Draw) -> Times {
    let start = draw.one_of(&[1, 2, 7, 300, 1_000, 2_500]);
    let drain = match draw.between(0, 5) {
        0 => 0,
        1 => 1,
        2 => start,
        3 => start * draw.between(1, 12),
        _ => draw.between(0, 2 * start),
    };
    Times::equal(start, drain)
}
