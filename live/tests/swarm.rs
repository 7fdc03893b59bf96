//! Docker's own rolling update under the same load, on the same image and machine: the figure to compare
//! with. It asserts that the update was real; what it costs is printed, not promised.

use std::{sync::Arc, time::Duration};

use rollout_live::{
    bed::{Bed, Image, Manners},
    swarm::Swarm,
};

#[tokio::test]
async fn swarm_replaces_four_tasks_one_at_a_time() {
    let bed = Bed::start().unwrap();
    let haproxy = Arc::new(bed.haproxy().unwrap());
    let swarm = Swarm::start(&bed, &haproxy, Manners::Graceful).unwrap();
    let (took, report) = swarm.update_under_load(&haproxy, Image::V2).await.unwrap();
    println!("docker service update: {:.1} s; {report}", took.as_secs_f64());
    let last = report.timeline.iter().rev().nth(2).expect("the load lasted for seconds");
    assert_eq!(last.versions.keys().collect::<Vec<_>>(), ["v2"], "{report}");
    assert!(Duration::from_millis(1_500) < took, "three delays lie between four tasks: {took:?}");
}
