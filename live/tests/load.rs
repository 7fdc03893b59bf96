//! The load generator against the server under test, on this host: it loses nothing by itself, and it
//! sees every way in which a server can fail.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use rollout_live::{
    bed::build_server,
    load::{self, Failure, Load, LoadPlan},
};

/// The server as a process of this host; killed when dropped.
struct Server {
    process: Child,
    addr: SocketAddr,
}

impl Server {
    fn start(env: &[(&str, &str)]) -> Self {
        let binary = build_server().expect("the server builds");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port is free");
        let process = Command::new(binary)
            .envs(env.iter().copied())
            .env("PORT", free.port().to_string())
            .spawn()
            .expect("the server starts");
        let server = Self { process, addr: free };
        let begun = Instant::now();
        while TcpStream::connect(free).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "the server does not answer");
            thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn terminate(&self) {
        let pid = self.process.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(status.success(), "kill -TERM {pid}: {status}");
    }

    fn wait(&mut self) -> Option<i32> {
        self.process.wait().expect("the server was started").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn of(requests: u64) -> LoadPlan {
    LoadPlan { requests: Some(requests), ..LoadPlan::default() }
}

#[tokio::test]
async fn nothing_is_lost_against_a_steady_server() {
    let server = Server::start(&[("VERSION", "v7")]);
    let report = load::run(server.addr, of(2_000)).await.unwrap();
    assert_eq!(report.all.failed, 0, "{report}");
    assert_eq!(report.all.ok, 2_000, "{report}");
    assert_eq!(report.versions["v7"].ok, 2_000);
    assert_eq!(report.reopened, 0, "{report}");
    assert!(Duration::from_millis(20) <= report.latency.p50, "the server waits 20 ms: {report}");
    let span = report.took.as_secs_f64();
    assert!((4.9..6.0).contains(&span), "2,000 at 400 per second take 5 s: {report}");
}

#[tokio::test]
async fn strangers_lose_nothing_either() {
    let server = Server::start(&[]);
    let plan = LoadPlan { requests: Some(800), ..LoadPlan::strangers() };
    let report = load::run(server.addr, plan).await.unwrap();
    assert_eq!((report.all.ok, report.all.failed), (800, 0), "{report}");
    assert_eq!(report.moments(), []);
}

#[tokio::test]
async fn bad_answers_are_failures_of_their_version() {
    let server = Server::start(&[("HEALTH", "fail_after:100"), ("BAD_SHARE", "50")]);
    let report = load::run(server.addr, of(300)).await.unwrap();
    assert_eq!(report.failures.get(&Failure::Status(500)), Some(&100), "{report}");
    assert_eq!(report.versions["v1"].failed, 100);
}

#[tokio::test]
async fn a_server_that_exits_at_once_is_seen_to_lose_requests() {
    let mut server = Server::start(&[("ON_TERM", "abrupt")]);
    let load = Load::start(server.addr, of(400)).unwrap();
    load.reached(100).await;
    server.terminate();
    let report = load.finish().await;
    assert_eq!(server.wait(), Some(0));
    assert!(100 <= report.all.ok, "{report}");
    assert!(0 < report.failures[&Failure::Connect], "{report}");
}

#[tokio::test]
async fn a_graceful_server_finishes_what_is_in_flight() {
    let mut server = Server::start(&[("WORK_MS", "400")]);
    let plan = LoadPlan { connections: 8, rate: 1_000, ..of(8) };
    let load = Load::start(server.addr, plan).unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.terminate();
    let report = load.finish().await;
    assert_eq!(server.wait(), Some(0));
    assert_eq!(report.all.ok, 8, "{report}");
}

#[tokio::test]
async fn a_load_stops_when_told() {
    let server = Server::start(&[]);
    let load = Load::start(server.addr, LoadPlan::until_stopped()).unwrap();
    load.reached(50).await;
    let report = load.stop_and_finish().await;
    assert!((50..400).contains(&report.all.ok), "{report}");
    assert_eq!(report.all.failed, 0, "{report}");
}
