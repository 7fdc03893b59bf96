//! Load by new connections alone: one that is kept would go on to its pod whatever the Service says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    task::JoinHandle,
    time::{interval, timeout},
};

/// Clients at once; each sends [`RATE`] requests a second.
const CLIENTS: u8 = 8;
const RATE: u64 = 50;
/// Longest wait for one answer.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A load under way.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    failed: Arc<Mutex<Vec<String>>>,
    clients: Vec<JoinHandle<u64>>,
}

impl Load {
    /// Begins to ask the `NodePort`.
    pub(crate) fn start(port: u16) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let begun = Instant::now();
        let client = |number| {
            let (stop, failed) = (Arc::clone(&stop), Arc::clone(&failed));
            tokio::spawn(async move {
                let mut due = interval(Duration::from_millis(1000 / RATE));
                let mut sent = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    due.tick().await;
                    if let Err(why) = ask(number, sent, port).await {
                        let at = begun.elapsed().as_millis();
                        failed.lock().unwrap().push(format!("after {at} ms: {why}"));
                    }
                    sent += 1;
                }
                sent
            })
        };
        let clients = (1..=CLIENTS).map(client).collect();
        Self { stop, failed, clients }
    }

    /// Ends it, and checks that no request has failed; how many were sent.
    pub(crate) async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = 0;
        for client in self.clients {
            sent += client.await.unwrap();
        }
        let failed = self.failed.lock().unwrap();
        println!("{sent} requests, {} failed", failed.len());
        assert!(failed.is_empty(), "of {sent} requests: {failed:#?}");
        sent
    }
}

/// Sends one request. Every connection comes from another address: conntrack still maps the ones before.
pub(crate) async fn ask(client: u8, number: u64, port: u16) -> Result<(), String> {
    let [.., high, low] = number.to_be_bytes();
    let from = Ipv4Addr::new(127, client, high, low.max(2));
    let asked = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match timeout(WAIT_MAX, asked).await {
        Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") => Ok(()),
        Ok(Ok(answer)) => Err(String::from_utf8_lossy(&answer).into_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {WAIT_MAX:?}")),
    }
}
