//! Outages that were made known, and bugs of deployment services of clouds.

use rollout_core::engine::OrderKind;

use super::{
    BLUE_GREEN, CANARY, Exhibit, PLAIN,
    words::{abort, blind, crash, emptied, late, lose, order, stale, submit, truth, unready},
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "an old plan over a newer one",
        source: "AWS, 2025-10-20",
        what: "a delayed enactor applied an old plan over a newer one, and the clean-up emptied it",
        strategy: BLUE_GREEN,
        incidents: || vec![late("route 100% to v2", 20_000), crash(5500), abort(9000)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "one of eight keeps the old code",
        source: "Knight Capital, 2012-08-01",
        what: "the rollout counted as complete while one server still ran the version before",
        spec: r#"{"replicas":8}"#,
        incidents: || vec![late("stop web-v1-8 with 2s grace", 25_000)],
        lowest: 8,
        ..PLAIN
    },
    Exhibit {
        name: "good and bad take turns",
        source: "Cloudflare, 2025-11-18",
        what: "errors that came and went hid a bad version for hours",
        strategy: CANARY,
        incidents: || {
            let flaps = (0..6).map(|turn| unready(3000 + turn * 1500, "web-v2-5", 700));
            flaps.collect()
        },
        ends: Finish::RolledBack,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "what harms after it stopped reporting",
        source: "CrowdStrike, 2024-07-19",
        what: "a version that took its hosts down reached all of them, for none could report any more",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::CrashesAfter { after: 500 })],
        ends: Finish::RolledBack,
        lossless: false,
        never: &["50% to v2"],
        ..PLAIN
    },
    Exhibit {
        name: "one command drops the backbone",
        source: "Facebook, 2021-10-04",
        what: "one maintenance command took everything, and the tool that should refuse it did not",
        incidents: || {
            vec![
                order(5000, OrderKind::Resize { replicas: 0 }),
                order(5100, OrderKind::Skip { to: "nowhere".to_owned() }),
            ]
        },
        says: &["order refused"],
        ..PLAIN
    },
    Exhibit {
        name: "the red button works at once",
        source: "Google Cloud, 2025-06-12",
        what: "it took forty minutes to stop what was going wrong",
        strategy: CANARY,
        incidents: || vec![order(3000, OrderKind::Halt), order(40_000, OrderKind::Resume)],
        ..PLAIN
    },
    Exhibit {
        name: "changed behind its back",
        source: "Heroku, 2025-06-10",
        what: "hosts were changed by somebody else in the middle of everything",
        incidents: || vec![lose(3000, "web-v1-1"), emptied(4000), lose(7000, "web-v2-5")],
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"}}"#,
        lowest: 0,
        lossless: false,
        within: 300_000,
        ..PLAIN
    },
    Exhibit {
        name: "blind in the middle of it",
        source: "Datadog, 2023-03-08",
        what: "what should have watched went down with what it watched",
        incidents: || {
            let ports = ["backend", "load balancer", "router"];
            ports.iter().flat_map(|port| blind(port, 3000, 50)).collect()
        },
        within: 300_000,
        ..PLAIN
    },
    Exhibit {
        name: "the fix goes the same way",
        source: "Cloudflare, 2025-12-05",
        what: "the way out went everywhere at once, past all steps",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::CrashesAfter { after: 500 }), submit(60_000, "v3")],
        lossless: false,
        says: &["75% to v1, 25% to v3"],
        ..PLAIN
    },
    Exhibit {
        name: "the breaker does not see who ends",
        source: "containers-roadmap #1206",
        what: "tasks that ended by themselves with code 1 did not count as failures",
        incidents: || vec![truth("v2", Truth::CrashesAtStart { after: 20 })],
        ends: Finish::RolledBack,
        within: 10_000,
        ..PLAIN
    },
    Exhibit {
        name: "failed, and stays so",
        source: "containers-roadmap #1488",
        what: "the breaker opened and nothing was rolled back",
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::RolledBack,
        within: 45_000,
        ..PLAIN
    },
    Exhibit {
        name: "stale everywhere, for a long time",
        source: "Anvil, OSDI 2024",
        what: "controllers that act on old views break their bounds",
        strategy: CANARY,
        incidents: || {
            let ports = ["backend", "load balancer", "router"];
            ports.iter().flat_map(|port| stale(port, 0, 60, 2500)).collect()
        },
        within: 300_000,
        ..PLAIN
    },
];
