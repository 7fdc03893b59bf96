//! What is refused: one clear error, and nothing is touched.

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::Service,
    rbac::v1::{Role, RoleBinding},
};
use kube::Client;
use rollout_k8s::{
    adopt::{AdoptError, Handover, Way},
    backend::EnrolBy,
    client,
};
use serde_json::{Value, json};

use crate::shop::{Shop, deployment, kubeconfig};

async fn refused(shop: &Shop) -> String {
    let before = shop.picture().await;
    let error = shop.adopt().await.unwrap_err().to_string();
    let now = shop.picture().await;
    assert_eq!(now["services"], before["services"], "{error}");
    assert_eq!(now["deployment"], before["deployment"], "{error}");
    assert!(!now.to_string().contains("rollout-engine.dev"), "{error}: {now}");
    error
}

async fn expect(shop: &Shop, words: &str) {
    let error = refused(shop).await;
    assert!(error.contains(words), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_adopted_is_told_and_left_alone() {
    let Some(shop) = Shop::new("refused").await else { return };
    expect(&shop, "there is no Deployment/web in the namespace").await;
    shop.end().await;

    let shop = Shop::open("refused-too").await.unwrap();
    shop.patch::<Deployment>("web", json!({ "spec": { "paused": true } })).await;
    expect(&shop, "Deployment/web is paused").await;
    shop.patch::<Deployment>("web", json!({ "spec": { "paused": null } })).await;
    shop.settled().await;

    let helm = |release: Value| json!({ "metadata": { "annotations": { "meta.helm.sh/release-name": release } } });
    shop.patch::<Deployment>("web", helm(json!("shop"))).await;
    expect(&shop, "Deployment/web is managed by `helm`").await;
    shop.patch::<Deployment>("web", helm(Value::Null)).await;

    shop.patch::<Service>("web", json!({ "spec": { "selector": { "app": "wbe" } } })).await;
    expect(&shop, "Service/web selects app=wbe, which no pod").await;
    shop.patch::<Service>("web", json!({ "spec": { "selector": { "app": "web" } } })).await;

    // Another Deployment, whose pods the Service takes as well.
    let mut other = deployment(&json!({ "tier": "back" }));
    other["metadata"]["name"] = json!("other");
    other["spec"]["template"]["metadata"]["labels"] = json!({ "app": "web", "tier": "back" });
    shop.create::<Deployment>(other).await;
    shop.until("more pods", async || 4 < shop.pods().await.len()).await;
    shop.settled().await;
    expect(&shop, "Service/web also takes Pod/other-").await;
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_in_mid_rollout_is_left_alone() {
    let Some(shop) = Shop::open("moving").await else { return };
    // This version never gets ready.
    let image = json!([{ "name": "web", "image": "rollout.test/web:v3" }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": image } } } });
    shop.patch::<Deployment>("web", patch).await;
    expect(&shop, "Deployment/web is not settled").await;
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_needs_the_kind_that_it_is_to_drive() {
    let Some(shop) = Shop::open("scaler").await else { return };
    shop.create::<HorizontalPodAutoscaler>(json!({
        "metadata": { "name": "web" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 4,
            "maxReplicas": 4,
        },
    }))
    .await;
    let known = shop.client.list_api_group_resources("rollout-engine.dev/v1alpha1").await.is_ok();
    let scaler = async || {
        let found = shop.api::<HorizontalPodAutoscaler>().get("web").await.unwrap();
        found.spec.unwrap().scale_target_ref.kind
    };
    if known {
        shop.adopt().await.unwrap();
        assert_eq!(scaler().await, "Rollout");
        shop.hand_back().await.unwrap();
        assert_eq!(scaler().await, "Deployment");
    } else {
        expect(&shop, "is not known to the cluster; install the CustomResourceDefinition first")
            .await;
        assert_eq!(scaler().await, "Deployment");
    }
    shop.end().await;
}

/// A client of somebody who may read everything in the namespace and write what `rules` say.
async fn somebody(shop: &Shop, rules: Value) -> Client {
    let mut rules: Vec<Value> = rules.as_array().unwrap().clone();
    rules.push(json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] }));
    shop.create::<Role>(json!({ "metadata": { "name": "some" }, "rules": rules })).await;
    shop.create::<RoleBinding>(json!({
        "metadata": { "name": "some" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "somebody" }],
    }))
    .await;
    let file = kube::config::Kubeconfig::read_from(kubeconfig().unwrap()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(file, &options).await.unwrap();
    config.auth_info.impersonate = Some("somebody".to_owned());
    Client::try_from(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_right_that_is_missing_is_named_at_once() {
    let Some(shop) = Shop::open("rights").await else { return };
    let rules = json!([
        { "apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["create"] },
        { "apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["patch"] },
    ]);
    let client = somebody(&shop, rules).await;
    let way = Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label };
    let handover = Handover::new(client, shop.name.clone(), "web".to_owned(), way);
    let before = shop.picture().await;
    let error = handover.run(|_| ()).await.unwrap_err();
    assert_eq!(shop.picture().await, before);
    let AdoptError::Forbidden { verbs, .. } = &error else { panic!("{error}") };
    let expected = ["delete deployments", "patch pods", "create services", "patch services"];
    assert_eq!(*verbs, expected, "{error}");
    shop.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_told() {
    let mut config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let way = Way::Adopt { released: Vec::new(), enrol_by: EnrolBy::Label };
    let handover = Handover::new(client, "shop".to_owned(), "web".to_owned(), way);
    let error = handover.plan().await.unwrap_err();
    assert!(matches!(error, AdoptError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("list Deployments"), "{error}");
    let options = client::Options {
        context: Some("elsewhere".to_owned()),
        kubeconfig: kubeconfig(),
        ..client::Options::default()
    };
    let Some(_) = &options.kubeconfig else { return };
    let error = client::connect(&options).await.err().unwrap().to_string();
    assert!(error.contains("elsewhere"), "{error}");
}
