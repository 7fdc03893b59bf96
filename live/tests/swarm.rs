//! Docker's own rolling update under the same load, on the same image and machine: the figure to compare
//! with. It asserts that the update was real; what it costs is printed, not promised.

use std::{sync::Arc, time::Duration};

use rollout_live::{
    bed::{Bed, Image},
    load::{Load, LoadPlan},
    swarm::Swarm,
};

#[tokio::test]
async fn swarm_replaces_four_tasks_one_at_a_time() {
    let bed = Bed::start().unwrap();
    let haproxy = Arc::new(bed.haproxy().unwrap());
    let swarm = Swarm::start(&bed, &haproxy, Image::V1, 4).unwrap();
    let load = Load::start(haproxy.addr(), LoadPlan::until_stopped()).unwrap();
    load.reached(400).await;
    assert_eq!(load.failed(), 0, "four healthy tasks lose nothing");
    let took = swarm.update(Image::V2).unwrap();
    // Swarm says so before the last old task is gone.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let report = load.stop_and_finish().await;
    println!("docker service update: {:.1} s; {report}", took.as_secs_f64());
    let last = report.timeline.iter().rev().nth(2).expect("the load lasted for seconds");
    assert_eq!(last.versions.keys().collect::<Vec<_>>(), ["v2"], "{report}");
    assert!(Duration::from_secs(4) < took, "four tasks need four health checks: {took:?}");
}
