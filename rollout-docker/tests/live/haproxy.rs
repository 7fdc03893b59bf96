//! HAProxy itself, with small servers behind it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rollout_core::{
    engine::{Action, Admission, Effect, EnrolState, Outcome, RefusalKind, Retry, Route},
    id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, WorkloadId},
    port::{Enrolment, Router},
    weight::Weight,
};
use rollout_docker::{
    HaProxy,
    haproxy::{self, Config, Traffic, TrafficError},
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use super::bed::{applied, engine, free_address};

/// Two revisions behind one HAProxy.
pub(crate) struct Stand {
    child: Child,
    folder: PathBuf,
    pub(crate) listen: SocketAddr,
    port: u16,
    proxy: HaProxy,
    epoch: Epoch,
    actions: AtomicU64,
    /// Requests answered, by the address of the server.
    answered: Arc<Mutex<BTreeMap<IpAddr, u64>>>,
}

fn traffic(folder: &std::path::Path, backend: &str, port: u16) -> Traffic {
    let socket = folder.join("h.sock");
    Traffic::read(&json!({ "haproxy": { "socket": socket.to_str().unwrap(), "backend": backend, "port": port } })).unwrap()
}

async fn spawn(folder: &std::path::Path, listen: SocketAddr) -> Child {
    let config = folder.join("h.cfg");
    let text = haproxy::config(&Config::new(listen, "web-a.b", folder.join("h.sock")))
        + "\nbackend fixed\n  balance static-rr\n";
    std::fs::write(&config, text).unwrap();
    std::fs::remove_file(folder.join("h.sock")).ok();
    let child = Command::new("haproxy")
        .args(["-db", "-f", config.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("haproxy is installed");
    for _ in 0..100 {
        // It listens a moment before its runtime socket has its name.
        if folder.join("h.sock").exists() && TcpStream::connect(listen).await.is_ok() {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("haproxy did not start: haproxy -c -f {}", config.display());
}

impl Stand {
    pub(crate) async fn new(name: &str) -> Option<Self> {
        engine()?;
        let folder = std::env::temp_dir().join(format!("rollout-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (listen, port) = (free_address(), free_address().port());
        let child = spawn(&folder, listen).await;
        let answered = Arc::default();
        for last in 11..=16 {
            serve(SocketAddr::new([127, 0, 0, last].into(), port), Arc::clone(&answered)).await;
        }
        let proxy = HaProxy::connect(traffic(&folder, "web-a.b", port)).await.unwrap();
        Some(Self {
            child,
            folder,
            listen,
            port,
            proxy,
            epoch: Epoch(1),
            actions: AtomicU64::new(0),
            answered,
        })
    }

    fn action(&self, effect: Effect) -> Action {
        Action {
            id: ActionId(self.actions.fetch_add(1, Ordering::Relaxed) + 1),
            epoch: self.epoch,
            attempt: Attempt(1),
            workload: WorkloadId::new("web").unwrap(),
            revision: None,
            effect,
        }
    }

    pub(crate) async fn attempt(&self, effect: Effect) -> Outcome {
        Enrolment::apply(&self.proxy, &self.action(effect)).await
    }

    pub(crate) async fn enrol(&self, revision: &str, last: u8, admission: Admission) {
        let effect = Effect::Enrol {
            instance: instance(last),
            revision: RevisionId::new(revision.to_owned()).unwrap(),
            address: [127, 0, 0, last].into(),
            admission,
        };
        for _ in 0..2 {
            let outcome = self.attempt(effect.clone()).await;
            assert!(applied(&outcome), "{outcome}");
        }
    }

    pub(crate) async fn route(&self, shares: &[(&str, u64)]) {
        let route = weighted(shares);
        let outcome = self.attempt(Effect::Route(route.clone())).await;
        assert!(applied(&outcome), "{outcome}");
        assert_eq!(self.in_force().await, Some(route));
    }

    async fn in_force(&self) -> Option<Route> {
        let workload = WorkloadId::new("web").unwrap();
        Router::observe(&self.proxy, &workload).await.unwrap().route
    }

    pub(crate) async fn enrolled(&self) -> BTreeMap<u8, (EnrolState, Option<u64>)> {
        let workload = WorkloadId::new("web").unwrap();
        let seen = Enrolment::observe(&self.proxy, &workload).await.unwrap();
        seen.instances
            .into_iter()
            .map(|(name, enrolled)| {
                (name.as_str()[4..].parse().unwrap(), (enrolled.state, enrolled.in_flight))
            })
            .collect()
    }

    /// Sends `count` requests one after the other and returns who answered how many.
    async fn requests(&self, count: u64) -> BTreeMap<u8, u64> {
        self.answered.lock().unwrap().clear();
        let mut stream = BufReader::new(TcpStream::connect(self.listen).await.unwrap());
        for _ in 0..count {
            assert_eq!(ask(&mut stream, "/").await, 200);
        }
        let answered = self.answered.lock().unwrap();
        answered
            .iter()
            .map(|(address, count)| match address {
                IpAddr::V4(v4) => (v4.octets()[3], *count),
                IpAddr::V6(_) => panic!("only IPv4 is used"),
            })
            .collect()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.child.start_kill().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

pub(crate) fn instance(last: u8) -> InstanceId {
    InstanceId::new(format!("web-{last}")).unwrap()
}

fn weighted(shares: &[(&str, u64)]) -> Route {
    Route::weighted(
        shares
            .iter()
            .map(|(revision, percent)| {
                (
                    RevisionId::new((*revision).to_owned()).unwrap(),
                    Weight::from_basis_points(percent * 100).unwrap(),
                )
            })
            .collect(),
    )
}

/// A server that keeps connections alive and counts its answers; `/slow` takes a second.
async fn serve(address: SocketAddr, answered: Arc<Mutex<BTreeMap<IpAddr, u64>>>) {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answered = Arc::clone(&answered);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut slow = false;
                let mut line = String::new();
                while 0 < stream.read_line(&mut line).await.unwrap_or(0) {
                    slow |= line.contains("/slow");
                    if line == "\r\n" {
                        if slow {
                            tokio::time::sleep(Duration::from_secs(1)).await;
                        }
                        *answered.lock().unwrap().entry(address.ip()).or_default() += 1;
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                        slow = false;
                    }
                    line.clear();
                }
            });
        }
    });
}

/// Sends one request and returns the status of its answer.
pub(crate) async fn ask(stream: &mut BufReader<TcpStream>, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut status, mut length, mut line) = (0, 0, String::new());
    while 0 < stream.read_line(&mut line).await.unwrap() {
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        line.clear();
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    status
}

#[tokio::test]
async fn shares_are_exact_and_the_route_reads_back() {
    let Some(bed) = Stand::new("shares").await else {
        return;
    };
    assert_eq!(bed.in_force().await, None, "nothing was ever set");
    for last in 11..=14 {
        bed.enrol("v1", last, Admission::Serving).await;
    }
    assert!(applied(&bed.attempt(Effect::Route(Route::ByReplicas)).await));
    assert_eq!(bed.in_force().await, Some(Route::ByReplicas));
    assert_eq!(bed.requests(40).await, (11..=14).map(|last| (last, 10)).collect());
    bed.route(&[("v1", 100), ("v2", 0)]).await;
    bed.enrol("v2", 15, Admission::Standby).await;
    assert_eq!(bed.requests(40).await.get(&15), None, "on standby nothing comes");
    for (percent, of_400) in [(5, 20), (25, 100), (50, 200), (100, 400), (25, 100), (0, 0)] {
        bed.route(&[("v1", 100 - percent), ("v2", percent)]).await;
        let found = bed.requests(400).await.get(&15).copied().unwrap_or(0);
        assert!(found.abs_diff(of_400) <= 1, "{percent} %: {found} of 400");
    }
    assert!(applied(&bed.attempt(Effect::Route(Route::Empty)).await));
    assert_eq!(bed.in_force().await, Some(Route::Empty));
}

#[tokio::test]
async fn a_new_instance_makes_the_route_due_again() {
    let Some(bed) = Stand::new("due").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.route(&[("v1", 100)]).await;
    bed.enrol("v1", 12, Admission::Standby).await;
    assert_eq!(bed.in_force().await, None, "all of v1, but not evenly");
    bed.route(&[("v1", 100)]).await;
    assert_eq!(bed.requests(20).await, BTreeMap::from([(11, 10), (12, 10)]));
    // An engine that starts anew finds the route in force.
    let again = HaProxy::connect(traffic(&bed.folder, "web-a.b", bed.port)).await.unwrap();
    let workload = WorkloadId::new("web").unwrap();
    let seen = Router::observe(&again, &workload).await.unwrap();
    assert_eq!(seen.route, Some(weighted(&[("v1", 100)])));
}

#[tokio::test]
async fn draining_keeps_the_shares_and_lets_requests_end() {
    let Some(bed) = Stand::new("drain").await else {
        return;
    };
    for last in 11..=13 {
        bed.enrol("v1", last, Admission::Serving).await;
    }
    bed.enrol("v2", 14, Admission::Standby).await;
    bed.route(&[("v1", 75), ("v2", 25)]).await;
    // One request in flight on every server.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let listen = bed.listen;
        slow.push(tokio::spawn(async move {
            ask(&mut BufReader::new(TcpStream::connect(listen).await.unwrap()), "/slow").await
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..2 {
        assert!(applied(&bed.attempt(Effect::Drain { instance: instance(11) }).await));
    }
    let (state, in_flight) = bed.enrolled().await[&11];
    assert_eq!(state, EnrolState::Draining);
    assert!(0 < in_flight.unwrap(), "requests in flight are counted");
    assert_eq!(bed.in_force().await, Some(weighted(&[("v1", 75), ("v2", 25)])));
    let found = bed.requests(40).await;
    assert_eq!(found, BTreeMap::from([(12, 15), (13, 15), (14, 10)]));
    for request in slow {
        assert_eq!(request.await.unwrap(), 200, "a request in flight was cut");
    }
    // An idle client, and an idle connection to the server, hold nothing up.
    assert_eq!(bed.enrolled().await[&11], (EnrolState::Draining, Some(0)));
    for _ in 0..2 {
        assert!(applied(&bed.attempt(Effect::Detach { instance: instance(11) }).await));
    }
    assert!(!bed.enrolled().await.contains_key(&11));
}

#[tokio::test]
async fn detaching_cuts_what_is_in_flight() {
    let Some(bed) = Stand::new("cut").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    let listen = bed.listen;
    let slow = tokio::spawn(async move {
        ask(&mut BufReader::new(TcpStream::connect(listen).await.unwrap()), "/slow").await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(applied(&bed.attempt(Effect::Drain { instance: instance(11) }).await));
    let mut outcome = bed.attempt(Effect::Detach { instance: instance(11) }).await;
    match &outcome {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, *retry), (RefusalKind::Busy, Retry::Backoff));
        }
        Outcome::Applied { .. } | Outcome::Unknown { .. } => (),
    }
    for _ in 0..20 {
        if applied(&outcome) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        outcome = bed.attempt(Effect::Detach { instance: instance(11) }).await;
    }
    assert!(applied(&outcome), "{outcome}");
    assert_ne!(slow.await.unwrap(), 200);
}

#[tokio::test]
async fn a_restart_of_haproxy_shows_as_nothing_enrolled() {
    let Some(mut bed) = Stand::new("restart").await else {
        return;
    };
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.route(&[("v1", 100)]).await;
    bed.child.kill().await.unwrap();
    let refused = bed.attempt(Effect::Drain { instance: instance(11) }).await;
    match refused {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, retry), (RefusalKind::Unreachable, Retry::Backoff));
        }
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
    bed.child = spawn(&bed.folder, bed.listen).await;
    assert_eq!(bed.enrolled().await, BTreeMap::new());
    assert_eq!(bed.in_force().await, None);
    bed.enrol("v1", 11, Admission::Standby).await;
    bed.route(&[("v1", 100)]).await;
    assert_eq!(bed.requests(5).await, BTreeMap::from([(11, 5)]));
}

#[tokio::test]
async fn an_older_reign_is_fenced_off_here_too() {
    let Some(mut bed) = Stand::new("old").await else {
        return;
    };
    bed.epoch = Epoch(5);
    bed.enrol("v1", 11, Admission::Serving).await;
    bed.epoch = Epoch(4);
    match bed.attempt(Effect::Route(Route::Empty)).await {
        Outcome::Refused { why, retry } => {
            assert_eq!((why.kind, retry), (RefusalKind::Fenced, Retry::Never));
        }
        other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
    }
    assert_eq!(bed.requests(3).await, BTreeMap::from([(11, 3)]));
}

#[tokio::test]
async fn what_haproxy_lacks_is_named() {
    let Some(bed) = Stand::new("lacks").await else {
        return;
    };
    let connect =
        async |backend: &str| HaProxy::connect(traffic(&bed.folder, backend, 1)).await.map(drop);
    match connect("nope").await {
        Err(TrafficError::UnknownBackend { known, .. }) => {
            assert!(known.contains("web-a.b"), "{known}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(connect("fixed").await, Err(TrafficError::StaticBalance { .. })));
    let nowhere = HaProxy::connect(traffic(std::path::Path::new("/no/such"), "web", 1)).await;
    assert!(matches!(nowhere, Err(TrafficError::Unreachable { .. })));
}
