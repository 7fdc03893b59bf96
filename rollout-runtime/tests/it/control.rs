//! The control socket: orders from another process, and clear words where there is no engine.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rollout_core::{
    engine::{End, Phase, Resolution},
    id::WorkloadId,
};
use rollout_runtime::{
    Handle, Runtime,
    control::{
        BindError, Client, ClientError, Denied, DeniedKind, Orderer, Server, Told, socket_path,
    },
    journal::MemoryJournal,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

use super::world::{World, options, spec, web};

struct Engine {
    _folder: tempfile::TempDir,
    path: PathBuf,
    runtime: Arc<Runtime>,
    handle: Handle,
    server: Server,
}

async fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let path = socket_path(&folder.path().join("journal"));
    let runtime = Arc::new(Runtime::new());
    let ports = World::new().ports(MemoryJournal::new("engine-1"));
    let handle = runtime.start(&web(), ports, options()).await.unwrap();
    let server = Server::bind(&path, Arc::clone(&runtime)).await.unwrap();
    Engine { _folder: folder, path, runtime, handle, server }
}

fn ann() -> Orderer {
    Orderer { by: "ann".to_owned(), why: Some("lunch".to_owned()) }
}

#[track_caller]
fn kind(result: Result<(), ClientError>) -> DeniedKind {
    match result {
        Err(ClientError::Denied(Denied { kind, .. })) => kind,
        other => panic!("{other:?}"),
    }
}

/// Sends `line` as it is and returns what came back.
async fn raw(path: &Path, line: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(line).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await.unwrap();
    String::from_utf8(answer[..count].to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_led_from_another_process() {
    let engine = engine().await;
    let mut client = Client::connect(&engine.path, Some(web())).await.unwrap();
    assert_eq!(client.status().await.unwrap().phase, Phase::Idle);
    assert_eq!(kind(client.abort(ann()).await), DeniedKind::Refused);

    let listener = Client::connect(&engine.path, None).await.unwrap();
    let mut events = listener.events().await.unwrap();
    engine.handle.submit(spec("web", "v1"), "test").await.unwrap();
    // It begins with the first observation.
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.pause(ann()).await.unwrap();
    assert!(client.status().await.unwrap().paused);
    assert!(!client.waits().await.unwrap().is_empty());
    client.resume(ann()).await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));
    assert_eq!(client.status().await.unwrap().end, Some(End::Completed));

    engine.handle.shutdown().await;
    let mut texts = Vec::new();
    while let Some(told) = events.next().await.unwrap() {
        let (Told::Recorded { text, .. } | Told::Noted { text, .. }) = told else {
            panic!("{told:?}");
        };
        texts.push(text);
    }
    let told = |words: &str| texts.iter().any(|text| text.contains(words));
    assert!(told("paused by ann: lunch") && told("completed"), "{texts:#?}");
    assert_eq!(kind(client.pause(ann()).await), DeniedKind::Stopped);
}

#[tokio::test(start_paused = true)]
async fn every_order_reaches_the_engine_and_its_answer_comes_back() {
    let engine = engine().await;
    let mut client = Client::connect(&engine.path, None).await.unwrap();
    engine.handle.submit(spec("web", "v1"), "test").await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));

    client.resize(5, ann()).await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));
    assert_eq!(client.status().await.unwrap().desired, 5);

    assert_eq!(kind(client.undo(None, ann()).await), DeniedKind::Refused);
    assert_eq!(kind(client.retry(ann()).await), DeniedKind::Refused);
    assert_eq!(kind(client.skip("done".to_owned(), ann()).await), DeniedKind::Refused);
    let adopt = Resolution::Adopt { revision: None };
    assert_eq!(kind(client.resolve(adopt, ann()).await), DeniedKind::Refused);

    engine.handle.submit(spec("web", "v2"), "test").await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));
    client.undo(Some(super::world::revision("v1")), ann()).await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));
    let status = client.status().await.unwrap();
    assert_eq!(status.stable, Some(super::world::revision("v1")));
    let history: Vec<_> = status.history.iter().map(|proof| proof.revision.as_str()).collect();
    assert_eq!(history, ["v1", "v2"]);
    client.restart(ann()).await.unwrap();
    assert_eq!(engine.handle.wait_ended().await, Ok(End::Completed));
    let status = client.status().await.unwrap();
    assert_eq!(status.stable, Some(super::world::revision("v1.r1")));

    client.halt(ann()).await.unwrap();
    assert!(client.status().await.unwrap().halted);
    let refused = client.resize(4, ann()).await.unwrap_err().to_string();
    assert_eq!(refused, "everything is halted by ann; give the order `resume` first");
    client.resume(ann()).await.unwrap();
    assert!(!client.status().await.unwrap().halted);
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_goes_with_the_engine() {
    let engine = engine().await;
    let mode = std::fs::metadata(&engine.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(engine.server);
    assert!(!engine.path.exists(), "the socket was left behind");
    let error = Client::connect(&engine.path, None).await.err().unwrap();
    let path = engine.path.display();
    let expected = format!("no engine is running at {path}: start one with `rollout run`");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_second_engine_does_not_take_the_socket_but_a_dead_ones_is_replaced() {
    let engine = engine().await;
    let runtime = Arc::clone(&engine.runtime);
    let second = Server::bind(&engine.path, Arc::clone(&runtime)).await;
    assert!(matches!(second, Err(BindError::Answered { .. })), "{second:?}");

    let stale = engine.path.with_extension("stale");
    drop(UnixListener::bind(&stale).unwrap());
    let error = Client::connect(&stale, None).await.err();
    assert!(matches!(error, Some(ClientError::NotRunning { .. })), "{error:?}");
    let _server = Server::bind(&stale, Arc::clone(&runtime)).await.unwrap();
    let mut client = Client::connect(&stale, None).await.unwrap();
    assert_eq!(client.status().await.unwrap().workload, web());

    let letter = engine.path.with_extension("letter");
    std::fs::write(&letter, "dear engine").unwrap();
    let error = Server::bind(&letter, Arc::clone(&runtime)).await;
    assert!(matches!(error, Err(BindError::NoSocket { .. })), "{error:?}");
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), "dear engine");

    let long = engine.path.with_extension("x".repeat(120));
    let error = Server::bind(&long, runtime).await;
    assert!(matches!(error, Err(BindError::Io { .. })), "{error:?}");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_answered_with_what_is_wrong() {
    let engine = engine().await;
    let answer = raw(&engine.path, b"hello\n").await;
    assert!(answer.contains(r#""kind":"malformed""#), "{answer}");
    let answer = raw(&engine.path, b"{\"destroy\":{}}\n").await;
    assert!(answer.contains("unknown variant `destroy`, expected one of `status`"), "{answer}");
    let answer = raw(&engine.path, &vec![b'x'; 70_000]).await;
    assert!(answer.contains("longer than 65536 bytes"), "{answer}");

    let other = WorkloadId::new("api").unwrap();
    let mut client = Client::connect(&engine.path, Some(other)).await.unwrap();
    let error = client.status().await.err().unwrap().to_string();
    assert_eq!(error, "workload `api` is not driven here; driven are: web");
}
