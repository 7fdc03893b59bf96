//! Bugs of Docker Swarm.

use rollout_core::engine::OrderKind;

use super::{
    Exhibit, PLAIN,
    words::{crash, order, refused, slow, stale, truth, unanswered, undo},
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "the good one is killed on the way back",
        source: "moby #37972",
        what: "the automatic rollback did not come, and the good container was killed",
        incidents: || vec![truth("v2", Truth::UnreadyAfter { after: 1500 })],
        ends: Finish::RolledBack,
        lowest: 3,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "a rollback that replaces what is healthy",
        source: "moby #43081",
        what: "going back after a start-first update restarted tasks of the old version that were well",
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::RolledBack,
        never: &["create web-v1", "drain web-v1"],
        ..PLAIN
    },
    Exhibit {
        name: "stays in rotation while it is shut down",
        source: "moby #38841",
        what: "the virtual address went on sending to a task that was ending",
        incidents: || stale("load balancer", 0, 30, 3000),
        ..PLAIN
    },
    Exhibit {
        name: "updating for hours",
        source: "moby #35564",
        what: "an update whose manager had moved stayed in `updating` for hours",
        incidents: || vec![crash(2000), crash(4000), crash(6000), unanswered("drain web-v1-4")],
        ..PLAIN
    },
    Exhibit {
        name: "a resume forgets where to go back to",
        source: "moby #37693",
        what: "resuming a paused update made the broken version the one to go back to",
        spec: r#"{"rollback":{"on_failure":"pause"}}"#,
        incidents: || {
            vec![
                truth("v2", Truth::NeverReady),
                order(40_000, OrderKind::Resume),
                order(75_000, OrderKind::Abort),
            ]
        },
        ends: Finish::RolledBack,
        says: &["rolled back"],
        ..PLAIN
    },
    Exhibit {
        name: "rolled back for no given reason",
        source: "moby #36782",
        what: "`update rolled back due to failure`, and no word on which one",
        incidents: || vec![truth("v2", Truth::CrashesAtStart { after: 50 })],
        ends: Finish::RolledBack,
        says: &[
            "aborted: 1 of 4 candidate instances failed; the last one exited by itself with code 1",
        ],
        ..PLAIN
    },
    Exhibit {
        name: "monitored for less than it takes",
        source: "docker/for-linux #576",
        what: "a task that failed after the monitoring period was taken for a success",
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"min_ready":"3s"}}"#,
        incidents: || vec![truth("v2", Truth::UnreadyAfter { after: 2000 })],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "the old one goes before the new one is up",
        source: "moby #35881",
        what: "old containers were killed before the new one had been initialised",
        incidents: || vec![slow("web-v2-5", 20_000)],
        ..PLAIN
    },
    Exhibit {
        name: "five of one, for thirty hours",
        source: "dokploy #3810",
        what: "a paused update kept its extra task for ever",
        spec: r#"{"rollback":{"on_failure":"pause"}}"#,
        incidents: || {
            vec![truth("v2", Truth::CrashesAtStart { after: 50 }), order(20_000, OrderKind::Abort)]
        },
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "no room for one more",
        source: "moby #40797",
        what: "start-first on a full node waited without a word",
        incidents: || refused("create web-v2-5 of v2", 6),
        says: &["too busy"],
        ..PLAIN
    },
    Exhibit {
        name: "an update that waits for its own task",
        source: "swarmkit #486",
        what: "the updater waited for ever for a task that would never come",
        incidents: || vec![truth("v2", Truth::NeverReady), undo(50_000)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
];
