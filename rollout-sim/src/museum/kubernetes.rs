//! Bugs of Kubernetes' own controllers and of operators on it.

use super::{
    BLUE_GREEN, CANARY, Exhibit, PLAIN,
    words::{late, lose, resize, slow, stale, submit, truth, unanswered, unready},
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "no rollback by itself",
        source: "kubernetes #23211",
        what: "a failed rollout stays as it is; going back is left to somebody else",
        incidents: || vec![truth("v2", Truth::CrashesAtStart { after: 100 })],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "no way back from a broken revision",
        source: "kubernetes #67250",
        what: "a set whose new pod never gets ready takes no other revision any more",
        incidents: || vec![truth("v2", Truth::NeverReady), submit(8000, "v3")],
        ..PLAIN
    },
    Exhibit {
        name: "lost requests in a rolling update",
        source: "kubernetes #43576",
        what: "pods were stopped while requests were still sent to them",
        incidents: || stale("load balancer", 0, 30, 2500),
        ..PLAIN
    },
    Exhibit {
        name: "terminating pods are not counted",
        source: "kubernetes #95498",
        what: "pods on their way out did not count against the surge, and the nodes were full",
        ..PLAIN
    },
    Exhibit {
        name: "a surge of zero is not kept to",
        source: "kubernetes #99513",
        what: "with a surge of zero there was one pod more all the same",
        strategy: r#"{"rolling":{"surge":0,"unavailable":1}}"#,
        lowest: 3,
        ..PLAIN
    },
    Exhibit {
        name: "an autoscaler in a rolling update",
        source: "kubernetes #84142",
        what: "the autoscaler took the surge for load and scaled out again and again",
        incidents: || vec![resize(3000, 6), resize(5000, 8), resize(9000, 4)],
        ..PLAIN
    },
    Exhibit {
        name: "the deadline is forgotten after an end",
        source: "kubernetes #78678",
        what: "the progress deadline had no effect on what came after a completed rollout",
        incidents: || vec![submit(60_000, "v3"), truth("v3", Truth::NeverReady)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "a size that is reached already",
        source: "kubernetes #138840",
        what: "a resize to what there was anyway left a mark that stopped the rollout for ever",
        incidents: || vec![resize(3000, 5), resize(3001, 4), resize(4000, 4)],
        ..PLAIN
    },
    Exhibit {
        name: "old pods stay where new ones cannot start",
        source: "kubernetes #64689",
        what: "new pods found no node, and the rollout hung with both",
        incidents: || (5..=6).map(|n| slow(&format!("web-v2-{n}"), 25_000)).collect(),
        within: 180_000,
        ..PLAIN
    },
    Exhibit {
        name: "scaling or progress, nobody can tell",
        source: "kubernetes #11505",
        what: "a canary's progress was not told from another size",
        strategy: CANARY,
        incidents: || vec![resize(3500, 5)],
        ..PLAIN
    },
    Exhibit {
        name: "two of everything",
        source: "kuberay #715",
        what: "a stale cache had an operator make a pod that it had made already",
        incidents: || {
            let mut all = stale("backend", 0, 60, 6000);
            all.push(unanswered("create web-v2-5 of v2"));
            all
        },
        within: 300_000,
        ..PLAIN
    },
    Exhibit {
        name: "two disruptions on one sight",
        source: "opensearch operator #1471",
        what: "a stale look at the quorum let two nodes be taken at once",
        incidents: || {
            let mut all = stale("backend", 0, 60, 5000);
            all.push(lose(3000, "web-v1-4"));
            all
        },
        lowest: 3,
        lossless: false,
        within: 300_000,
        ..PLAIN
    },
    Exhibit {
        name: "two sets of one template",
        source: "kubernetes #40415",
        what: "two replica sets of the same template came to be, each for half of the controllers",
        incidents: || vec![late("create web-v2-5 of v2", 9000), unanswered("start web-v2-5")],
        ..PLAIN
    },
    Exhibit {
        name: "ready at the switch, not after it",
        source: "kubernetes #92267",
        what: "a set that had been ready once was switched to though it was not any more",
        strategy: BLUE_GREEN,
        spec: r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"}}"#,
        incidents: || (5..=7).map(|n| unready(3000, &format!("web-v2-{n}"), 3000)).collect(),
        ..PLAIN
    },
];
