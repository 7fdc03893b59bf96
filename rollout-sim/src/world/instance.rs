//! One instance as it truly is, and its entry in the load balancer.

use std::net::IpAddr;

use rollout_core::{
    engine::EnrolState,
    id::{ActionId, RevisionId},
};

use super::life::{FOR_EVER, Life, Manner};

/// One instance as it truly is.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its revision.
    pub revision: RevisionId,
    /// How far it is.
    pub condition: Condition,
    /// Where it answers.
    pub address: IpAddr,
    /// What it will do from its start on.
    pub life: Life,
    /// When it was started; 0 before.
    pub started: u64,
    /// Requests it answered with an error when they were last counted, in a million.
    pub errors: u64,
    /// Its place in the order of all that were made to fill a pool; 0 for one made by name.
    pub birth: u64,
    /// Number of the engine's step from which on it could know that it answers; only where it is in traffic
    /// by itself.
    pub shown_serving: Option<u64>,
    /// When its process ends, if it was told to.
    pub ends: u64,
    /// Newest action on it that the backend knows.
    pub newest: ActionId,
    /// Its entry in the load balancer.
    pub server: Option<Server>,
    /// Newest action on it that the load balancer knows.
    pub newest_enrolment: ActionId,
}

/// How far an instance truly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Made, never started.
    Created,
    /// Its process runs.
    Running,
    /// It was told to end and has not yet.
    Stopping,
    /// Its process has ended.
    Exited {
        /// Exit code.
        code: i64,
        /// Whether somebody asked it to.
        asked: bool,
    },
    /// It exists no more.
    Gone,
}

/// An instance's entry in the load balancer.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Whether new requests may go to it.
    pub state: EnrolState,
    /// Whether it gets any before the next route.
    pub admitted: bool,
    /// When its drain began; 0 if it did not.
    pub drained: u64,
    /// When the last request sent to it is answered.
    pub busy_until: u64,
    /// Requests in flight while busy.
    pub load: u64,
}

impl Instance {
    /// Whether it exists at all.
    #[must_use]
    pub const fn exists(&self) -> bool {
        !matches!(self.condition, Condition::Gone)
    }

    /// Whether it takes up room: it exists and has not ended.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.condition, Condition::Created | Condition::Running | Condition::Stopping)
    }

    /// Whether it runs, was not told to end, and answers.
    #[must_use]
    pub fn serves(&self, now: u64) -> bool {
        matches!(self.condition, Condition::Running) && self.answers(now)
    }

    /// Whether a request sent to it now is answered.
    #[must_use]
    pub fn accepts(&self, now: u64) -> bool {
        match self.condition {
            Condition::Running => self.answers(now),
            Condition::Stopping => self.life.manner == Manner::Ignores && self.answers(now),
            Condition::Created | Condition::Exited { .. } | Condition::Gone => false,
        }
    }

    /// Whether it is past its start and not in a time without answers.
    fn answers(&self, now: u64) -> bool {
        let Some(serves_after) = self.life.serves_after else {
            return false;
        };
        let serves = self.started + serves_after;
        let unready = self
            .life
            .unready
            .is_some_and(|(after, length)| serves + after <= now && now - serves - after < length);
        serves <= now && !unready
    }

    /// Whether it has answered for at least this long, in milliseconds, since its start or its last failure to.
    pub(super) fn answers_for(&self, now: u64, length: u64) -> bool {
        let serves = self.started + self.life.serves_after.unwrap_or(FOR_EVER);
        let back = self.life.unready.map(|(after, length)| serves + after + length);
        let since = back.filter(|at| *at <= now).unwrap_or(serves);
        since + length <= now
    }

    /// Whether the load balancer may send it something new.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.server.is_some_and(|server| server.state == EnrolState::In)
    }

    /// Whether the load balancer is taking it out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.server.is_some_and(|server| server.state == EnrolState::Draining)
    }

    /// Whether it has ever answered.
    #[must_use]
    pub fn has_served(&self, now: u64) -> bool {
        self.started != 0 && self.life.serves_after.is_some_and(|after| self.started + after <= now)
    }

    /// Requests in flight on it.
    #[must_use]
    pub fn in_flight(&self, now: u64) -> u64 {
        match self.server {
            Some(server) if now < server.busy_until => server.load.max(1),
            Some(_) | None => 0,
        }
    }

    /// When it will change by itself after `now`; [`u64::MAX`]: never.
    pub(super) fn next_change(&self, now: u64) -> u64 {
        match self.condition {
            Condition::Exited { .. } if now < self.ends => self.ends,
            Condition::Created | Condition::Exited { .. } | Condition::Gone => u64::MAX,
            Condition::Stopping => self.ends,
            Condition::Running => {
                let mut next = u64::MAX;
                let mut consider = |at: u64| {
                    if now < at && at < FOR_EVER {
                        next = next.min(at);
                    }
                };
                if let Some(after) = self.life.crashes_after {
                    consider(self.started + after);
                }
                if let Some(after) = self.life.serves_after {
                    let serves = self.started + after;
                    consider(serves);
                    if let Some((after, length)) = self.life.unready {
                        consider(serves + after);
                        consider(serves + after + length);
                    }
                }
                next
            }
        }
    }
}
