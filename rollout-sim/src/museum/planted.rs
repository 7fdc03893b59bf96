//! Exhibits and planted bugs: which bug of [`crate::saboteur`] is of the same kind.
//!
//! In: an exhibit. Out: the name of a planted bug that does to our engine what happened there, to be found by the
//! search that knows nothing of it. Where nothing of the kind can be planted, why not.

use super::Exhibit;

/// Planted bugs, and the exhibits of the same kind.
const PLANTED: &[(&str, &[&str])] = &[
    (
        "never turns back by itself",
        &[
            "flapping pods keep the deadline away",
            "new pods crash and nothing triggers",
            "progressing for ever after the deadline",
            "stable is broken already",
            "no deadline during the promotion",
            "the primary is down",
            "no rollback by itself",
            "no way back from a broken revision",
            "the deadline is forgotten after an end",
            "old pods stay where new ones cannot start",
            "one canary that cannot start",
            "replaced, and never promoted",
            "good and bad take turns",
            "what harms after it stopped reporting",
            "the breaker does not see who ends",
            "failed, and stays so",
            "no room for one more",
        ],
    ),
    (
        "swallows answers",
        &[
            "the object has been modified",
            "another size while the old set stands by",
            "blue-green stuck at the switch",
            "four guards wait for each other",
            "a canary pod dies in its pause",
            "a boot that waits for a barrier",
            "still has connections attached",
            "a size that is reached already",
            "scaling or progress, nobody can tell",
            "updating for hours",
            "an update that waits for its own task",
        ],
    ),
    (
        "takes healthy ones on the way back",
        &[
            "stable scaled down by an autoscaler",
            "abort with nothing under way",
            "the wrong set is scaled down",
            "healthy tasks killed before the stable ones are up",
            "the good one is killed on the way back",
            "a rollback that replaces what is healthy",
        ],
    ),
    (
        "makes one instance more",
        &[
            "surge ignored beside a router",
            "no delay means no delay",
            "one more or one fewer than wanted",
            "two runs at once",
            "killed in the middle, doubled for good",
            "terminating pods are not counted",
            "a surge of zero is not kept to",
            "an autoscaler in a rolling update",
            "two of everything",
            "two sets of one template",
        ],
    ),
    (
        "raises the route before there is capacity",
        &[
            "going back onto one ready pod",
            "a third revision while the stable set is small",
            "all traffic to the broken copy",
            "back at once while the old one stands by",
            "stable gone before the route has moved",
            "a share of 95 % that is nobody",
            "weight onto what is not ready",
            "downtime with canaries",
        ],
    ),
    (
        "says that it is back before it is",
        &[
            "an aborted canary grows again",
            "retried by itself after an abort",
            "a failed version comes back by a migration",
            "five of one, for thirty hours",
        ],
    ),
    (
        "shares out less than all of the traffic",
        &["a share in units of a hundred millionth", "the service points nowhere after a restart"],
    ),
    (
        "takes out one instance more",
        &[
            "a rollback that ignores its own limit",
            "a restart and an update at once",
            "half deployed and down",
            "two disruptions on one sight",
            "one command drops the backbone",
            "the old one goes before the new one is up",
        ],
    ),
    ("passes the gate of a hook without a run", &["the job whose image could not be pulled"]),
    (
        "takes an old look at the fleet for a new one",
        &[
            "a cache that shows what was",
            "blind in the middle of it",
            "stale everywhere, for a long time",
        ],
    ),
    ("ignores the epoch", &["two leaders at once"]),
    (
        "goes on past the gates of a stage",
        &[
            "an update in mid-canary",
            "old evidence for a new revision",
            "edits in mid-canary",
            "a revert in the steps of a canary",
            "monitored for less than it takes",
        ],
    ),
    (
        "stops instead of draining",
        &[
            "requests cut by the stop",
            "killed instead of asked",
            "lost requests in a rolling update",
        ],
    ),
    (
        "takes unhealthy for healthy",
        &[
            "half of the time the old one",
            "the first one ignores its health check",
            "unhealthy has healthy in it",
            "ready at the switch, not after it",
        ],
    ),
    (
        "says that it is complete before it is",
        &[
            "containers that remain",
            "the old one has exited",
            "stale containers of a broken deploy",
            "progress without a healthy one",
            "one of eight keeps the old code",
        ],
    ),
    (
        "goes to the last stage when it is resized",
        &["another size in the rollout", "an autoscaler takes the canary's mark"],
    ),
    ("drops the stable revision from the history", &["back to which version"]),
    (
        "takes out at once instead of draining",
        &[
            "bad gateway in every deploy",
            "new requests for the one that retires",
            "the proxy hears of the death only",
            "stays in rotation while it is shut down",
        ],
    ),
    ("forgets to write a record", &["the old one stays for hours"]),
    (
        "takes a look that failed for an empty fleet",
        &["a read error taken for a new revision", "changed behind its back"],
    ),
    ("puts an old route over a newer one", &["an old plan over a newer one"]),
    ("attempts an action while halted", &["the red button works at once"]),
    ("gives the candidate twice its share", &["the fix goes the same way"]),
    ("makes the failed revision the stable one", &["a resume forgets where to go back to"]),
];

/// Exhibits that nothing was planted for, and why.
const NOT_PLANTED: &[(&str, &str)] = &[
    ("a pause in a rolling update", "what was missing there is an order, and it is here"),
    ("rolled back for no given reason", "no record of a turn back can be made without its cause"),
];

/// The planted bug of the same kind, or why there is none.
#[must_use]
pub fn planted_as(exhibit: &Exhibit) -> &'static str {
    let planted = PLANTED.iter().find(|(_, names)| names.contains(&exhibit.name));
    let excused = NOT_PLANTED.iter().find(|(name, _)| *name == exhibit.name);
    planted.map_or_else(|| excused.map_or("", |(_, why)| why), |(bug, _)| bug)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{museum::exhibits, saboteur};

    #[test]
    fn every_exhibit_is_planted_or_says_why_not() {
        for exhibit in exhibits() {
            assert_ne!(planted_as(&exhibit), "", "{}", exhibit.name);
        }
        let known: BTreeSet<&str> = exhibits().iter().map(|exhibit| exhibit.name).collect();
        let bugs: BTreeSet<&str> = saboteur::all().iter().map(|bug| bug.name()).collect();
        for (bug, names) in PLANTED {
            assert!(bugs.contains(bug), "there is no planted bug `{bug}`");
            for name in *names {
                assert!(known.contains(name), "there is no exhibit `{name}`");
            }
        }
    }
}
