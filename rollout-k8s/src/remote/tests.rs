//! Orders through an object that is kept in memory, with an operator that answers, refuses or is not there.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use kube::{Client, client::Body};
use rollout_core::engine::OrderKind;
use serde_json::{Value, json};

use super::*;

/// What the operator does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Answers(&'static str),
    Away,
}

struct Server {
    object: Option<Value>,
    operator: Operator,
    writes: Vec<Value>,
}

type Shared = Arc<Mutex<Server>>;

fn server(operator: Operator) -> Shared {
    let object = json!({
        "apiVersion": "rollout-engine.dev/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop", "resourceVersion": "1", "generation": 1 },
        "spec": { "replicas": 3 },
    });
    Arc::new(Mutex::new(Server { object: Some(object), operator, writes: Vec::new() }))
}

fn remote(server: &Shared) -> Remote {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request| answer(Arc::clone(&server), request));
    Remote::new(Client::new(service, "shop"), "shop".to_owned(), "web".to_owned())
}

async fn answer(
    server: Shared,
    request: http::Request<Body>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let is_patch = request.method() == "PATCH";
    let is_scale = request.uri().path().ends_with("/scale");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut server = server.lock().unwrap();
    let (code, body) = match &server.object {
        None => {
            let details = json!({ "name": "web", "kind": "rollouts" });
            let status = json!({
                "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
                "message": "rollouts \"web\" not found", "details": details,
            });
            (404, status)
        }
        Some(_) if is_patch => {
            server.patch(serde_json::from_slice(&body).unwrap());
            let scale = json!({
                "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": { "name": "web" },
            });
            (200, if is_scale { scale } else { server.object.clone().unwrap() })
        }
        Some(object) => (200, object.clone()),
    };
    let answer = http::Response::builder().status(code).header("content-type", "application/json");
    Ok(answer.body(Full::from(body.to_string())).unwrap())
}

impl Server {
    fn patch(&mut self, patch: Value) {
        let object = self.object.as_mut().unwrap();
        if let Some(order) = patch["metadata"]["annotations"][labels::ORDER].as_str() {
            assert_eq!(patch["metadata"]["resourceVersion"], object["metadata"]["resourceVersion"]);
            object["metadata"]["annotations"] = json!({ labels::ORDER: order });
            if let Operator::Answers(state) = self.operator {
                let order: Value = serde_json::from_str(order).unwrap();
                object["status"]["order"] = json!({
                    "id": order["id"], "state": state, "message": "as it is", "at": "now",
                });
            }
        }
        self.writes.push(patch);
    }
}

fn request(id: &str, order: OrderKind) -> OrderRequest {
    OrderRequest { id: id.to_owned(), order, by: Some("ann".to_owned()), why: None }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_written_once_and_its_answer_is_told() {
    for (state, expected) in [
        ("Accepted", Ok("as it is")),
        ("Refused", Err("as it is")),
        ("Unknown", Err("as it is; see with `rollout status`")),
    ] {
        let server = server(Operator::Answers(state));
        let told = remote(&server).order(&request("7", OrderKind::Pause)).await;
        match (told, expected) {
            (Ok(told), Ok(expected)) => assert_eq!(told, expected),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().starts_with(expected), "{error}");
            }
            (told, _) => panic!("{state}: {told:?}"),
        }
        let server = server.lock().unwrap();
        assert_eq!(server.writes.len(), 1);
        let written = server.writes[0]["metadata"]["annotations"][labels::ORDER].as_str().unwrap();
        let read = OrderRequest::read(written).unwrap();
        assert_eq!(read, request("7", OrderKind::Pause));
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_operator_an_order_stays_and_the_next_one_does_not_write_over_it() {
    let server = server(Operator::Away);
    let remote = remote(&server);
    let first = remote.order(&request("1", OrderKind::Abort)).await.unwrap_err();
    assert!(matches!(&first, RemoteError::Unanswered { id, .. } if id == "1"), "{first}");
    let second = remote.order(&request("2", OrderKind::Pause)).await.unwrap_err();
    assert!(matches!(&second, RemoteError::Unanswered { id, .. } if id == "1"), "{second}");
    assert_eq!(server.lock().unwrap().writes.len(), 1);
    // Once the first is answered, there is room for another one.
    {
        let mut server = server.lock().unwrap();
        server.operator = Operator::Answers("Accepted");
        let answer = json!({ "id": "1", "state": "Accepted", "message": "", "at": "now" });
        server.object.as_mut().unwrap()["status"]["order"] = answer;
    }
    remote.order(&request("3", OrderKind::Resume)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_resize_goes_through_the_scale_subresource() {
    let server = server(Operator::Away);
    remote(&server).resize(5).await.unwrap();
    assert_eq!(server.lock().unwrap().writes, [json!({ "spec": { "replicas": 5 } })]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_not_there_is_told() {
    let server = server(Operator::Away);
    server.lock().unwrap().object = None;
    let error = remote(&server).read().await.unwrap_err();
    assert!(error.to_string().starts_with("there is no Rollout/web in the namespace shop"));
}
