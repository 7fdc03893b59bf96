//! What one lease means for one copy: a pure answer.

use std::time::Duration;

/// A lease as one copy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who has it; `None` if nobody does.
    pub holder: Option<String>,
    /// How often it has changed hands: the epoch of its holder.
    pub transitions: u64,
    /// How long it holds without being renewed.
    pub length: Duration,
    /// The object's version when it was read.
    pub version: String,
    /// Since when it has not changed, on this copy's steady clock.
    pub since: Duration,
}

/// What to do with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take it, with this epoch.
    Acquire {
        /// One above that of the holder before.
        epoch: u64,
    },
    /// Write it again: it is mine.
    Renew,
    /// Somebody else has it; ask again then, on the steady clock.
    Wait {
        /// When it is over if it is not renewed.
        until: Duration,
    },
    /// It was mine and is not any more: stop what it allowed.
    Lost,
}

/// Answers what `me` does with `lease` at `now` on its steady clock. `held` is the epoch under which it
/// believes to have it.
#[must_use]
pub fn evaluate(lease: Option<&Seen>, me: &str, held: Option<u64>, now: Duration) -> Decision {
    let Some(lease) = lease else {
        // It was deleted under its holder: whoever comes next begins a new line.
        return if held.is_some() { Decision::Lost } else { Decision::Acquire { epoch: 1 } };
    };
    let next = Decision::Acquire { epoch: lease.transitions + 1 };
    let over = lease.since + lease.length;
    let is_over = over <= now;
    match (&lease.holder, held) {
        (Some(holder), Some(epoch)) if holder == me && lease.transitions == epoch && !is_over => {
            Decision::Renew
        }
        (_, Some(_)) => Decision::Lost,
        // Mine by name, from a run before: begin anew, so that what that run left is fenced off.
        (Some(holder), None) if holder == me => next,
        (Some(_), None) if !is_over => Decision::Wait { until: over },
        (Some(_) | None, None) => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(15);

    fn seen(holder: Option<&str>, since: u64) -> Seen {
        Seen {
            holder: holder.map(str::to_owned),
            transitions: 7,
            length: LENGTH,
            version: "1".to_owned(),
            since: Duration::from_secs(since),
        }
    }

    fn at(lease: Option<&Seen>, held: Option<u64>, now: u64) -> Decision {
        evaluate(lease, "me", held, Duration::from_secs(now))
    }

    #[test]
    fn every_case_has_its_answer() {
        let (mine, other, nobody) = (seen(Some("me"), 10), seen(Some("you"), 10), seen(None, 10));
        let next = Decision::Acquire { epoch: 8 };
        let cases = [
            ("none yet", at(None, None, 11), Decision::Acquire { epoch: 1 }),
            ("deleted under me", at(None, Some(7), 11), Decision::Lost),
            ("free", at(Some(&nobody), None, 11), next),
            ("free, and I believed otherwise", at(Some(&nobody), Some(7), 11), Decision::Lost),
            ("mine", at(Some(&mine), Some(7), 24), Decision::Renew),
            ("mine, not renewed in time", at(Some(&mine), Some(7), 25), Decision::Lost),
            ("mine from a run before", at(Some(&mine), None, 11), next),
            ("mine in a later reign", at(Some(&mine), Some(6), 11), Decision::Lost),
            (
                "another's",
                at(Some(&other), None, 24),
                Decision::Wait { until: Duration::from_secs(25) },
            ),
            ("another's, over", at(Some(&other), None, 25), next),
            ("taken from me", at(Some(&other), Some(7), 11), Decision::Lost),
        ];
        for (name, found, wanted) in cases {
            assert_eq!(found, wanted, "{name}");
        }
    }

    #[test]
    fn two_copies_that_see_the_same_never_both_hold() {
        // One believes as long as the other waits: both bounds are the same instant of the same sight.
        for now in 10..40 {
            let mine = at(Some(&seen(Some("me"), 10)), Some(7), now) == Decision::Renew;
            let theirs =
                evaluate(Some(&seen(Some("me"), 10)), "you", None, Duration::from_secs(now));
            assert_ne!(mine, matches!(theirs, Decision::Acquire { .. }), "at {now}");
        }
    }
}
