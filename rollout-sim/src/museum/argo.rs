//! Bugs of Argo Rollouts.

use rollout_core::engine::OrderKind;

use super::{
    BLUE_GREEN, CANARY, Exhibit, HALF, PLAIN, SHRINKING,
    words::{
        abort, crash, emptied, hook, kill, late, order, refused, resize, slow, sluggish, stale,
        submit, truth, unanswered, undo, unready,
    },
};
use crate::{runner::Finish, world::Truth};

const TOLERANT: &str = r#"{"health":{"readiness":{"tcp":{"port":80},"period":"500ms"},"max_failure_ratio":"99%"},"deadlines":{"progress":"20s"}}"#;
const MANUAL: &str =
    r#"{"hooks":{"before_promotion":[{"name":"smoke","run":{},"deadline":"20s"}]}}"#;

pub(super) const HALL: &[Exhibit] = &[
    Exhibit {
        name: "flapping pods keep the deadline away",
        source: "argo-rollouts #3765",
        what: "pods that became ready and crashed in turn reset the progress deadline for ever",
        strategy: CANARY,
        spec: TOLERANT,
        incidents: || vec![truth("v2", Truth::UnreadyAfter { after: 700 })],
        ends: Finish::RolledBack,
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "new pods crash and nothing triggers",
        source: "argo-rollouts #4128",
        what: "neither the abort nor the deadline came when the new pods never started",
        strategy: CANARY,
        spec: TOLERANT,
        incidents: || vec![truth("v2", Truth::CrashesAtStart { after: 300 })],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "progressing for ever after the deadline",
        source: "argo-rollouts #3988",
        what: "the deadline passed and the rollout stayed as it was; the fix was taken back",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::NeverReady)],
        ends: Finish::RolledBack,
        within: 45_000,
        ..PLAIN
    },
    Exhibit {
        name: "the object has been modified",
        source: "argo-rollouts #3080",
        what: "a refused write left the rollout stuck until its controller was restarted",
        strategy: CANARY,
        incidents: || {
            [refused("create web-v2-5 of v2", 4), refused("route 75% to v1, 25% to v2", 4)].concat()
        },
        ..PLAIN
    },
    Exhibit {
        name: "another size while the old set stands by",
        source: "argo-rollouts #3848",
        what: "an autoscaler in the scale-down window left the rollout progressing for ever",
        strategy: BLUE_GREEN,
        incidents: || vec![resize(15_000, 6), resize(18_000, 4)],
        ..PLAIN
    },
    Exhibit {
        name: "blue-green stuck at the switch",
        source: "argo-rollouts #4294",
        what: "a switch whose answer was lost was neither seen to be done nor done again",
        strategy: BLUE_GREEN,
        incidents: || vec![unanswered("route 100% to v2"), crash(5500)],
        ..PLAIN
    },
    Exhibit {
        name: "going back onto one ready pod",
        source: "argo-rollouts #3941",
        what: "a rollback sent all traffic to a set of which one pod was ready",
        strategy: CANARY,
        incidents: || vec![undo(60_000), slow("web-v1-10", 20_000)],
        ..PLAIN
    },
    Exhibit {
        name: "a third revision while the stable set is small",
        source: "argo-rollouts #3372",
        what: "a revision in mid-canary sent all traffic to a stable set that was not scaled up yet",
        strategy: SHRINKING,
        incidents: || vec![submit(9000, "v3")],
        ..PLAIN
    },
    Exhibit {
        name: "four guards wait for each other",
        source: "argo-rollouts #4900",
        what: "an abort with a small stable set waited in a circle: size, weight, readiness, size",
        strategy: SHRINKING,
        incidents: || vec![abort(9000), slow("web-v1-7", 10_000)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "stable scaled down by an autoscaler",
        source: "argo-rollouts #1415",
        what: "another size in mid-canary took pods of the stable set that carried the traffic",
        strategy: CANARY,
        incidents: || vec![resize(4000, 8), resize(5000, 4)],
        ..PLAIN
    },
    Exhibit {
        name: "stable is broken already",
        source: "argo-rollouts #3110",
        what: "a canary that mends a broken stable set could not go on, for stable was not healthy",
        strategy: CANARY,
        incidents: || (1..=4).map(|n| unready(1000, &format!("web-v1-{n}"), 400_000)).collect(),
        lowest: 0,
        lossless: false,
        within: 400_000,
        ..PLAIN
    },
    Exhibit {
        name: "surge ignored beside a router",
        source: "argo-rollouts #3284",
        what: "with traffic routing the surge was not kept to, and a database ran out of connections",
        strategy: r#"{"canary":{"steps":[{"weight":"50%"}],"scale_stable":true,"pace":{"surge":2,"unavailable":0}}}"#,
        ..PLAIN
    },
    Exhibit {
        name: "abort with nothing under way",
        source: "argo-rollouts #1292",
        what: "an abort after the end scaled the stable set to nothing",
        strategy: CANARY,
        incidents: || vec![abort(60_000), abort(61_000)],
        says: &["ordered abort"],
        never: &["aborted: "],
        ..PLAIN
    },
    Exhibit {
        name: "stable gone before the route has moved",
        source: "argo-rollouts #2050",
        what: "the stable set went from 110 to 0 before the traffic had been switched",
        strategy: BLUE_GREEN,
        spec: r#"{"replicas":40}"#,
        incidents: || vec![sluggish("route 100% to v2", 15_000)],
        lowest: 40,
        ..PLAIN
    },
    Exhibit {
        name: "an aborted canary grows again",
        source: "argo-rollouts #4973",
        what: "another size after an abort made the aborted canary anew",
        strategy: CANARY,
        incidents: || vec![abort(4000), resize(40_000, 6)],
        ends: Finish::Completed,
        never: &["create web-v2-11 of v2"],
        says: &["ended: rolled back"],
        ..PLAIN
    },
    Exhibit {
        name: "a share of 95 % that is nobody",
        source: "argo-rollouts, replicas without surge: 95 of 10",
        what: "the step counted as done with no canary at all",
        strategy: r#"{"canary":{"steps":[{"weight":"95%","gates":[{"hold":"1s"}]}],"pace":{"surge":0,"unavailable":1}}}"#,
        spec: r#"{"replicas":10}"#,
        router: None,
        lowest: 9,
        ..PLAIN
    },
    Exhibit {
        name: "weight onto what is not ready",
        source: "argo-rollouts #1663",
        what: "the canary got its weight before any of its pods answered",
        strategy: CANARY,
        incidents: || vec![slow("web-v2-5", 20_000)],
        ..PLAIN
    },
    Exhibit {
        name: "a share in units of a hundred millionth",
        source: "argo-rollouts #3474",
        what: "weights of 1e8 times more than 20 replicas went negative",
        strategy: CANARY,
        spec: r#"{"replicas":44}"#,
        router: Some(100_000_000),
        lowest: 44,
        ..PLAIN
    },
    Exhibit {
        name: "a rollback that ignores its own limit",
        source: "argo-rollouts #786",
        what: "going back took more instances out at once than may be unavailable",
        spec: r#"{"rollback":{"strategy":"rolling"}}"#,
        incidents: || vec![abort(7000)],
        ends: Finish::RolledBack,
        ..PLAIN
    },
    Exhibit {
        name: "the wrong set is scaled down",
        source: "argo-rollouts #1429",
        what: "a smaller size in mid-rollout took the healthy set",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::NeverReady), resize(4000, 3)],
        ends: Finish::RolledBack,
        lowest: 3,
        ..PLAIN
    },
    Exhibit {
        name: "a restart and an update at once",
        source: "argo-rollouts #4221",
        what: "a restart followed by a new revision left fewer pods than the floor",
        incidents: || vec![order(40_000, OrderKind::Restart), submit(42_000, "v3")],
        ..PLAIN
    },
    Exhibit {
        name: "the job whose image could not be pulled",
        source: "argo-rollouts #4602",
        what: "a job of an analysis that never ran counted as a success",
        strategy: CANARY,
        spec: MANUAL,
        incidents: || {
            let runs = ["beforepromotion", "promote", "50"];
            runs.map(|it| hook(&format!("web-1-{it}-0-0-0"), 0, false, true)).to_vec()
        },
        ..PLAIN
    },
    Exhibit {
        name: "a cache that shows what was",
        source: "argo-rollouts #4786",
        what: "a stale informer had the controller act on pods that it had changed itself",
        strategy: CANARY,
        incidents: || [stale("backend", 0, 40, 4000), stale("load balancer", 0, 40, 3000)].concat(),
        ..PLAIN
    },
    Exhibit {
        name: "no delay means no delay",
        source: "argo-rollouts #1375",
        what: "a delay of zero was taken for one that is not given",
        strategy: r#"{"blue_green":{"bake":"0s","standby":"0s"}}"#,
        within: 15_000,
        ..PLAIN
    },
    Exhibit {
        name: "two leaders at once",
        source: "argo-rollouts #1717",
        what: "a leader that had lost its lease went on writing beside the next",
        strategy: CANARY,
        incidents: || vec![late("route 75% to v1, 25% to v2", 12_000), crash(3000)],
        ..PLAIN
    },
    Exhibit {
        name: "retried by itself after an abort",
        source: "argo-rollouts #2929",
        what: "an aborted rollout was tried again without anybody's order",
        strategy: CANARY,
        incidents: || vec![truth("v2", Truth::CrashesAfter { after: 2000 })],
        ends: Finish::RolledBack,
        lossless: false,
        never: &["attempt 2"],
        ..PLAIN
    },
    Exhibit {
        name: "an update in mid-canary",
        source: "argo-rollouts #1852",
        what: "a new revision in mid-canary confused the sizes of both",
        strategy: CANARY,
        incidents: || vec![submit(4000, "v3"), submit(8000, "v4")],
        ..PLAIN
    },
    Exhibit {
        name: "a canary pod dies in its pause",
        source: "argo-rollouts #1268",
        what: "the pause went on and on after a pod of the canary had been replaced",
        strategy: HALF,
        spec: TOLERANT,
        incidents: || vec![kill(3500, "web-v2-5")],
        lossless: false,
        ..PLAIN
    },
    Exhibit {
        name: "the service points nowhere after a restart",
        source: "argo-rollouts #4612",
        what: "the order of traffic and set was lost when the controller started anew",
        strategy: CANARY,
        incidents: || vec![emptied(4000), crash(4100)],
        lowest: 0,
        lossless: false,
        ..PLAIN
    },
];
