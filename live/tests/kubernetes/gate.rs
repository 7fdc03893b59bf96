//! A Service that must not be touched: pods are enrolled and drained by a readiness gate.

use std::time::{Duration, Instant};

use rollout_live::{
    bed::{Image, Manners},
    load::{LoadPlan, run},
    place::{Place, Standing, Way},
};
use serde_json::Value;
use tokio::time::sleep;

use crate::{Promise, aborted, deployed_by, holds, rolled_out, rolling};

fn service(place: &Place) -> Value {
    let service = place.kubectl(["get", "service", "web", "-o", "json"]).expect("it is there");
    serde_json::from_str(&service).expect("it is JSON")
}

#[tokio::test]
async fn rolling_by_a_readiness_gate_loses_nothing_and_leaves_the_service_alone() {
    for manners in [Manners::Graceful, Manners::Abrupt] {
        let (place, life) = deployed_by(Way::Gate, "gate", manners).await;
        let before = service(&place);
        holds(&place, Promise::DONE, rolled_out(&place, &life, &rolling())).await;
        assert_eq!(service(&place), before);
    }
}

#[tokio::test]
async fn a_canary_by_a_readiness_gate_that_is_aborted_loses_nothing() {
    let (place, life) = deployed_by(Way::Gate, "gate-abort", Manners::Abrupt).await;
    aborted(&place, &life, Duration::ZERO).await;
}

/// The price of the gate: nobody opens that of a pod which is made while no engine runs.
#[tokio::test]
async fn a_pod_made_while_no_engine_runs_waits_for_one() {
    let (place, life) = deployed_by(Way::Gate, "gate-away", Manners::Graceful).await;
    drop(life);
    let pod = place.kubectl(["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    place.kubectl(["delete", "pod", &pod.expect("there is one")]).expect("it is deleted");
    sleep(Duration::from_secs(6)).await;
    let seen = place.standing().expect("the cluster answers");
    let three = [(Image::V1.version().to_owned(), 3)].into();
    assert_eq!((&seen.serving, seen.others), (&three, 1), "{seen:?}");
    // The others go on serving.
    let plan = LoadPlan { requests: Some(400), ..LoadPlan::strangers() };
    let report = run(place.addr(), plan).await.expect("there is an address");
    assert_eq!(report.all.failed, 0, "{report}");
    let begun = Instant::now();
    let _life = place.engine().await.expect("an engine");
    let wanted = Standing::exactly(Image::V1);
    assert_eq!(place.settled(&wanted).await.expect("the cluster answers"), wanted);
    println!("its gate was opened {:.1} s after an engine began", begun.elapsed().as_secs_f64());
}
