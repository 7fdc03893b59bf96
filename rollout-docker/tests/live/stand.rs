//! One HAProxy with small servers behind it, which count what they answer.

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
    engine::{Action, Admission, Effect, EnrolState, Outcome, Route},
    id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, WorkloadId},
    port::{Enrolment, Router},
    weight::Weight,
};
use rollout_docker::{
    HaProxy,
    haproxy::{self, Config, Traffic},
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
    pub(crate) child: Child,
    pub(crate) folder: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) port: u16,
    proxy: HaProxy,
    pub(crate) epoch: Epoch,
    actions: AtomicU64,
    /// Requests answered, by the address of the server.
    answered: Arc<Mutex<BTreeMap<IpAddr, u64>>>,
}

pub(crate) fn traffic(folder: &std::path::Path, backend: &str, port: u16) -> Traffic {
    let socket = folder.join("h.sock");
    Traffic::read(&json!({ "haproxy": { "socket": socket.to_str().unwrap(), "backend": backend, "port": port } })).unwrap()
}

pub(crate) async fn spawn(folder: &std::path::Path, listen: SocketAddr) -> Child {
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

    pub(crate) async fn in_force(&self) -> Option<Route> {
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
    pub(crate) async fn requests(&self, count: u64) -> BTreeMap<u8, u64> {
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

pub(crate) fn weighted(shares: &[(&str, u64)]) -> Route {
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
