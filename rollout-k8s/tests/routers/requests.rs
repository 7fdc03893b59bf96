//! Requests with a host and headers of one's own, counted by the version that answered.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::place::Answers;

/// Connections side by side.
const CONNECTIONS: u64 = 16;

/// Sends `count` requests for `host` with `headers`, each on a connection of its own. Whatever is not
/// answered 200 is counted under what came instead.
pub(crate) async fn send(to: SocketAddr, host: &str, headers: &str, count: u64) -> Answers {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    let of_each = move |index: u64| count / CONNECTIONS + u64::from(index < count % CONNECTIONS);
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|index| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut answers = Answers::new();
                for _ in 0..of_each(index) {
                    *answers.entry(one(to, &request).await).or_default() += 1;
                }
                answers
            })
        })
        .collect();
    let mut all = Answers::new();
    for task in tasks {
        for (version, count) in task.await.unwrap() {
            *all.entry(version).or_default() += count;
        }
    }
    all
}

/// The version that answered one request, or what came instead.
async fn one(to: SocketAddr, request: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match exchange.await {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
            let mut lines = answer.lines();
            let version = lines.find_map(|line| line.strip_prefix("x-version: "));
            version.unwrap_or("no version").to_owned()
        }
        Ok(answer) => answer.lines().next().unwrap_or("nothing").to_owned(),
        Err(error) => error.to_string(),
    }
}
