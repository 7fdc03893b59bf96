//! Time: the wall clock as it was at the start, plus what a steady clock has counted since.
//!
//! Absent: jumps. A wall clock that is set while a rollout runs neither shortens nor repeats a wait.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use rollout_core::{
    port::Clock,
    time::{Span, Timestamp},
};
use tokio::time::Instant;

/// The clock of the machine; under tokio's paused time, a virtual one.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    wall: Timestamp,
    started: Instant,
}

impl SystemClock {
    /// A clock that reads the wall once, now.
    #[must_use]
    pub fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::starting_at(Timestamp(whole_millis(wall)))
    }

    /// A clock that shows `wall` now.
    #[must_use]
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { wall, started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed = whole_millis(self.started.elapsed());
        self.wall.after(Span::from_millis(passed))
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.since(self.wall).to_std();
        match self.started.checked_add(wait) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time of one reign: the clock's, moved forward if the journal is ahead of it, so that time
/// never steps back from one run to the next.
#[derive(Clone)]
pub(crate) struct ReignTime {
    clock: Arc<dyn Clock>,
    ahead: Span,
}

impl ReignTime {
    /// The clock's time, or `last` going on from here if the clock is behind it.
    pub(crate) fn after(clock: Arc<dyn Clock>, last: Timestamp) -> Self {
        let ahead = last.since(clock.now());
        Self { clock, ahead }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().after(self.ahead)
    }

    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        let at = Timestamp(at.0.saturating_sub(self.ahead.as_millis()));
        self.clock.sleep_until(at).await;
    }

    /// Waits `span` from now.
    pub(crate) async fn sleep(&self, span: Span) {
        self.sleep_until(self.now().after(span)).await;
    }

    /// Returns what `future` returns, or `None` if it takes longer than `limit`.
    pub(crate) async fn within<T>(
        &self,
        limit: Span,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            value = future => Some(value),
            () = self.sleep(limit) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_ends_at_the_time_asked_for() {
        let clock = SystemClock::starting_at(Timestamp(1_000));
        clock.sleep_until(Timestamp(1_250)).await;
        assert_eq!(clock.now(), Timestamp(1_250));
        clock.sleep_until(Timestamp(7)).await;
        assert_eq!(clock.now(), Timestamp(1_250), "the past is not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_behind_the_journal_goes_on_from_the_journal() {
        let clock = Arc::new(SystemClock::starting_at(Timestamp(1_000)));
        let time = ReignTime::after(clock, Timestamp(5_000));
        assert_eq!(time.now(), Timestamp(5_000));
        time.sleep(Span::from_millis(20)).await;
        assert_eq!(time.now(), Timestamp(5_020));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_given_up() {
        let time = ReignTime::after(Arc::new(SystemClock::new()), Timestamp(0));
        let began = time.now();
        let limit = Span::from_millis(30);
        assert_eq!(time.within(limit, async { 7 }).await, Some(7));
        assert_eq!(time.within(limit, std::future::pending::<u8>()).await, None);
        assert_eq!(time.now().since(began), limit);
    }
}
