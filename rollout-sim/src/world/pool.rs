//! One pool of a world that makes instances by count: batches, not single instances, so that a million
//! cost as much as three.

use rollout_core::{engine::PoolSeen, id::ActionId};

use super::life::Life;

/// Instances of one revision, by count.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Size it was told to have.
    pub replicas: u64,
    /// Newest action on it that is known.
    pub newest: ActionId,
    /// Instances that ended by themselves so far.
    pub(super) failed: u64,
    /// Instances that answer, in batches with the time they began to.
    ready: Vec<(u64, u64)>,
    /// Instances that start, in batches with the time they will answer.
    starting: Vec<(u64, u64)>,
    /// Instances that were told to go, in batches with the time they are gone.
    leaving: Vec<(u64, u64)>,
    /// Instances that its last size ended though they answered, in batches with the time they began to.
    cut: Vec<(u64, u64)>,
}

impl Pool {
    /// Instances that answer.
    #[must_use]
    pub fn ready(&self) -> u64 {
        self.ready.iter().map(|(_, count)| count).sum()
    }

    /// Instances that exist and were not told to go.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.ready() + self.starting.iter().map(|(_, count)| count).sum::<u64>()
    }

    /// Instances that were told to go and exist.
    #[must_use]
    pub fn leaving(&self) -> u64 {
        self.leaving.iter().map(|(_, count)| count).sum()
    }

    /// Instances that its last size ended though they answered, of those that did so only after `at`.
    #[must_use]
    pub fn cut_after(&self, at: u64) -> u64 {
        self.cut.iter().filter(|(since, _)| at < *since).map(|(_, count)| count).sum()
    }

    /// Tells it to have `replicas` instances: those that do not answer yet go first.
    pub(super) fn scale(&mut self, replicas: u64, now: u64, life: &Life) {
        let created = self.created();
        if created < replicas {
            let serves = life.serves_after.map_or(super::life::FOR_EVER, |after| now + after);
            self.starting.push((serves, replicas - created));
        }
        let mut surplus = created.saturating_sub(replicas);
        self.cut.clear();
        while 0 < surplus {
            let serves = self.starting.is_empty();
            let batches = if serves { &mut self.ready } else { &mut self.starting };
            let Some((since, count)) = batches.last_mut() else {
                break;
            };
            let part = surplus.min(*count);
            if serves {
                self.cut.push((*since, part));
            }
            *count -= part;
            surplus -= part;
            if *count == 0 {
                batches.pop();
            }
            self.leaving.push((now + life.stops_after, part));
        }
        self.replicas = replicas;
    }

    /// Lets its batches move on.
    pub(super) fn advance(&mut self, now: u64) {
        for batch in self.starting.extract_if(.., |(at, _)| *at <= now) {
            self.ready.push(batch);
        }
        self.leaving.retain(|(at, _)| now < *at);
    }

    /// When it will next change by itself after `now`.
    pub(super) fn next_change(&self, now: u64) -> u64 {
        let batches = self.starting.iter().chain(&self.leaving);
        let next = batches.map(|(at, _)| *at).filter(|at| now < *at).min();
        next.filter(|at| *at < super::life::FOR_EVER).unwrap_or(u64::MAX)
    }

    /// As its orchestrator shows it. `min_ready` is how long ready makes available, in milliseconds.
    #[must_use]
    pub fn seen(&self, now: u64, min_ready: u64) -> PoolSeen {
        let available = self.ready.iter().filter(|(at, _)| at + min_ready <= now);
        PoolSeen {
            replicas: self.replicas,
            created: self.created(),
            ready: self.ready(),
            available: available.map(|(_, count)| count).sum(),
            terminating: self.leaving(),
            failed: 0,
            why: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::life::{Flaw, Manner},
        *,
    };

    #[test]
    fn a_pool_of_a_million_grows_and_shrinks_in_batches() {
        let life = Life {
            serves_after: Some(100),
            crashes_after: None,
            exit_code: 0,
            unready: None,
            errors: 0,
            flaw: Flaw::Constant,
            slowness: 1,
            manner: Manner::Graceful,
            stops_after: 50,
        };
        let mut pool = Pool::default();
        pool.scale(1_000_000, 0, &life);
        assert_eq!((pool.created(), pool.ready()), (1_000_000, 0));
        pool.advance(100);
        assert_eq!(pool.ready(), 1_000_000);
        pool.scale(400_000, 100, &life);
        assert_eq!((pool.ready(), pool.leaving()), (400_000, 600_000));
        pool.advance(150);
        assert_eq!((pool.created(), pool.leaving()), (400_000, 0));
        assert_eq!(pool.seen(150, 60).available, 0);
        assert_eq!(pool.seen(160, 60).available, 400_000);
    }
}
