//! Bugs of Flagger.

use rollout_core::engine::OrderKind;

use super::{
    BLUE_GREEN, CANARY, Exhibit, PLAIN,
    words::{blind, order, resize, submit, truth, undo, unready},
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "all traffic to the broken copy",
        source: "flagger #1931",
        what: "a failure during the promotion sent all traffic to the broken copy and deleted the other",
        strategy: BLUE_GREEN,
        incidents: || vec![truth("v2", Truth::UnreadyAfter { after: 4000 })],
        ends: Finish::RolledBack,
        lowest: 0,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "no deadline during the promotion",
        source: "flagger #1591",
        what: "a promotion that did not get on was never given up",
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::RolledBack,
        within: 45_000,
        ..PLAIN
    },
    Exhibit {
        name: "the primary is down",
        source: "flagger #639",
        what: "nothing moved while the primary was down, though the canary was to mend it",
        incidents: || (1..=4).map(|n| unready(1000, &format!("web-v1-{n}"), 400_000)).collect(),
        lowest: 0,
        lossless: false,
        within: 400_000,
        ..PLAIN
    },
    Exhibit {
        name: "a read error taken for a new revision",
        source: "flagger #989",
        what: "a config that could not be read began a rollout",
        incidents: || {
            let ports = ["backend", "load balancer", "router"];
            ports.iter().flat_map(|port| blind(port, 0, 12)).collect()
        },
        never: &["attempt 2"],
        ..PLAIN
    },
    Exhibit {
        name: "old evidence for a new revision",
        source: "flagger #30",
        what: "a revision that came in the middle of an analysis was judged on what was measured before",
        strategy: CANARY,
        incidents: || vec![submit(7000, "v3"), truth("v3", Truth::NeverReady)],
        ends: Finish::RolledBack,
        never: &["proven v3"],
        ..PLAIN
    },
    Exhibit {
        name: "back at once while the old one stands by",
        source: "flagger #453",
        what: "there was no way back but a whole new rollout",
        strategy: BLUE_GREEN,
        incidents: || vec![undo(15_000)],
        says: &["route 100% to v1"],
        never: &["create web-v1-9"],
        ..PLAIN
    },
    Exhibit {
        name: "edits in mid-canary",
        source: "flagger #784",
        what: "nobody could say what an edit in the middle of an analysis would do",
        strategy: CANARY,
        incidents: || {
            vec![order(3000, OrderKind::Pause), resize(4000, 6), order(9000, OrderKind::Resume)]
        },
        ..PLAIN
    },
];
