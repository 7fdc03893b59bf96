//! Bugs of Nomad.

use rollout_core::engine::OrderKind;

use super::{
    CANARY, Exhibit, HALF, PLAIN,
    words::{abort, kill, lose, order, resize, truth, unready},
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "a revert in the steps of a canary",
        source: "nomad #10882",
        what: "going back went through the canary phase and waited to be promoted",
        strategy: r#"{"canary":{"steps":[{"weight":"25%","gates":[{"approval":{}}]}]}}"#,
        incidents: || vec![abort(10_000)],
        ends: Finish::RolledBack,
        within: 15_000,
        ..PLAIN
    },
    Exhibit {
        name: "one canary that cannot start",
        source: "nomad #10465",
        what: "a canary with an error for good stalled the deployment without end",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::CrashesAtStart { after: 10 })],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "healthy tasks killed before the stable ones are up",
        source: "nomad #3836",
        what: "the automatic revert killed what served before the stable version was started",
        incidents: || vec![abort(8000)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "replaced, and never promoted",
        source: "nomad #8150",
        what: "a canary that was replaced properly was never counted as healthy",
        strategy: HALF,
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"}}"#,
        incidents: || vec![kill(3000, "web-v2-5")],
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "an autoscaler takes the canary's mark",
        source: "nomad #20295",
        what: "another size in mid-canary lost which ones are canaries, and nothing moved any more",
        strategy: CANARY,
        incidents: || vec![resize(3500, 8)],
        ..PLAIN
    },
    Exhibit {
        name: "progress without a healthy one",
        source: "nomad #19269",
        what: "a deployment went on though none of its allocations was healthy",
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"},"deadlines":{"progress":"15s"}}"#,
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::RolledBack,
        never: &["retired web-v1-2"],
        ..PLAIN
    },
    Exhibit {
        name: "a failed version comes back by a migration",
        source: "nomad #5619",
        what: "what had failed as a canary was placed again when its node was drained",
        strategy: CANARY,
        incidents: || vec![abort(5000), lose(40_000, "web-v1-1"), resize(50_000, 5)],
        lowest: 3,
        lossless: false,
        never: &["create web-v2-7"],
        ..PLAIN
    },
    Exhibit {
        name: "downtime with canaries",
        source: "nomad #4672",
        what: "old allocations went while the canaries still started",
        strategy: HALF,
        incidents: || vec![unready(2500, "web-v2-5", 1000)],
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"}}"#,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "a pause in a rolling update",
        source: "nomad #12132",
        what: "there was no way to hold a rolling update where it was",
        incidents: || vec![order(4000, OrderKind::Pause), order(30_000, OrderKind::Resume)],
        ..PLAIN
    },
];
