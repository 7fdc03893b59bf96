//! Film: what could be seen of a run, moment by moment.
//!
//! In: the world after each change. Out: counts, shares, requests and delays from each moment to the next, and
//! what became of each instance. Absent: why; that is the transcript's.

use std::collections::BTreeMap;

use rollout_core::{
    engine::{EnrolState, Route},
    id::{InstanceId, RevisionId},
    weight::Weight,
};

use super::{Act, Run};
use crate::world::{Condition, Counts, Delays, Instance, Loss, World};

/// Milliseconds in a second.
const SECOND: u64 = 1000;

/// What could be seen of a run. Times are milliseconds since the order under trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Film {
    /// Every moment at which something changed, in the order of time.
    pub frames: Vec<Frame>,
    /// What became of each instance.
    pub tracks: BTreeMap<InstanceId, Track>,
    /// How long answers took, in each second of it.
    delays: Vec<Delays>,
    /// When it ends.
    pub end: u64,
}

/// One second, as a client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    /// When it begins.
    pub at: u64,
    /// Requests sent in it.
    pub sent: u64,
    /// Requests that failed in it, by [`Loss`].
    pub failed: [u64; Loss::ALL.len()],
    /// The time, in microseconds, that 99 of 100 answers did not take longer than, if there were any.
    pub p99: Option<u64>,
    /// Fewest instances that answered requests.
    pub capacity: u64,
}

/// One moment, and all the time to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it begins.
    pub at: u64,
    /// Instances of each revision.
    pub counts: Vec<Counts>,
    /// Shares of the traffic.
    pub shares: Share,
    /// Requests sent until then.
    pub sent: u64,
    /// Requests that failed until then, by [`Loss`].
    pub failed: [u64; Loss::ALL.len()],
}

impl Frame {
    /// Instances that answer requests, of any revision.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.counts.iter().map(|one| one.in_traffic).sum()
    }

    /// Instances that exist and have not ended.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.counts.iter().map(|one| one.live).sum()
    }

    /// The share of the traffic that a revision gets.
    #[must_use]
    pub fn share_of(&self, revision: &RevisionId) -> Weight {
        match &self.shares {
            Share::Nobody => Weight::ZERO,
            Share::Weighted(weights) => weights.get(revision).copied().unwrap_or(Weight::ZERO),
            Share::ByReplicas => {
                let exposed = |one: &&Counts| one.revision == *revision;
                let of = self.counts.iter().find(exposed).map_or(0, |one| one.exposed);
                let all: u64 = self.counts.iter().map(|one| one.exposed).sum();
                if all == 0 { Weight::ZERO } else { Weight::share(of, all) }
            }
        }
    }
}

/// How the traffic is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Nobody gets any.
    Nobody,
    /// Every instance the same.
    ByReplicas,
    /// By weights.
    Weighted(BTreeMap<RevisionId, Weight>),
}

/// What became of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its revision.
    pub revision: RevisionId,
    /// When it became what.
    pub looks: Vec<(u64, Look)>,
}

/// What an instance looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// It was made and does not answer yet.
    Starting,
    /// It answers, and gets nothing.
    Ready,
    /// It answers, and gets requests.
    Serving,
    /// It gets requests, and does not answer.
    Failing,
    /// It does not answer, and gets nothing.
    Down,
    /// The load balancer takes it out.
    Draining,
    /// It was told to end.
    Stopping,
    /// It has ended, or is gone.
    Gone,
}

impl Look {
    fn of(instance: &Instance, world: &World) -> Self {
        let (now, serves) = (world.now(), instance.serves(world.now()));
        let is_draining = instance.server.is_some_and(|one| one.state == EnrolState::Draining);
        match instance.condition {
            Condition::Exited { .. } | Condition::Gone => Self::Gone,
            Condition::Stopping => Self::Stopping,
            Condition::Created | Condition::Running if is_draining => Self::Draining,
            Condition::Created | Condition::Running => {
                match (serves, world.gets_traffic(instance), instance.has_served(now)) {
                    (true, true, _) => Self::Serving,
                    (true, false, _) => Self::Ready,
                    (false, true, _) => Self::Failing,
                    (false, false, true) => Self::Down,
                    (false, false, false) => Self::Starting,
                }
            }
        }
    }
}

impl Film {
    /// Adds a moment.
    fn take(&mut self, at: u64, world: &World, frame: Frame, delays: &Delays) {
        if let Some(last) = self.frames.last().map(|last| last.at) {
            self.spread(delays, last, at);
            if last == at {
                self.frames.pop();
            }
        }
        self.frames.push(frame);
        for (name, instance) in world.instances() {
            let look = Look::of(instance, world);
            match self.tracks.get_mut(name) {
                Some(track) if track.looks.last().is_some_and(|(_, last)| *last == look) => {}
                Some(track) => track.looks.push((at, look)),
                None if look == Look::Gone => {}
                None => {
                    let revision = instance.revision.clone();
                    let track = Track { revision, looks: vec![(at, look)] };
                    self.tracks.insert(name.clone(), track);
                }
            }
        }
    }

    /// Shares the delays of a time out over its seconds.
    fn spread(&mut self, delays: &Delays, from: u64, to: u64) {
        let mut at = from;
        while at < to {
            let second = at / SECOND;
            let end = ((second + 1) * SECOND).min(to);
            let place = usize::try_from(second).unwrap_or(usize::MAX);
            if self.delays.len() <= place {
                self.delays.resize_with(place + 1, Delays::default);
            }
            self.delays[place].merge(delays, end - at, to - from);
            at = end;
        }
    }

    /// Every whole second, as a client sees it, and the part of one at the end.
    #[must_use]
    pub fn seconds(&self) -> Vec<Second> {
        let mut frames = self.frames.iter().peekable();
        let mut now = frames.peek().copied();
        let mut seconds = Vec::new();
        for place in 0..self.end.div_ceil(SECOND) {
            let (at, end) = (place * SECOND, ((place + 1) * SECOND).min(self.end));
            let (sent, failed) = self.requests_at(at);
            let (sent_then, failed_then) = self.requests_at(end);
            let mut capacity = now.map_or(0, Frame::capacity);
            while let Some(frame) = frames.next_if(|frame| frame.at < end) {
                capacity =
                    if frame.at <= at { frame.capacity() } else { capacity.min(frame.capacity()) };
                now = Some(frame);
            }
            let mut lost = [0; Loss::ALL.len()];
            for (lost, (then, before)) in lost.iter_mut().zip(failed_then.iter().zip(failed)) {
                *lost = then.saturating_sub(before);
            }
            let delays = usize::try_from(place).ok().and_then(|place| self.delays.get(place));
            seconds.push(Second {
                at,
                sent: sent_then.saturating_sub(sent),
                failed: lost,
                p99: delays.and_then(|delays| delays.percentile(99)),
                capacity,
            });
        }
        seconds
    }

    /// Requests sent and failed until a time: between two moments they come evenly.
    fn requests_at(&self, at: u64) -> (u64, [u64; Loss::ALL.len()]) {
        let next = self.frames.partition_point(|frame| frame.at <= at);
        let Some(before) = next.checked_sub(1).map(|place| &self.frames[place]) else {
            return (0, [0; Loss::ALL.len()]);
        };
        let Some(after) = self.frames.get(next) else {
            return (before.sent, before.failed);
        };
        let (part, whole) = (at - before.at, after.at - before.at);
        let between = |from: u64, to: u64| from + (to - from) * part / whole;
        let mut failed = before.failed;
        for (failed, after) in failed.iter_mut().zip(after.failed) {
            *failed = between(*failed, after);
        }
        (between(before.sent, after.sent), failed)
    }

    /// The same, ended at a time.
    pub(super) fn until(mut self, end: u64) -> Self {
        self.end = end;
        self.frames.retain(|frame| frame.at <= end);
        for track in self.tracks.values_mut() {
            track.looks.retain(|(at, _)| *at <= end);
        }
        self.tracks.retain(|_, track| !track.looks.is_empty());
        self
    }
}

impl Run<'_> {
    /// Adds this moment to the film, if one is wanted and the trial has begun.
    pub(super) fn take_frame(&mut self) {
        if self.act == Act::Prologue || self.ended_at.is_some() {
            return;
        }
        let Some(film) = &mut self.film else {
            return;
        };
        let at = self.world.now() - self.began;
        let delays = self.world.take_delays();
        let traffic = self.world.traffic();
        let frame = Frame {
            at,
            counts: self.tally.revisions.clone(),
            shares: match self.world.route() {
                None | Some(Route::ByReplicas) => Share::ByReplicas,
                Some(Route::Empty) => Share::Nobody,
                Some(Route::Weighted(shares)) => Share::Weighted(shares.weights.clone()),
            },
            sent: traffic.sent(),
            failed: Loss::ALL.map(|loss| traffic.failed(loss)),
        };
        film.take(at, &self.world, frame, &delays);
    }
}
