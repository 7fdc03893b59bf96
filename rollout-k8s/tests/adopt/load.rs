//! Load by new connections alone: one that is kept would go on to its pod whatever the Service says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
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
    failed: Arc<AtomicU64>,
    clients: Vec<JoinHandle<u64>>,
}

impl Load {
    /// Begins to ask the `NodePort`.
    pub(crate) fn start(port: u16) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |number| {
            let (stop, failed) = (Arc::clone(&stop), Arc::clone(&failed));
            tokio::spawn(async move {
                let mut due = interval(Duration::from_millis(1000 / RATE));
                let mut sent = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    due.tick().await;
                    if !ask(number, sent, port).await {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    sent += 1;
                }
                sent
            })
        };
        let clients = (1..=CLIENTS).map(client).collect();
        Self { stop, failed, clients }
    }

    /// Ends it: how many requests were sent, and how many of them failed.
    pub(crate) async fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = 0;
        for client in self.clients {
            sent += client.await.unwrap();
        }
        (sent, self.failed.load(Ordering::Relaxed))
    }
}

/// Whether one request is answered. Every connection comes from another address: conntrack still maps the ones
/// before.
async fn ask(client: u8, number: u64, port: u16) -> bool {
    let [.., high, low] = number.to_be_bytes();
    let from = Ipv4Addr::new(127, client, high, low.max(2));
    let asked = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    matches!(timeout(WAIT_MAX, asked).await, Ok(Ok(true)))
}
