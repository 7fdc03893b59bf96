//! The journal against an API server in memory that loses answers, refuses, and lets others write.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use rollout_core::{engine::Change, id::Epoch, time::Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::labels::{EPOCH, WORKLOAD};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is not carried out, and there is no answer.
    NeverArrives,
    /// It is refused.
    Refused(u16),
    /// The server does not know the kind.
    NoSuchKind,
}

#[derive(Default)]
struct Server {
    object: Option<Value>,
    faults: VecDeque<Option<Fault>>,
    /// Method and size of every request.
    requests: Vec<(String, usize)>,
}

type Shared = Arc<Mutex<Server>>;
type Answer = http::Response<Full<Bytes>>;

fn answer(code: u16, body: &Value) -> Answer {
    let answer = http::Response::builder().status(code).header("content-type", "application/json");
    answer.body(Full::from(body.to_string())).unwrap()
}

fn status(code: u16, reason: &str, name: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("{reason} {name}"), "details": {"name": name},
    });
    (code, status)
}

impl Server {
    fn carry_out(&mut self, method: &str, body: &[u8]) -> (u16, Value) {
        match (method, &mut self.object) {
            ("GET", Some(object)) => (200, object.clone()),
            ("GET" | "PATCH", None) => status(404, "NotFound", "web"),
            ("POST", Some(_)) => status(409, "AlreadyExists", "web"),
            ("POST", None) => {
                let object: Value = serde_json::from_slice(body).unwrap();
                self.object = Some(object.clone());
                (201, object)
            }
            ("PATCH", Some(object)) => {
                let mut patched = object.clone();
                let patch: Vec<Value> = serde_json::from_slice(body).unwrap();
                if !patch.iter().all(|one| patch_one(&mut patched, one)) {
                    return status(422, "Invalid", "web");
                }
                *object = patched.clone();
                (200, patched)
            }
            (other, _) => panic!("{other} is not asked for"),
        }
    }
}

/// One operation of a JSON patch, as far as the journal needs it; `false` if its test fails.
fn patch_one(object: &mut Value, one: &Value) -> bool {
    let (op, path, value) = (&one["op"], one["path"].as_str().unwrap(), &one["value"]);
    if let Some(parts) = path.strip_suffix("/-") {
        object.pointer_mut(parts).unwrap().as_array_mut().unwrap().push(value.clone());
        return true;
    }
    let (parent, key) = path.rsplit_once('/').unwrap();
    let place = &mut object.pointer_mut(parent).unwrap()[key.replace("~1", "/")];
    if op == "test" {
        return place == value;
    }
    *place = value.clone();
    true
}

async fn handle(server: Shared, request: http::Request<Body>) -> Result<Answer, io::Error> {
    let method = request.method().to_string();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut server = server.lock().unwrap();
    server.requests.push((method.clone(), body.len()));
    let fault = server.faults.pop_front().flatten();
    let gone = || io::Error::new(io::ErrorKind::ConnectionReset, "connection reset");
    let (code, body) = match fault {
        Some(Fault::NeverArrives) => return Err(gone()),
        Some(Fault::Refused(code)) => status(code, "Refused", "web"),
        Some(Fault::NoSuchKind) => status(404, "NotFound", ""),
        Some(Fault::AnswerLost) => {
            server.carry_out(&method, &body);
            return Err(gone());
        }
        None => server.carry_out(&method, &body),
    };
    Ok(answer(code, &body))
}

fn journal(server: &Shared) -> KubernetesJournal {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request| handle(Arc::clone(&server), request));
    KubernetesJournal::new(Client::new(service, "shop"), "shop")
}

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn records(from: u64, count: u64) -> Vec<Record> {
    let record = |at| Record { at: Timestamp(at), change: Change::Claimed { epoch: Epoch(at) } };
    (from..from + count).map(record).collect()
}

fn fail(server: &Shared, faults: &[Option<Fault>]) {
    server.lock().unwrap().faults = faults.iter().copied().collect();
}

fn asked(server: &Shared) -> Vec<String> {
    let requests = std::mem::take(&mut server.lock().unwrap().requests);
    requests.into_iter().map(|(method, _)| method).collect()
}

#[tokio::test]
async fn an_append_is_one_write_and_a_load_one_read() {
    let server = Shared::default();
    let journal = journal(&server);
    assert_eq!(journal.load(&web()).await, Ok(Vec::new()));
    assert_eq!(journal.append(&web(), Seq(0), &records(1, 3)).await, Ok(Seq(3)));
    assert_eq!(journal.append(&web(), Seq(3), &records(4, 2)).await, Ok(Seq(5)));
    assert_eq!(asked(&server), ["GET", "POST", "PATCH"]);
    assert_eq!(journal.load(&web()).await, Ok(records(1, 5)));
    assert_eq!(asked(&server), ["GET"]);
    let object = server.lock().unwrap().object.clone().unwrap();
    assert_eq!(object["metadata"]["annotations"][EPOCH], "5");
    assert_eq!(object["metadata"]["labels"][WORKLOAD], "web");
    assert_eq!(object["spec"]["seq"], 5);
}

#[tokio::test]
async fn another_engine_is_seen_before_anything_is_kept() {
    let server = Shared::default();
    let (one, other) = (journal(&server), journal(&server));
    one.append(&web(), Seq(0), &records(1, 1)).await.unwrap();
    other.append(&web(), Seq(1), &records(2, 1)).await.unwrap();
    let moved = |expected| JournalError::Moved { workload: web(), expected, found: Seq(2) };
    assert_eq!(one.append(&web(), Seq(1), &records(7, 1)).await, Err(moved(Seq(1))));
    assert_eq!(other.append(&web(), Seq(9), &records(7, 1)).await, Err(moved(Seq(9))));
    // As many records, but other ones.
    let split = Shared::default();
    let late = journal(&split);
    late.append(&web(), Seq(0), &records(1, 1)).await.unwrap();
    split.lock().unwrap().object = None;
    journal(&split).append(&web(), Seq(0), &records(5, 1)).await.unwrap();
    let error = late.append(&web(), Seq(1), &records(2, 1)).await.unwrap_err();
    assert!(matches!(error, JournalError::Store { .. }), "{error}");
    assert_eq!(journal(&split).load(&web()).await, Ok(records(5, 1)));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let server = Shared::default();
    let journal = journal(&server);
    fail(&server, &[None, Some(Fault::AnswerLost)]);
    assert_eq!(journal.append(&web(), Seq(0), &records(1, 2)).await, Ok(Seq(2)), "created");
    fail(&server, &[Some(Fault::AnswerLost)]);
    assert_eq!(journal.append(&web(), Seq(2), &records(3, 1)).await, Ok(Seq(3)), "appended");
    for fault in [Fault::NeverArrives, Fault::Refused(409), Fault::Refused(500)] {
        fail(&server, &[Some(fault)]);
        let error = journal.append(&web(), Seq(3), &records(4, 1)).await.unwrap_err();
        assert!(matches!(error, JournalError::Store { .. }), "{fault:?}: {error}");
    }
    // Nobody can say: the next load will.
    fail(&server, &[Some(Fault::AnswerLost), Some(Fault::NeverArrives)]);
    assert!(journal.append(&web(), Seq(3), &records(4, 1)).await.is_err());
    assert_eq!(journal.load(&web()).await, Ok(records(1, 4)));
    assert_eq!(journal.append(&web(), Seq(4), &records(5, 1)).await, Ok(Seq(5)));
}

#[tokio::test]
async fn a_compacted_journal_is_gone_on_with() {
    let server = Shared::default();
    let one = journal(&server);
    one.append(&web(), Seq(0), &records(1, 9)).await.unwrap();
    let short = Record::compacted(&records(1, 9), 3).unwrap().unwrap();
    assert_eq!(one.compact(&web(), Seq(9), &short).await, Ok(()));
    assert_eq!(one.append(&web(), Seq(9), &records(10, 1)).await, Ok(Seq(10)));
    assert_eq!(asked(&server), ["GET", "POST", "PATCH", "PATCH"]);
    assert_eq!(journal(&server).load(&web()).await, Ok([short, records(10, 1)].concat()));
    let stale = one.compact(&web(), Seq(9), &records(1, 9)).await;
    assert!(matches!(stale, Err(JournalError::Moved { .. })), "{stale:?}");
}

#[tokio::test]
async fn what_would_not_fit_is_folded_and_then_refused() {
    let server = Shared::default();
    let journal = journal(&server);
    let long = "x".repeat(BYTES_MOST / 4);
    let paused = |at| Record {
        at: Timestamp(at),
        change: Change::Paused { by: "ann".to_owned(), why: Some(long.clone()) },
    };
    for seq in 0..12 {
        let fits = journal.append(&web(), Seq(seq), &[paused(seq)]).await;
        if seq < 3 {
            assert_eq!(fits, Ok(Seq(seq + 1)));
            continue;
        }
        // Each of the last few is kept as it is, and they are too much already.
        let error = fits.unwrap_err().to_string();
        assert!(error.contains("fit into one object"), "{error}");
        assert_eq!(journal.load(&web()).await.unwrap().len(), 3, "nothing was lost");
        break;
    }
    let mut seq = 3;
    let small = |at| Record {
        at: Timestamp(at),
        change: Change::Paused { by: "ann".to_owned(), why: Some("y".repeat(1_000)) },
    };
    while seq < 3_000 {
        let next: Vec<Record> = (seq..seq + 100).map(small).collect();
        assert_eq!(journal.append(&web(), Seq(seq), &next).await, Ok(Seq(seq + 100)));
        seq += 100;
        let largest = server.lock().unwrap().object.as_ref().unwrap().to_string().len();
        assert!(largest < BYTES_MOST + (1 << 16), "{largest} bytes");
    }
    let kept = journal.load(&web()).await.unwrap();
    assert_eq!(Record::last_seq(&kept), Seq(seq));
    assert!(matches!(kept[0].change, Change::Snapshot(_)));
}

#[tokio::test]
async fn damage_and_newer_formats_are_named() {
    let server = Shared::default();
    let journal = journal(&server);
    journal.append(&web(), Seq(0), &records(1, 3)).await.unwrap();
    let sound = server.lock().unwrap().object.clone().unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = sound.clone();
        change(&mut object["spec"]);
        server.lock().unwrap().object = Some(object);
    };
    with(&|spec| {
        spec["parts"][0] =
            spec["parts"][0].as_str().unwrap().replace("\"at\":2", "\"at\":4").into();
    });
    let error = journal.load(&web()).await.unwrap_err();
    assert!(matches!(error, JournalError::Damaged { seq: Seq(2), .. }), "{error}");
    with(&|spec| spec["parts"] = json!([]));
    let error = journal.load(&web()).await.unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    with(&|spec| spec["format"] = 2.into());
    let error = journal.load(&web()).await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 2, known: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_cluster_that_does_not_know_the_kind_says_what_to_do() {
    let server = Shared::default();
    fail(&server, &[Some(Fault::NoSuchKind)]);
    let error = journal(&server).load(&web()).await.unwrap_err().to_string();
    assert!(error.contains("kubectl apply -f deploy/crds"), "{error}");
}

#[test]
fn the_owner_is_the_same_for_every_engine_of_a_namespace() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let owner = journal(&Shared::default()).owner();
        assert_eq!(owner, "rolloutjournals.rollout-engine.dev/shop");
    });
}
