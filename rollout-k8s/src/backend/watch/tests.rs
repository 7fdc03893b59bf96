//! What is known follows from what was heard, in whatever order it came.

use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kube::runtime::watcher::Event;
use rollout_core::id::{Epoch, Mark, RevisionId};
use serde_json::json;

use super::{super::facts::Facts as _, *};

fn set(version: u64, generation: i64, observed: i64, replicas: i32) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {
            "name": "web-v1", "namespace": "prod", "uid": "s", "resourceVersion": version.to_string(),
            "generation": generation,
            "labels": { "rollout-engine.dev/workload": "web", "rollout-engine.dev/revision": "v1" },
            "annotations": { "rollout-engine.dev/epoch": "3" },
        },
        "spec": { "replicas": replicas, "selector": {} },
        "status": { "replicas": 0, "observedGeneration": observed },
    }))
    .unwrap()
}

fn pod(name: &str, version: u64, restarts: i32) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "namespace": "prod", "uid": name, "resourceVersion": version.to_string(),
            "labels": { "rollout-engine.dev/workload": "web", "rollout-engine.dev/revision": "v1" },
        },
        "status": { "containerStatuses": [{
            "name": "web", "image": "i", "imageID": "i", "ready": false, "restartCount": restarts,
        }] },
    }))
    .unwrap()
}

fn key() -> Key {
    ("prod".to_owned(), "web".to_owned())
}

fn names(cache: &Cache) -> Vec<String> {
    cache.with(&key(), |held| held.pods.iter().map(|(name, _)| name.clone()).collect())
}

fn listed(cache: &Cache, pods: Vec<Pod>) {
    cache.take::<PodFacts>(Event::Init);
    for pod in pods {
        cache.take::<PodFacts>(Event::InitApply(pod));
    }
    cache.take::<PodFacts>(Event::InitDone);
}

#[test]
fn a_list_that_begins_a_watch_is_complete() {
    let cache = Cache::new();
    listed(&cache, vec![pod("a", 10, 0), pod("b", 11, 0)]);
    cache.take::<PodFacts>(Event::Apply(pod("c", 12, 0)));
    assert_eq!(names(&cache), ["a", "b", "c"]);
    // The watch was cut and begins anew: what went meanwhile is not in its list.
    listed(&cache, vec![pod("b", 11, 0), pod("c", 12, 0)]);
    assert_eq!(names(&cache), ["b", "c"]);
}

#[test]
fn an_older_event_changes_nothing() {
    let cache = Cache::new();
    listed(&cache, vec![]);
    cache.answered(&key(), "a", PodFacts::read(&pod("a", 20, 1)).unwrap());
    cache.take::<PodFacts>(Event::Apply(pod("a", 18, 0)));
    let restarts = cache.with(&key(), |held| held.pods.get("a").unwrap().restarts);
    assert_eq!(restarts, 1, "an answer is newer than an event that was under way");
    cache.take::<PodFacts>(Event::Delete(pod("a", 21, 1)));
    cache.answered(&key(), "a", PodFacts::read(&pod("a", 20, 1)).unwrap());
    assert_eq!(names(&cache), [""; 0], "a late answer does not revive what the watch saw go");
}

#[test]
fn a_list_of_one_workload_outdates_events_that_are_under_way() {
    let cache = Cache::new();
    listed(&cache, vec![pod("a", 10, 0), pod("b", 11, 0)]);
    cache.list::<PodFacts>(&key(), &[pod("b", 11, 0)], Version::read(Some("30")));
    assert_eq!(names(&cache), ["b"]);
    cache.take::<PodFacts>(Event::Apply(pod("a", 15, 0)));
    assert_eq!(names(&cache), ["b"], "the list has seen it go");
    cache.take::<PodFacts>(Event::Apply(pod("c", 31, 0)));
    assert_eq!(names(&cache), ["b", "c"]);
}

#[test]
fn failures_of_pods_that_are_gone_are_kept() {
    let cache = Cache::new();
    listed(&cache, vec![pod("a", 10, 3)]);
    cache.take::<PodFacts>(Event::Delete(pod("a", 12, 3)));
    let v1 = RevisionId::new("v1").unwrap();
    let failed = cache.with(&key(), |held| held.failed_before[&v1].count);
    assert_eq!(failed, 3);
}

#[test]
fn a_write_shows_when_its_controller_has_acted_on_it() {
    let cache = Cache::new();
    cache.take::<SetFacts>(Event::Init);
    cache.take::<SetFacts>(Event::InitApply(set(10, 1, 1, 2)));
    cache.take::<SetFacts>(Event::InitDone);
    let shown =
        || cache.with(&key(), |held| held.shown(Controller::ReplicaSet, Version::default()));
    assert_eq!((shown(), cache.with(&key(), |held| held.epoch())), (Mark(0), Epoch(3)));
    let written = SetFacts::read(&set(20, 2, 1, 4)).unwrap();
    cache.answered(&key(), "web-v1", written.clone());
    let mark = cache.with(&key(), |held| held.acknowledged_set(&written));
    assert_eq!((mark, shown()), (Mark(1), Mark(0)), "the count of pods is still the old one");
    let later = cache.with(&key(), Held::acknowledged);
    assert_eq!((later, shown()), (Mark(2), Mark(0)), "a mark covers every write before it");
    cache.take::<SetFacts>(Event::Apply(set(21, 2, 2, 4)));
    assert_eq!(shown(), Mark(2));
}

#[test]
fn a_write_to_a_set_that_is_gone_shows_once_the_watch_has_passed_it() {
    let cache = Cache::new();
    let written = SetFacts::read(&set(20, 2, 1, 4)).unwrap();
    cache.with(&key(), |held| held.acknowledged_set(&written));
    let shown = |newest: &str| {
        cache.with(&key(), |held| held.shown(Controller::ReplicaSet, Version::read(Some(newest))))
    };
    assert_eq!(shown("19"), Mark(0));
    assert_eq!(shown("25"), Mark(1));
}

#[tokio::test]
async fn hints_come_for_what_an_observation_shows_only() {
    let cache = Cache::new();
    listed(&cache, vec![pod("a", 10, 0)]);
    let mut hints = cache.with(&key(), |held| held.listen());
    cache.take::<PodFacts>(Event::Apply(pod("a", 11, 0)));
    assert!(!hints.has_changed().unwrap(), "only its version is new");
    cache.take::<PodFacts>(Event::Apply(pod("a", 12, 1)));
    cache.take::<PodFacts>(Event::Apply(pod("b", 13, 1)));
    assert!(hints.has_changed().unwrap());
    hints.borrow_and_update();
    assert!(!hints.has_changed().unwrap(), "many at once are one");
}
