//! What a rollout should take, worked out without the engine: closed forms for equal times, a greedy list
//! schedule for any times.
//!
//! Both see a rollout as two kinds of tokens. A *place* lets one candidate instance start; it becomes a
//! *spare* when that instance is available. A spare lets one old instance go; it becomes a place again when
//! that instance is gone (strict counting) or told to go (loose). At the start there are `surge` places and
//! `unavailable` spares.

use std::{cmp::Reverse, collections::BinaryHeap};

use rollout_core::spec::Counting;

use crate::point::{Point, Times};

/// When the last candidate was available and when the last old instance was gone, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Makespan {
    pub(crate) available: u64,
    pub(crate) end: u64,
}

/// The least time to the last available candidate with equal times and no pace but surge and unavailable:
/// loose ⌈D/(S+U)⌉·s; strict the least T with S·⌊(T+d)/(s+d)⌋ + U·⌊T/(s+d)⌋ ≥ D.
pub(crate) fn bound(point: &Point, start: u64, drain: u64) -> u64 {
    let Point { desired, surge, unavailable, .. } = *point;
    match point.counting {
        Counting::Loose => desired.div_ceil(surge + unavailable) * start,
        Counting::Strict => {
            let cycle = start + drain;
            let made = |time: u64| surge * ((time + drain) / cycle) + unavailable * (time / cycle);
            let (mut short, mut enough) = (0, desired * cycle);
            while short + 1 < enough {
                let middle = short.midpoint(enough);
                if made(middle) < desired {
                    short = middle;
                } else {
                    enough = middle;
                }
            }
            enough
        }
    }
}

/// The greedy list schedule: whatever may start or go does so at once, in the order of the drawn times.
pub(crate) fn list_schedule(point: &Point, times: &Times) -> Makespan {
    let Point { desired, parallelism, batch_delay, .. } = *point;
    let (mut places, mut spares) = (free(point.surge), free(point.unavailable));
    let mut lanes = free(if parallelism == 0 { desired } else { parallelism });
    let batch = match batch_delay {
        0 => desired,
        _ => (point.surge + point.unavailable).min(lanes.len() as u64),
    };
    let mut made = Makespan { available: 0, end: 0 };
    let (mut started, mut gone, mut opens) = (0, 0, 0);
    while started < desired {
        let until = desired.min(started + batch);
        while started < until || gone < until {
            let start = earliest(&places).zip(earliest(&lanes)).filter(|_| started < until);
            let start = start.map(|(place, lane)| place.max(lane).max(opens));
            let goes = earliest(&spares).filter(|_| gone < until).map(|spare| spare.max(opens));
            if let Some(at) = start.filter(|at| goes.is_none_or(|goes| *at <= goes)) {
                places.pop();
                lanes.pop();
                let available = at + times.start(started);
                spares.push(Reverse(available));
                lanes.push(Reverse(available));
                made.available = made.available.max(available);
                started += 1;
            } else {
                let at = goes.expect("places and spares are never both used up");
                spares.pop();
                let ends = at + times.drain(gone);
                places.push(Reverse(if point.counting == Counting::Loose { at } else { ends }));
                made.end = made.end.max(ends);
                gone += 1;
            }
        }
        opens = made.available + batch_delay;
    }
    made.end = made.end.max(made.available);
    made
}

type Tokens = BinaryHeap<Reverse<u64>>;

fn free(count: u64) -> Tokens {
    (0..count).map(|_| Reverse(0)).collect()
}

fn earliest(tokens: &Tokens) -> Option<u64> {
    tokens.peek().map(|Reverse(at)| *at)
}
