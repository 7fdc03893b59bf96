//! The journal in a real cluster: its kind, its writes, its size with the records of 1,000 pods.
//!
//! In: a cluster, the one that runs or one of its own. They run when they are asked for by name, and then
//! never skip: `cargo test -p rollout-k8s --test journal`.

use std::time::Instant;

use rollout_core::{
    engine::{Change, Effect, Record, Settlement},
    id::{ActionId, Epoch, InstanceId, Seq, WorkloadId},
    port::{Journal, JournalError},
    time::Timestamp,
};
use rollout_k8s::{
    client::{self, Options},
    journal::{KubernetesJournal, journal_definition},
};
use rollout_live::cluster::Cluster;

struct Place {
    cluster: Cluster,
    name: &'static str,
    client: kube::Client,
}

impl Place {
    /// A namespace of its own on a cluster that knows the kind.
    async fn new(name: &'static str) -> Self {
        let cluster = Cluster::get().expect("a cluster");
        let options = Options { kubeconfig: Some(cluster.kubeconfig()), ..Options::default() };
        let (client, _) = client::connect(&options).await.expect("a client");
        cluster.apply(&journal_definition().to_string()).unwrap();
        let established = "wait --for=condition=Established crd/rolloutjournals.rollout-engine.dev";
        cluster.kubectl(established.split(' ')).unwrap();
        cluster.kubectl(["delete", "namespace", name, "--ignore-not-found"]).unwrap();
        cluster.kubectl(["create", "namespace", name]).unwrap();
        Self { cluster, name, client }
    }

    fn journal(&self) -> KubernetesJournal {
        KubernetesJournal::new(self.client.clone(), self.name)
    }

    fn kubectl(&self, line: &str) -> String {
        let args = ["--namespace", self.name].into_iter().chain(line.split(' '));
        self.cluster.kubectl(args).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.cluster.kubectl(["delete", "namespace", self.name, "--wait=false"]));
    }
}

fn web() -> WorkloadId {
    WorkloadId::new("web").unwrap()
}

fn claims(from: u64, count: u64) -> Vec<Record> {
    let record = |at| Record { at: Timestamp(at), change: Change::Claimed { epoch: Epoch(at) } };
    (from..from + count).map(record).collect()
}

#[tokio::test]
async fn a_journal_is_written_read_and_guarded() {
    let place = Place::new("journal-guarded").await;
    let (one, other) = (place.journal(), place.journal());
    assert_eq!(one.load(&web()).await, Ok(Vec::new()));
    assert_eq!(one.append(&web(), Seq(0), &claims(1, 2)).await, Ok(Seq(2)));
    // A person's label is none of the engine's business, and no conflict.
    place.kubectl("label rolloutjournals web team=shop");
    assert_eq!(one.append(&web(), Seq(2), &claims(3, 1)).await, Ok(Seq(3)));
    let moved = JournalError::Moved { workload: web(), expected: Seq(2), found: Seq(3) };
    assert_eq!(other.append(&web(), Seq(2), &claims(9, 1)).await, Err(moved));
    assert_eq!(other.append(&web(), Seq(3), &claims(4, 1)).await, Ok(Seq(4)));
    let moved = JournalError::Moved { workload: web(), expected: Seq(3), found: Seq(4) };
    assert_eq!(one.append(&web(), Seq(3), &claims(9, 1)).await, Err(moved));
    assert_eq!(one.load(&web()).await, Ok(claims(1, 4)));
    assert_eq!(one.workloads().await, Ok(vec![web()]));
    let epoch =
        "get rolloutjournals web -o jsonpath={.metadata.annotations.rollout-engine\\.dev/epoch}";
    assert_eq!(place.kubectl(epoch).trim(), "4");

    let short = Record::compacted(&claims(1, 4), 1).unwrap().unwrap();
    assert_eq!(one.compact(&web(), Seq(4), &short).await, Ok(()));
    assert_eq!(other.load(&web()).await, Ok(short.clone()));
    assert_eq!(other.append(&web(), Seq(4), &claims(5, 1)).await, Ok(Seq(5)));
    assert_eq!(one.load(&web()).await, Ok([short, claims(5, 1)].concat()));
}

/// What the drain of each of `count` pods brings.
fn drains(from: u64, count: u64) -> Vec<Record> {
    let at = |id| Timestamp(1_700_000_000_000 + id);
    let of = |id: u64| {
        let instance = InstanceId::new(format!("web-6d4cf56db6-{id:05}")).unwrap();
        let effect = Effect::Drain { instance: instance.clone() };
        let id = ActionId(id);
        [
            Change::Retired { instance: instance.clone() },
            Change::Intended { id, effect },
            Change::Settled { id, how: Settlement::Applied },
            Change::Gone { instance },
        ]
        .map(|change| Record { at: at(id.0), change })
    };
    (from..from + count).flat_map(of).collect()
}

#[tokio::test]
async fn a_thousand_pods_fit_with_room() {
    let place = Place::new("journal-thousand").await;
    let journal = place.journal();
    let (mut seq, mut longest_ms) = (Seq(0), 0);
    for batch in 0..20 {
        let records = drains(batch * 50 + 1, 50);
        let began = Instant::now();
        seq = journal.append(&web(), seq, &records).await.unwrap();
        longest_ms = longest_ms.max(began.elapsed().as_millis());
    }
    assert_eq!(seq, Seq(4_000));
    let again = place.journal();
    let began = Instant::now();
    let records = again.load(&web()).await.unwrap();
    let load_ms = began.elapsed().as_millis();
    assert_eq!(records, drains(1, 1_000));
    let bytes = place.kubectl("get rolloutjournals web -o json").len();
    println!(
        "drains of 1,000 pods: {bytes} bytes, {load_ms} ms to load, {longest_ms} ms for the slowest append"
    );
    assert!(bytes < 1 << 19, "{bytes} bytes");
}
