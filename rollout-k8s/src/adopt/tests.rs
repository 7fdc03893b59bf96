//! Both ways on a played namespace: at every moment every pod is there, served and ruled; from every moment a
//! run comes to the same end.

use serde_json::{Value, json};

use super::{
    AdoptError, Handing, Kind, adopting, handing_back,
    play::{NAME, PODS, Play, SET},
    world::World,
};
use crate::{backend::EnrolBy, labels};

fn adopt(world: &World) -> Handing {
    adopting(world, &[], EnrolBy::Label).unwrap()
}

fn hand_back(world: &World) -> Handing {
    handing_back(world).unwrap()
}

fn refused(edit: impl FnOnce(&mut Play)) -> AdoptError {
    let mut play = Play::new();
    edit(&mut play);
    adopting(&play.world, &[], EnrolBy::Label).unwrap_err()
}

#[test]
fn an_adoption_ends_the_same_from_every_moment() {
    let (done, way) = Play::new().drive(adopt);
    assert!(11 < way.len(), "{}", way.len());
    for moment in way {
        // What the controllers do meanwhile makes no difference.
        let (again, _) = moment.clone().drive(adopt);
        again.same_as(&done);
        let mut later = moment;
        later.tick();
        later.drive(adopt).0.same_as(&done);
    }
    assert!(done.world.deployment().is_none());
    let set = done.world.get(Kind::ReplicaSet, SET).unwrap();
    let revision = set.label(labels::REVISION).unwrap();
    for pod in PODS.map(|pod| done.world.get(Kind::Pod, pod).unwrap()) {
        assert_eq!(pod.label(labels::WORKLOAD), Some(NAME));
        assert_eq!(pod.label(labels::REVISION), Some(revision));
        assert_eq!(pod.label(labels::SERVING), Some(labels::SERVING_VALUE));
    }
    let scaler = done.world.get(Kind::HorizontalPodAutoscaler, NAME).unwrap();
    assert_eq!(scaler.text(&["spec", "scaleTargetRef", "kind"]), "Rollout");
}

#[test]
fn a_hand_back_ends_the_same_from_every_moment_and_leaves_nothing_of_ours() {
    let before = Play::new();
    let (adopted, _) = before.clone().drive(adopt);
    let (done, way) = adopted.drive(hand_back);
    assert!(11 < way.len(), "{}", way.len());
    for moment in way {
        let (again, _) = moment.clone().drive(hand_back);
        again.same_as(&done);
        let mut later = moment;
        later.tick();
        later.drive(hand_back).0.same_as(&done);
    }
    let text = format!("{:?}", done.state());
    assert!(!text.contains(labels::GROUP), "{text}");
    let spec = |play: &Play| play.world.deployment().unwrap().at(&["spec"]).clone();
    assert_eq!(spec(&done), spec(&before));
    let old = done.world.get(Kind::ReplicaSet, "web-77aa").unwrap();
    assert!(old.is_of(NAME), "the history is the Deployment's again");
}

/// The engine has rolled out another revision since, by a `ReplicaSet` of its own.
fn rolled_out() -> Play {
    let (mut play, _) = Play::new().drive(adopt);
    let ours = json!({ labels::WORKLOAD: NAME, labels::REVISION: "v2" });
    let mut pods = json!({ "app": "web", labels::SERVING: labels::SERVING_VALUE });
    super::change::merge(&mut pods, &ours);
    play.add(
        Kind::ReplicaSet,
        "web-v2",
        json!({
            "metadata": { "labels": ours, "annotations": { labels::EPOCH: "3" } },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": ours },
                "template": {
                    "metadata": { "labels": pods },
                    "spec": { "containers": [{ "name": "web", "image": "web:2" }] },
                },
            },
            "status": { "observedGeneration": 1 },
        }),
    );
    let owner =
        json!([{ "kind": "ReplicaSet", "name": "web-v2", "uid": "web-v2", "controller": true }]);
    for pod in PODS {
        let metadata = json!({ "labels": pods, "ownerReferences": owner });
        play.add(
            Kind::Pod,
            pod,
            json!({ "metadata": metadata, "status": { "podIP": "10.0.0.2" } }),
        );
    }
    play.edit(Kind::ReplicaSet, SET, &json!({ "spec": { "replicas": 0 } }));
    play
}

#[test]
fn what_was_rolled_out_since_is_handed_back_with_the_labels_that_its_selector_asks_for() {
    let (done, way) = rolled_out().drive(hand_back);
    for moment in way {
        moment.drive(hand_back).0.same_as(&done);
    }
    let deployment = done.world.deployment().unwrap();
    let labels = deployment.at(&["spec", "template", "metadata", "labels"]);
    let kept = json!({ "app": "web", labels::WORKLOAD: NAME, labels::REVISION: "v2" });
    assert_eq!(*labels, kept);
    assert_eq!(deployment.at(&["spec", "template", "spec", "containers"])[0]["image"], "web:2");
    assert!(done.world.record().is_none());
    for set in ["web-v2", SET, "web-77aa"] {
        assert!(done.world.get(Kind::ReplicaSet, set).unwrap().is_of(NAME), "{set}");
    }
}

#[test]
fn a_service_that_a_router_has_bound_takes_every_pod_again() {
    let mut play = rolled_out();
    let labels = json!({ labels::TAKES: "revision", labels::REVISION: "v2" });
    let notes = json!({ labels::EPOCH: "3", labels::REVISION_BEFORE: "v1" });
    let bound = json!({
        "metadata": { "labels": labels, "annotations": notes },
        "spec": { "selector": { labels::REVISION: "v2" } },
    });
    play.edit(Kind::Service, NAME, &bound);
    let (mut done, _) = play.drive(hand_back);
    let service = |play: &Play| play.world.get(Kind::Service, NAME).unwrap().clone();
    assert_eq!(*service(&done).at(&["spec", "selector"]), json!({ "app": "web" }));
    assert!(!format!("{:?}", service(&done)).contains(labels::GROUP));
    // An engine that was away has its last word: another run puts it right.
    done.world.objects.get_mut(&(Kind::Service, NAME.to_owned())).unwrap().0["spec"] =
        json!({ "selector": { "app": "web", labels::SERVING: labels::SERVING_VALUE } });
    let (again, _) = done.drive(hand_back);
    assert_eq!(*service(&again).at(&["spec", "selector"]), json!({ "app": "web" }));
}

#[test]
fn an_adopted_workload_that_was_rolled_out_since_is_left_alone() {
    let play = rolled_out();
    assert_eq!(adopt(&play.world).stages, []);
}

#[test]
fn a_plan_shows_every_field_first() {
    let play = Play::new();
    let handing = adopt(&play.world);
    let all: Vec<String> = handing
        .stages
        .iter()
        .flat_map(|stage| &stage.changes)
        .map(|change| change.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" | "))
        .collect();
    let serving = "rollout-engine.dev/serving: none → yes";
    for line in [
        "delete Deployment/web: what it rules stays (propagationPolicy: Orphan)".to_owned(),
        format!("patch Service/web | spec.selector.{serving}"),
        format!("patch Service/web-admin | spec.selector.{serving}"),
        "patch HorizontalPodAutoscaler/web | spec.scaleTargetRef.apiVersion: apps/v1 → rollout-engine.dev/v1alpha1 | spec.scaleTargetRef.kind: Deployment → Rollout".to_owned(),
    ] {
        assert!(all.contains(&line), "{line} is not in {all:#?}");
    }
    assert_eq!(handing.left, ["web-77aa"]);
    assert_eq!(
        handing.spec.unwrap().spec.traffic["kubernetes"]["services"],
        json!(["web", "web-admin"])
    );
}

#[test]
fn what_cannot_be_adopted_is_refused_with_the_way_out() {
    let deployment =
        |patch: Value| refused(|play| play.edit(Kind::Deployment, NAME, &patch)).to_string();
    let paused = deployment(json!({ "spec": { "paused": true } }));
    assert!(paused.starts_with("Deployment/web is paused"), "{paused}");
    let unseen = deployment(json!({ "spec": { "replicas": 4 } }));
    assert!(unseen.contains("its controller has not seen its newest spec"), "{unseen}");
    let moving = deployment(json!({ "status": { "updatedReplicas": 1 } }));
    assert!(moving.contains("1 pods are updated, 3 are wanted"), "{moving}");
    let helm = json!({ "metadata": { "annotations": { "meta.helm.sh/release-name": "shop" } } });
    let helm = deployment(helm);
    assert!(helm.contains("meta.helm.sh/release-name=shop"), "{helm}");
    assert!(helm.ends_with("then say so with `--released-by helm`"), "{helm}");
    let owner = json!([{ "kind": "WebApp", "name": "web", "uid": "x", "controller": true }]);
    let ruled = deployment(json!({ "metadata": { "ownerReferences": owner } }));
    assert!(ruled.contains("managed by `WebApp/web`"), "{ruled}");
    let fields = json!([{ "manager": "argocd-controller" }]);
    let argo = deployment(json!({ "metadata": { "managedFields": fields } }));
    assert!(argo.contains("managed by `argocd`"), "{argo}");
}

#[test]
fn who_has_let_go_is_taken_at_their_word() {
    let mut play = Play::new();
    let flux = json!({ "metadata": { "labels": { "helm.toolkit.fluxcd.io/name": "shop" } } });
    play.edit(Kind::Deployment, NAME, &flux);
    assert!(matches!(adopting(&play.world, &[], EnrolBy::Label), Err(AdoptError::Managed { .. })));
    let other = ["helm".to_owned()];
    assert!(matches!(
        adopting(&play.world, &other, EnrolBy::Label),
        Err(AdoptError::Managed { .. })
    ));
    assert!(adopting(&play.world, &["flux".to_owned()], EnrolBy::Label).is_ok());
}

#[test]
fn what_stands_around_can_refuse_as_well() {
    let none = refused(|play| {
        let selector = json!({ "spec": { "selector": { "app": "wbe" } } });
        play.edit(Kind::Service, NAME, &selector);
    });
    assert!(none.to_string().starts_with("Service/web selects app=wbe, which no pod"), "{none}");
    let others = refused(|play| {
        play.add(Kind::Pod, "other", json!({ "metadata": { "labels": { "app": "web" } } }));
    });
    assert!(
        matches!(&others, AdoptError::ServiceTakesOthers { pod, .. } if pod == "other"),
        "{others}"
    );
    let unknown = refused(|play| play.world.scales = false);
    assert!(matches!(unknown, AdoptError::NoRolloutKind { .. }), "{unknown}");
    let scaler = refused(|play| {
        let owner =
            json!([{ "kind": "ScaledObject", "name": "web", "uid": "x", "controller": true }]);
        let patch = json!({ "metadata": { "ownerReferences": owner } });
        play.edit(Kind::HorizontalPodAutoscaler, NAME, &patch);
    });
    assert!(scaler.to_string().contains("managed by `ScaledObject/web`"), "{scaler}");
    let gone = refused(|play| {
        play.world.objects.remove(&(Kind::Deployment, NAME.to_owned()));
    });
    assert!(gone.to_string().contains("which has none"), "{gone}");
}

#[test]
fn what_cannot_be_handed_back_is_refused_with_the_way_out() {
    let refused = |edit: &dyn Fn(&mut Play)| {
        let (mut play, _) = Play::new().drive(adopt);
        edit(&mut play);
        handing_back(&play.world).unwrap_err()
    };
    let ruled = refused(&|play| play.add(Kind::Rollout, NAME, json!({})));
    assert!(matches!(ruled, AdoptError::Ruled { .. }), "{ruled}");
    let there = refused(&|play| play.add(Kind::Deployment, NAME, json!({})));
    assert!(matches!(there, AdoptError::DeploymentThere { .. }), "{there}");
    let drained = refused(&|play| {
        let patch = json!({ "metadata": { "labels": { labels::SERVING: null } } });
        // A drained pod gets nothing, which the played namespace takes for a mistake elsewhere.
        play.edit(Kind::Pod, PODS[0], &patch);
    });
    assert!(drained.to_string().contains("Pod/web-5d4f-a is drained"), "{drained}");
    let shrinking = refused(&|play| {
        play.edit(Kind::ReplicaSet, SET, &json!({ "spec": { "replicas": 2 } }));
    });
    assert!(shrinking.to_string().contains("3 pods are there, 2 are wanted"), "{shrinking}");
    let never = handing_back(&Play::new().world).unwrap();
    assert_eq!(never.stages, [], "a Deployment that was never taken is where it belongs");
    let mut gone = Play::new();
    gone.world.objects.remove(&(Kind::Deployment, NAME.to_owned()));
    assert!(matches!(handing_back(&gone.world), Err(AdoptError::NotAdopted { .. })));
}

#[test]
fn a_readiness_gate_leaves_every_service_alone() {
    let play = Play::new();
    let gated = |world: &World| adopting(world, &[], EnrolBy::ReadinessGate).unwrap();
    let handing = gated(&play.world);
    let spec = handing.spec.as_ref().unwrap().spec.spec();
    assert_eq!(spec.traffic["kubernetes"]["enrol_by"], "readiness_gate");
    assert_eq!(handing.ungated, PODS.len());
    let services = |play: &Play| -> Vec<_> { play.world.all(Kind::Service).cloned().collect() };
    let before = services(&play);
    let (done, _) = play.drive(gated);
    assert_eq!(services(&done), before);
}

#[test]
fn pods_with_our_gate_are_not_handed_back() {
    let (mut play, _) = Play::new().drive(adopt);
    let gate = json!([{ "conditionType": labels::GATE }]);
    let template = json!({ "spec": { "template": { "spec": { "readinessGates": gate } } } });
    play.edit(Kind::ReplicaSet, SET, &template);
    let error = handing_back(&play.world).unwrap_err();
    assert!(matches!(error, AdoptError::Gated { .. }), "{error}");
}
