//! A whole replacement under load: nobody's request fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rollout_core::engine::{Admission, Effect};
use tokio::{io::BufReader, net::TcpStream};

use super::{
    bed::applied,
    stand::{Stand, ask, instance},
};

/// Clients that keep their connection and ask again as soon as they are answered.
const CLIENTS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_under_load_fails_no_request() {
    let Some(stand) = Stand::new("load").await else {
        return;
    };
    for last in 11..=13 {
        stand.enrol("v1", last, Admission::Serving).await;
    }
    stand.route(&[("v1", 100)]).await;
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (over, asked, listen) = (Arc::clone(&over), Arc::clone(&asked), stand.listen);
            tokio::spawn(async move {
                let mut failed = 0_u64;
                let mut stream = BufReader::new(TcpStream::connect(listen).await.unwrap());
                while !over.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    failed += u64::from(ask(&mut stream, "/").await != 200);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                failed
            })
        })
        .collect();
    let pause = || tokio::time::sleep(Duration::from_millis(150));
    for (old, new) in [(11, 14), (12, 15), (13, 16)] {
        pause().await;
        stand.enrol("v2", new, Admission::Standby).await;
        let percent = u64::from(new - 13) * 100 / 3;
        stand.route(&[("v1", 100 - percent), ("v2", percent)]).await;
        pause().await;
        assert!(applied(&stand.attempt(Effect::Drain { instance: instance(old) }).await));
        while stand.enrolled().await[&old].1 != Some(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let outcome = stand.attempt(Effect::Detach { instance: instance(old) }).await;
        assert!(applied(&outcome), "what has nothing in flight can go: {outcome}");
    }
    pause().await;
    over.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for client in clients {
        failed += client.await.unwrap();
    }
    let asked = asked.load(Ordering::Relaxed);
    println!("{asked} requests, {failed} failed");
    assert!(1_000 < asked, "only {asked} requests were made");
    assert_eq!(failed, 0, "of {asked} requests");
}
