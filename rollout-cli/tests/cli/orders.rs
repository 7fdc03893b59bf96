//! Orders to a live engine behind its control socket, and what is shown of it. Its backend has nothing and does
//! nothing; what an order leads to is tested where the engine is.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use rollout_core::{
    engine::{Action, Change, Inventory, Outcome, Record, RefusalKind, Retry, Revision},
    id::{Epoch, RevisionId, Seq, WorkloadId},
    port::{Backend, Claim, ClaimError, Journal as _, Making, ObserveError, PinError},
    time::Timestamp,
};
use rollout_runtime::{
    Options, Ports, Runtime,
    control::{Server, socket_path},
    journal::RedbJournal,
};
use serde_json::Value;

use crate::{Ran, rollout_in};

/// Nothing is there, and nothing can be made.
struct Nothing;

#[async_trait]
impl Backend for Nothing {
    fn making(&self) -> Making {
        Making::ByName
    }
    async fn pin(&self, _: &WorkloadId, template: &Value) -> Result<Value, PinError> {
        Ok(template.clone())
    }
    async fn claim(&self, _: &WorkloadId, claim: &Claim) -> Result<Epoch, ClaimError> {
        Ok(claim.epoch)
    }
    async fn observe(&self, _: &WorkloadId) -> Result<Inventory, ObserveError> {
        Ok(Inventory::default())
    }
    async fn apply(&self, _: &Action) -> Outcome {
        Outcome::refused(RefusalKind::Denied, "nothing can be made here", Retry::Backoff)
    }
    fn changes(&self, _: &WorkloadId) -> BoxStream<'static, ()> {
        stream::pending().boxed()
    }
}

/// An engine that knows `v1` as stable, in a folder where the command finds it.
struct Engine {
    folder: tempfile::TempDir,
    _runtime: Arc<Runtime>,
    _server: Server,
}

impl Engine {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".rollout")).unwrap();
        let path = folder.path().join(".rollout/web.redb");
        let web = WorkloadId::new("web").unwrap();
        let journal = RedbJournal::open(&path).await.unwrap();
        let id = RevisionId::new("v1").unwrap();
        let revision = Arc::new(Revision { id, template: Value::Null });
        let adopted = Record { at: Timestamp(0), change: Change::Adopted { revision } };
        journal.append(&web, Seq(0), &[adopted]).await.unwrap();
        let runtime = Arc::new(Runtime::new());
        let ports = Ports::new(Arc::new(Nothing), Arc::new(journal));
        runtime.start(&web, ports, Options::default()).await.unwrap();
        let server = Server::bind(socket_path(&path), Arc::clone(&runtime)).await.unwrap();
        Self { folder, _runtime: runtime, _server: server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ask(&self, arguments: &str) -> Ran {
        rollout_in(self.path(), arguments)
    }

    /// Asks for what the engine refuses.
    #[track_caller]
    fn refused(&self, arguments: &str) -> String {
        let ran = self.ask(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments}: {}", ran.err);
        ran.err.trim().trim_start_matches("error: ").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_refuses_is_said_with_the_way_out() {
    let engine = Engine::start().await;
    for (arguments, words) in [
        ("undo web", "there is no proven revision to go back to"),
        ("undo web --to v0 --by bob", "`v0` was never proven here"),
        ("retry web", "nothing was taken back"),
        ("skip web 50% --why seen", "no rollout is under way"),
        ("resolve web --go-on", "nothing needs an operator"),
        ("resolve web --adopt=v1", "nothing needs an operator"),
        ("promote web", "no rollout is under way"),
    ] {
        let refused = engine.refused(arguments);
        assert!(refused.contains(words), "{arguments}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn halt_is_shown_everywhere_until_resumed() {
    let engine = Engine::start().await;
    let halted = engine.ask("halt web --by bob --why fire");
    assert_eq!((halted.code, halted.err.as_str()), (0, ""));
    assert_eq!(halted.out, "web: halted; nothing goes out until `rollout resume`\n");

    let status = engine.ask("status web").out;
    assert!(status.starts_with("web: idle, halted, stable v1\n"), "{status}");
    assert!(status.contains("waits for the order `resume`: halted by bob: fire\n"), "{status}");

    let explained = engine.ask("explain web").out;
    let lines: Vec<&str> = explained.lines().collect();
    assert_eq!(lines[0], "web: waits for the order `resume`: halted by bob: fire");
    assert!(lines[1].starts_with("  since 20") && lines[1].ends_with(" so far"), "{explained}");
    assert_eq!(lines[2], "  until it is so; there is no limit");
    let json: Value = serde_json::from_str(&engine.ask("explain web --json").out).unwrap();
    assert_eq!(json["waits"][0]["until"], Value::Null);
    assert!(json["waits"][0]["since"].as_str().unwrap().ends_with('Z'), "{json}");

    let refused = engine.refused("restart web");
    assert_eq!(refused, "everything is halted by bob; give the order `resume` first");
    let json: Value = serde_json::from_str(&engine.ask("resume web --json").out).unwrap();
    assert_eq!(json, serde_json::json!({"workload": "web", "done": "resumed", "by": "ann"}));
    assert!(!engine.ask("status web").out.contains("halted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_names_what_can_be_gone_back_to() {
    let engine = Engine::start().await;
    let told = engine.ask("history web");
    assert_eq!(told.code, 0, "{}", told.err);
    let json: Value = serde_json::from_str(&engine.ask("history web --json").out).unwrap();
    assert_eq!((&json["workload"], &json["running"]), (&"web".into(), &true.into()));
    let status: Value = serde_json::from_str(&engine.ask("status web --json").out).unwrap();
    let known = status["status"]["history"].as_array().unwrap();
    assert_eq!(json["history"].as_array().unwrap().len(), known.len());
    match known.as_slice() {
        [] => assert_eq!(told.out, "web: no revision was proven yet\n"),
        [only] => assert!(told.out.contains(only["revision"].as_str().unwrap()), "{}", told.out),
        more => panic!("{more:?}"),
    }
}
