//! Metrics: real answers and real commands, and rollouts that are watched by them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Change, End},
    id::RevisionId,
    judge::Reading,
    port::{Journal as _, MetricQuery, Metrics},
    spec::{CheckedSpec, Spec},
    time::Timestamp,
};
use rollout_runtime::{
    Runtime,
    journal::MemoryJournal,
    metrics::{CommandMetrics, NamedMetrics, PrometheusMetrics},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    hooks::server::{Server, answer},
    rollouts::{ended, moved},
    world::{World, options, revision, spec, web},
};

fn query(text: &str, source: Option<&str>) -> MetricQuery {
    let metric = json!({"name": "errors", "query": text, "source": source});
    MetricQuery {
        workload: web(),
        metric: serde_json::from_value(metric).unwrap(),
        candidate: revision("v2"),
        stable: Some(revision("v1")),
        since: Timestamp(0),
    }
}

fn value(text: &str) -> Reading {
    Reading::Value(text.parse().unwrap())
}

#[track_caller]
fn error(reading: Reading) -> String {
    let Reading::Error(why) = reading else { panic!("{reading:?}") };
    why
}

fn success(kind: &str, result: &str) -> String {
    let data = format!(r#"{{"resultType":"{kind}","result":{result}}}"#);
    answer(200, "", &format!(r#"{{"status":"success","data":{data}}}"#))
}

#[tokio::test]
async fn every_answer_of_prometheus_is_one_reading() {
    let series =
        |value: &str| format!(r#"{{"metric":{{"pod":"a"}},"value":[1700000000.1,"{value}"]}}"#);
    for (told, expected) in [
        (success("scalar", r#"[1700000000.1,"0.013"]"#), value("0.013")),
        (success("vector", &format!("[{}]", series("1.5e-3"))), value("0.0015")),
        (success("vector", &format!("[{},{}]", series("7"), series("8"))), value("7")),
        (success("vector", "[]"), Reading::NoData),
    ] {
        let server = Server::start(move |_| told.clone()).await;
        let metrics = PrometheusMetrics::new(&server.url("")).unwrap();
        assert_eq!(metrics.measure(&query("up", None)).await, expected);
    }
    let bad = r#"{"status":"error","errorType":"bad_data","error":"parse error at char 3"}"#;
    for (told, words) in [
        (success("vector", &format!("[{}]", series("NaN"))), "`NaN` is not finite"),
        (success("vector", &format!("[{}]", series("+Inf"))), "`+Inf` is not finite"),
        (success("matrix", "[]"), "gives a range or a text"),
        (answer(400, "", bad), "parse error at char 3"),
        (answer(502, "", "<html>bad gateway</html>"), "status 502: <html>bad gateway"),
        (answer(200, "", "{}"), "no answer of Prometheus: status 200: {}"),
        (String::new(), "no answer"),
    ] {
        let server = Server::start(move |_| told.clone()).await;
        let metrics = PrometheusMetrics::new(&server.url("")).unwrap();
        let why = error(metrics.measure(&query("up", None)).await);
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[tokio::test]
async fn a_query_is_asked_with_its_words_filled_in() {
    let server = Server::start(|_| success("vector", "[]")).await;
    let metrics = PrometheusMetrics::new(&server.url("/prometheus/")).unwrap();
    let text = "sum(rate(e{rev=\"{candidate}\"}[1m])) / sum(rate(e{rev=\"{stable}\"}[1m]))";
    assert_eq!(metrics.measure(&query(text, None)).await, Reading::NoData);
    let line = server.seen()[0].lines().next().unwrap().to_owned();
    let expected = "GET /prometheus/api/v1/query?query=sum%28rate%28e%7Brev%3D%22v2%22%7D%5B1m%5D%29%29%20%2F%20sum%28rate%28e%7Brev%3D%22v1%22%7D%5B1m%5D%29%29 HTTP/1.1";
    assert_eq!(line, expected);
    let first: Option<RevisionId> = None;
    let why = error(metrics.measure(&MetricQuery { stable: first, ..query(text, None) }).await);
    assert!(why.contains("no revision is stable yet"), "{why}");
    assert_eq!(server.seen().len(), 1);
    assert!(PrometheusMetrics::new("https://prometheus").is_err());
}

#[tokio::test]
async fn what_a_command_prints_is_the_value() {
    let shell = |script: &str| CommandMetrics::new("sh", ["-c", script, "metric"]);
    let read = async |script: &str| shell(script).measure(&query("{candidate} 0.5", None)).await;
    assert_eq!(read("echo ' 0.25'").await, value("0.25"));
    assert_eq!(read("echo \"${1#v2 }\"").await, value("0.5"));
    assert_eq!(read("echo").await, Reading::NoData);
    assert!(error(read("echo a lot").await).contains("`a lot` is no number"));
    assert_eq!(error(read("echo 1; echo no luck >&2; exit 3").await), "exit code 3: no luck");
    let loud = error(read("head -c 10000000 /dev/zero | tr '\\0' 1").await);
    assert!(loud.contains("is out of range"), "{loud}");
    let nowhere = CommandMetrics::new("/nowhere/at-all", Vec::<String>::new());
    let why = error(nowhere.measure(&query("x", None)).await);
    assert!(why.contains("`/nowhere/at-all` cannot be run"), "{why}");
}

#[tokio::test]
async fn a_metric_names_its_source_unless_there_is_only_one() {
    let echo = |text: &str| -> Arc<dyn Metrics> {
        Arc::new(CommandMetrics::new("sh", ["-c".to_owned(), format!("echo {text}")]))
    };
    let one = NamedMetrics::new().with("a", echo("1"));
    assert_eq!(one.measure(&query("x", None)).await, value("1"));
    let two = one.with("b", echo("2"));
    assert_eq!(two.measure(&query("x", Some("b"))).await, value("2"));
    let why = error(two.measure(&query("x", Some("c"))).await);
    assert_eq!(why, "source: `c` is not known; known are: a, b");
    let why = error(two.measure(&query("x", None)).await);
    assert_eq!(why, "source: none is named; name one of: a, b");
    let server = Server::start(|_| success("scalar", r#"[0,"3"]"#)).await;
    assert_eq!(two.measure(&query("x", Some(&server.url("")))).await, value("3"));
    let why = error(two.measure(&query("x", Some("https://prometheus"))).await);
    assert!(why.starts_with("source: `https://prometheus` asks for `https`"), "{why}");
    let why = error(NamedMetrics::new().measure(&query("x", None)).await);
    assert_eq!(why, "source: no source of metrics is known; give one");
}

/// A source whose reading can be set; clones are the same one.
#[derive(Clone)]
struct Gauge {
    reading: Arc<Mutex<Reading>>,
    takes: Duration,
    asked: Arc<Mutex<Vec<(Instant, MetricQuery)>>>,
}

#[async_trait]
impl Metrics for Gauge {
    async fn measure(&self, query: &MetricQuery) -> Reading {
        self.asked.lock().unwrap().push((Instant::now(), query.clone()));
        sleep(self.takes).await;
        self.reading.lock().unwrap().clone()
    }
}

/// The move to `v2`, watched by a metric that is read every second.
fn watched(metric: Value) -> CheckedSpec {
    let mut spec: Spec = (*spec("web", "v2")).clone();
    spec.watch = vec![serde_json::from_value(metric).unwrap()];
    CheckedSpec::new(spec).unwrap()
}

/// Rolls out `v2` where `v1` serves; returns the end, its cause, the gauge and the journal.
async fn rolled(
    reading: Reading,
    takes: Duration,
    metric: Value,
) -> (End, String, Gauge, MemoryJournal) {
    let (world, journal) = (World::new(), MemoryJournal::new("engine-1"));
    let gauge = Gauge { reading: Arc::new(Mutex::new(reading)), takes, asked: Arc::default() };
    let runtime = Runtime::new();
    let ports = world.ports(journal.clone()).with_metrics(Arc::new(gauge.clone()));
    let handle = runtime.start(&web(), ports, options()).await.unwrap();
    assert_eq!(moved(&handle, "v1").await, End::Completed);
    handle.submit(watched(metric), "test").await.unwrap();
    let end = ended(&handle).await;
    let cause = handle.status().await.unwrap().cause;
    (end, cause.map(|cause| cause.to_string()).unwrap_or_default(), gauge, journal)
}

fn errors(limit: u64) -> Value {
    json!({
        "name": "errors", "query": "errors of {candidate}", "interval": "200ms",
        "pass": {"below": 0.05}, "error_limit": limit
    })
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_read_at_the_metrics_own_interval() {
    let (end, _, gauge, journal) =
        rolled(value("0.01"), Duration::from_millis(30), errors(0)).await;
    assert_eq!(end, End::Completed);
    let asked = gauge.asked.lock().unwrap().clone();
    assert!(2 <= asked.len(), "{asked:?}");
    for pair in asked.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        // From one reading to the next; each takes 30 ms.
        assert!((200..=240).contains(&gap.as_millis()), "{gap:?}");
    }
    assert_eq!(asked[0].1.candidate, revision("v2"));
    assert_eq!(asked[0].1.stable, Some(revision("v1")));
    let records = journal.load(&web()).await.unwrap();
    let kept = records.iter().filter(|record| matches!(record.change, Change::Measured { .. }));
    assert!(kept.count() + 1 >= asked.len());
}

#[tokio::test(start_paused = true)]
async fn a_bad_value_takes_the_rollout_back_with_the_numbers_compared() {
    let (end, cause, ..) = rolled(value("0.2"), Duration::ZERO, errors(0)).await;
    assert_eq!(end, End::RolledBack);
    assert!(cause.contains("errors") && cause.contains("0.2 is not below 0.05"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_an_error_at_the_deadline() {
    let mut metric = errors(0);
    metric["interval"] = json!("50ms");
    let never = Duration::from_secs(100_000);
    let world = World::new();
    let gauge =
        Gauge { reading: Arc::new(Mutex::new(value("0"))), takes: never, asked: Arc::default() };
    let runtime = Runtime::new();
    let quick = rollout_runtime::Options {
        observe_deadline: rollout_core::time::Span::from_millis(200),
        ..options()
    };
    let ports = world.ports(MemoryJournal::new("engine-1")).with_metrics(Arc::new(gauge.clone()));
    let handle = runtime.start(&web(), ports, quick).await.unwrap();
    assert_eq!(moved(&handle, "v1").await, End::Completed);
    handle.submit(watched(metric), "test").await.unwrap();
    assert_eq!(ended(&handle).await, End::RolledBack);
    let cause = handle.status().await.unwrap().cause.unwrap().to_string();
    assert!(cause.contains("no answer within 200ms"), "{cause}");
    world.assert_only("v1", 4);
}
