//! Probes against real listeners and real commands.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rollout_core::{id::InstanceId, spec::Probe};
use rollout_runtime::probe::{Answer, NetworkProber, Prober};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
    time::timeout,
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Listens, answers every request with the same bytes, and remembers the heads of requests.
struct Listener {
    port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn listen(answer: Vec<u8>) -> Listener {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (counted, kept) = (Arc::clone(&connections), Arc::clone(&heads));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let mut head = vec![0; 4096];
            let count = stream.read(&mut head).await.unwrap();
            kept.lock().await.push(String::from_utf8_lossy(&head[..count]).into_owned());
            // The other side may hang up before all was written.
            drop(stream.write_all(&answer).await);
        }
    });
    Listener { port, connections, heads }
}

async fn ask(probe: serde_json::Value) -> Answer {
    let probe: Probe = serde_json::from_value(probe).unwrap();
    let instance = InstanceId::new("web-1").unwrap();
    let asked = NetworkProber.ask(&instance, HERE, &probe);
    timeout(Duration::from_secs(20), asked).await.expect("an answer, good or bad")
}

async fn get(port: u16) -> Answer {
    ask(serde_json::json!({"http": {"port": port, "path": "/health"}})).await
}

#[tokio::test]
async fn a_status_from_200_to_399_is_healthy() {
    for (status, healthy) in
        [(200, true), (204, true), (302, true), (399, true), (400, false), (503, false)]
    {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let listener = listen(head.into_bytes()).await;
        let answer = get(listener.port).await;
        assert_eq!(answer.healthy, healthy, "{status}");
        assert_eq!(answer.detail, format!("status {status}"));
    }
}

#[tokio::test]
async fn every_attempt_has_a_connection_of_its_own() {
    let listener = listen(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()).await;
    let probe = serde_json::json!({"http": {
        "port": listener.port, "path": "/health?deep=1", "headers": {"x-probe": "yes"}
    }});
    for _ in 0..3 {
        assert!(ask(probe.clone()).await.healthy);
    }
    assert_eq!(listener.connections.load(Ordering::Relaxed), 3);
    let heads = listener.heads.lock().await;
    assert!(heads[0].starts_with("GET /health?deep=1 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("x-probe: yes\r\n"), "{}", heads[0]);
    assert!(heads[0].contains(&format!("host: 127.0.0.1:{}\r\n", listener.port)), "{}", heads[0]);
}

#[tokio::test]
async fn a_long_body_is_cut_and_a_broken_one_is_unhealthy() {
    let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n".to_vec();
    long.resize(50_000_000, b'x');
    let listener = listen(long).await;
    assert_eq!(get(listener.port).await, Answer::healthy("status 200"));

    let broken = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let listener = listen(broken).await;
    let answer = get(listener.port).await;
    assert!(!answer.healthy, "{answer:?}");

    let listener = listen(b"SSH-2.0-whatever\r\n".to_vec()).await;
    let answer = get(listener.port).await;
    assert!(!answer.healthy && answer.detail.starts_with("no answer"), "{answer:?}");
}

#[tokio::test]
async fn nobody_listening_is_unhealthy() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let probe = serde_json::json!({"tcp": {"port": port}});
    assert_eq!(ask(probe.clone()).await, Answer::healthy("accepted"));
    drop(listener);
    let answer = ask(probe).await;
    assert!(!answer.healthy && answer.detail.contains("refused"), "{answer:?}");
    let answer = get(port).await;
    assert!(!answer.healthy && answer.detail.contains("refused"), "{answer:?}");
}

#[tokio::test]
async fn a_request_that_cannot_be_made_says_so() {
    for http in [
        serde_json::json!({"port": 1, "path": "no slash"}),
        serde_json::json!({"port": 1, "headers": {"bad name": "x"}}),
        serde_json::json!({"port": 1, "headers": {"x": "two\r\nlines"}}),
    ] {
        let answer = ask(serde_json::json!({"http": http})).await;
        assert!(answer.detail.contains("the probe makes no request"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_command_is_judged_by_its_exit_code_without_a_shell() {
    let run = |words: &[&str]| ask(serde_json::json!({"exec": {"command": words}}));
    let answer = run(&["test", "{instance} {address}", "=", "web-1 127.0.0.1"]).await;
    assert_eq!(answer, Answer::healthy("exit code 0"));
    assert_eq!(run(&["sh", "-c", "exit 3"]).await, Answer::unhealthy("exit code 3"));
    let answer = run(&["/nowhere/at-all"]).await;
    assert!(!answer.healthy && answer.detail.contains("cannot be run"), "{answer:?}");
    let injected = run(&["test", "a; true", "=", "b"]).await;
    assert_eq!(injected, Answer::unhealthy("exit code 1"));
    assert!(!run(&[]).await.healthy);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 1000", file.display());
    let command = serde_json::json!({"exec": {"command": ["sh", "-c", script]}});
    let probe: Probe = serde_json::from_value(command).unwrap();
    let instance = InstanceId::new("web-1").unwrap();
    let asked = NetworkProber.ask(&instance, HERE, &probe);
    let pid = async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let pid = tokio::select! {
        answer = asked => panic!("{answer:?}"),
        pid = pid => pid,
    };
    let process = format!("/proc/{pid}/cmdline");
    let began = Instant::now();
    // A killed process that nobody has waited for yet has no command line any more.
    while std::fs::read(&process).is_ok_and(|line| !line.is_empty()) {
        assert!(began.elapsed() < Duration::from_secs(10), "process {pid} lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
