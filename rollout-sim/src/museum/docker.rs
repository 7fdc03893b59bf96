//! Bugs of what rolls out on plain Docker: docker-rollout, Kamal, Coolify, Dokku, and of load balancers there.

use super::{
    BLUE_GREEN, Exhibit, PLAIN,
    words::{
        abort, crash, kill, late, refused, resize, stale, submit, truth, unanswered, undo, unready,
    },
};
use crate::{runner::Finish, world::Truth};

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "requests cut by the stop",
        source: "docker-rollout #21",
        what: "the old container was stopped while requests were in flight on it",
        ..PLAIN
    },
    Exhibit {
        name: "half of the time the old one",
        source: "docker-rollout #32",
        what: "old and new took turns while the new one was starting",
        strategy: BLUE_GREEN,
        ..PLAIN
    },
    Exhibit {
        name: "containers that remain",
        source: "docker-rollout #25",
        what: "old containers were left behind after the rollout",
        incidents: || {
            vec![unanswered("remove web-v1-1"), unanswered("stop web-v1-2 with 2s grace")]
        },
        ..PLAIN
    },
    Exhibit {
        name: "the old one has exited",
        source: "docker-rollout #20",
        what: "a version that had crashed could not be replaced",
        incidents: || (1..=4).map(|n| kill(1000, &format!("web-v1-{n}"))).collect(),
        lowest: 0,
        lossless: false,
        within: 300_000,
        ..PLAIN
    },
    Exhibit {
        name: "the first one ignores its health check",
        source: "docker-rollout #38",
        what: "the very first deploy was done as soon as the container ran",
        first: true,
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::Failed,
        lowest: 0,
        never: &["proven v2"],
        ..PLAIN
    },
    Exhibit {
        name: "one more or one fewer than wanted",
        source: "docker-rollout #10",
        what: "the number of containers after the rollout was not the one that was asked for",
        incidents: || vec![crash(2500), unanswered("create web-v2-5 of v2")],
        ..PLAIN
    },
    Exhibit {
        name: "another size in the rollout",
        source: "docker-rollout #45",
        what: "a new size and a new version could not be had in one",
        incidents: || vec![resize(1500, 6)],
        ..PLAIN
    },
    Exhibit {
        name: "unhealthy has healthy in it",
        source: "docker-rollout #15",
        what: "the status was matched as text, and `unhealthy` counted as `healthy`",
        incidents: || vec![truth("v2", Truth::UnreadyAfter { after: 0 })],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "two runs at once",
        source: "docker-rollout, measured: 4 of 2",
        what: "a second run beside the first one doubled the containers",
        incidents: || vec![submit(1500, "v2"), submit(1600, "v2"), submit(2000, "v2")],
        ..PLAIN
    },
    Exhibit {
        name: "killed in the middle, doubled for good",
        source: "docker-rollout, measured: a killed run",
        what: "what a killed run left behind was taken for the size that is wanted",
        incidents: || vec![crash(1500), crash(3000), crash(5000)],
        ..PLAIN
    },
    Exhibit {
        name: "a boot that waits for a barrier",
        source: "kamal #1553",
        what: "one at a time and a barrier between the roles waited for each other",
        strategy: r#"{"rolling":{"surge":0,"unavailable":1,"parallelism":1}}"#,
        lowest: 3,
        ..PLAIN
    },
    Exhibit {
        name: "stale containers of a broken deploy",
        source: "kamal #450",
        what: "an interrupted deploy left containers that the next one did not see",
        incidents: || vec![late("create web-v2-5 of v2", 5000), abort(2000), submit(30_000, "v3")],
        ..PLAIN
    },
    Exhibit {
        name: "back to which version",
        source: "kamal #1658",
        what: "going back needed somebody who knew the name of the version before",
        incidents: || vec![undo(60_000)],
        says: &["ordered undo"],
        ..PLAIN
    },
    Exhibit {
        name: "bad gateway in every deploy",
        source: "coolify #8627",
        what: "the load balancer followed container events, and always too late",
        incidents: || stale("backend", 0, 60, 1500),
        ..PLAIN
    },
    Exhibit {
        name: "killed instead of asked",
        source: "coolify #5620",
        what: "the grace of the stop was ignored",
        says: &["with 2s grace"],
        ..PLAIN
    },
    Exhibit {
        name: "new requests for the one that retires",
        source: "dokku #8282",
        what: "the proxy sent new requests to a container on its way out",
        incidents: || vec![late("drain web-v1-4", 3000)],
        ..PLAIN
    },
    Exhibit {
        name: "half deployed and down",
        source: "dokku #5435",
        what: "a deploy that failed in the middle left the app down",
        incidents: || vec![truth("v2", Truth::CrashesAfter { after: 1000 })],
        ends: Finish::RolledBack,
        lowest: 3,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "the old one stays for hours",
        source: "dokku #2979",
        what: "the timer of the retirement was lost with the process that held it",
        strategy: BLUE_GREEN,
        incidents: || vec![crash(15_000), crash(20_000)],
        ..PLAIN
    },
    Exhibit {
        name: "the proxy hears of the death only",
        source: "traefik #11252",
        what: "requests went to a container from its stop signal to its end",
        incidents: || vec![unready(4000, "web-v1-1", 2000)],
        lowest: 3,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "still has connections attached",
        source: "haproxy #2323",
        what: "a server that could not be removed at once failed the whole deploy",
        incidents: || refused("detach web-v1-4", 5),
        ..PLAIN
    },
];
