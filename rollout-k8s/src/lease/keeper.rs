//! Reads and writes the leases: one list and one write per lease held, each round.
//!
//! Verbs: `leases` in the operator's own namespace: list, create, update, delete.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    Decision, Seen, Shard, assign, evaluate,
    object::{self, COPY, LABEL, SHARD, is, name_of, read, shard_name},
};

/// A lease of a copy that has not changed for this many lengths is litter.
const LITTER_AFTER: u32 = 20;

/// How work is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeeperOptions {
    /// Where the leases are.
    pub namespace: String,
    /// This copy's name, another for every run.
    pub me: String,
    /// Number of shards; the same for every copy. Default: 4.
    pub shards: u32,
    /// How long a lease holds without being renewed. Default: 10 s.
    pub length: Duration,
    /// Time between two rounds. Default: 3 s.
    pub every: Duration,
}

/// What changed hands in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Shards that are mine now, each with the epoch of its lease.
    pub gained: BTreeMap<Shard, u64>,
    /// Shards that are not mine any more: stop at once.
    pub lost: BTreeSet<Shard>,
    /// Shards that another copy is to have: stop, then [`Keeper::release`].
    pub handed_over: BTreeSet<Shard>,
}

/// Keeps the leases of one copy.
#[derive(Debug)]
pub struct Keeper {
    api: Api<Lease>,
    options: KeeperOptions,
    began: Instant,
    seen: BTreeMap<String, Seen>,
    held: BTreeMap<Shard, u64>,
    /// When the last write of a lease began whose answer was lost: it may have been done then, and not later.
    in_doubt: BTreeMap<String, Duration>,
}

impl KeeperOptions {
    /// Defaults for `me` in `namespace`.
    #[must_use]
    pub fn new(namespace: String, me: String) -> Self {
        Self {
            namespace,
            me,
            shards: 4,
            length: Duration::from_secs(10),
            every: Duration::from_secs(3),
        }
    }
}

impl Keeper {
    /// A keeper that holds nothing yet.
    #[must_use]
    pub fn new(client: Client, options: KeeperOptions) -> Self {
        let api = Api::namespaced(client, &options.namespace);
        let (seen, held, in_doubt) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { api, options, began: Instant::now(), seen, held, in_doubt }
    }

    /// When the first of the leases held ends for this copy, unless it is renewed before: a tenth of its length
    /// before any other copy may take it. `None`: none is held.
    #[must_use]
    pub fn trusted_until(&self) -> Option<Instant> {
        let ends = self.held.keys().map(|shard| self.trusted(*shard));
        ends.min().map(|until| self.began + until)
    }

    fn trusted(&self, shard: Shard) -> Duration {
        let seen = self.seen.get(&shard_name(shard));
        seen.map_or(Duration::ZERO, |seen| seen.since + seen.length * 9 / 10)
    }

    /// Gives up what could not be renewed in time.
    pub fn give_up(&mut self) -> BTreeSet<Shard> {
        let now = self.began.elapsed();
        let over = self.held.keys().copied().filter(|shard| self.trusted(*shard) <= now);
        let over: BTreeSet<Shard> = over.collect();
        self.held.retain(|shard, _| !over.contains(shard));
        over
    }

    /// The shards that are mine.
    #[must_use]
    pub fn held(&self) -> &BTreeMap<Shard, u64> {
        &self.held
    }

    /// One round: reads all leases, renews mine, takes what is free and to be mine. It may be dropped while it
    /// waits; what it has written by then is found by the next one.
    pub async fn round(&mut self) -> Turnover {
        let ours = ListParams::default().labels(LABEL);
        let leases = match soon(self.options.every, self.api.list(&ours)).await {
            Ok(listed) => listed.items,
            Err(why) => {
                warn!(why, "leases cannot be read");
                return Turnover::default();
            }
        };
        let now = self.began.elapsed();
        self.look(&leases, now);
        self.renew_copy(&leases).await;
        let copies = self.copies(&leases, now).await;
        let wanted = assign(self.options.shards, &copies);
        let mut turnover = Turnover::default();
        for shard in 0..self.options.shards {
            let lease = leases.iter().find(|lease| name_of(lease) == shard_name(shard));
            let is_mine = wanted.get(&shard).is_some_and(|copy| *copy == self.options.me);
            self.shard(shard, lease, is_mine, now, &mut turnover).await;
        }
        turnover
    }

    /// Gives a shard back, so that another copy need not wait for its end.
    pub async fn release(&mut self, shard: Shard) {
        if self.held.remove(&shard).is_none() {
            return;
        }
        let name = shard_name(shard);
        let Some(seen) = self.seen.get(&name) else { return };
        let (length, version) = (self.options.length, Some(seen.version.as_str()));
        let lease = object::lease(&name, SHARD, None, (seen.transitions, length), version);
        let params = PostParams::default();
        match soon(self.options.every, self.api.replace(&name, &params, &lease)).await {
            Ok(_) => info!(shard, "shard released"),
            // It ends by itself.
            Err(why) => warn!(shard, why, "shard cannot be released"),
        }
    }

    /// Gives everything back and says that this copy is gone.
    pub async fn leave(&mut self) {
        for shard in self.held.keys().copied().collect::<Vec<_>>() {
            self.release(shard).await;
        }
        let (name, params) = (self.copy_name(), DeleteParams::default());
        if let Err(why) = soon(self.options.every, self.api.delete(&name, &params)).await {
            warn!(why, "the lease of this copy cannot be removed; it ends by itself");
        }
    }

    /// Remembers since when each lease has not changed.
    fn look(&mut self, leases: &[Lease], now: Duration) {
        let mut seen = BTreeMap::new();
        for lease in leases {
            let name = name_of(lease);
            let version = lease.metadata.resource_version.clone().unwrap_or_default();
            let before = self.seen.remove(&name).filter(|before| before.version == version);
            let since = self.in_doubt.remove(&name).unwrap_or(now);
            seen.insert(name, before.unwrap_or_else(|| read(lease, version, since)));
        }
        self.seen = seen;
    }

    /// The copies that are there, this one among them. What is long gone is removed.
    async fn copies(&self, leases: &[Lease], now: Duration) -> BTreeSet<String> {
        let mut copies = BTreeSet::from([self.options.me.clone()]);
        for lease in leases.iter().filter(|lease| is(lease, COPY)) {
            let name = name_of(lease);
            let Some(Seen { holder: Some(holder), since, length, .. }) = self.seen.get(&name)
            else {
                continue;
            };
            if now < *since + *length {
                copies.insert(holder.clone());
            } else if *since + *length * LITTER_AFTER < now {
                // Whether it works matters to nobody; the next round tries again.
                let params = DeleteParams::default();
                drop(soon(self.options.every, self.api.delete(&name, &params)).await);
            }
        }
        copies
    }

    /// Does what one shard's lease asks for.
    async fn shard(
        &mut self,
        shard: Shard,
        lease: Option<&Lease>,
        is_to_be_mine: bool,
        now: Duration,
        turnover: &mut Turnover,
    ) {
        let name = shard_name(shard);
        let seen = lease.and_then(|_| self.seen.get(&name)).cloned();
        let held = self.held.get(&shard).copied();
        match evaluate(seen.as_ref(), &self.options.me, held, now) {
            Decision::Renew if is_to_be_mine => {
                let epoch = held.expect("only what is held is renewed");
                // A renewal that fails is tried again until the lease is over.
                self.write(&name, SHARD, epoch, seen.as_ref()).await;
            }
            Decision::Renew => drop(turnover.handed_over.insert(shard)),
            Decision::Acquire { epoch } if is_to_be_mine => {
                if self.write(&name, SHARD, epoch, seen.as_ref()).await {
                    self.held.insert(shard, epoch);
                    turnover.gained.insert(shard, epoch);
                }
            }
            Decision::Acquire { .. } | Decision::Wait { .. } => (),
            Decision::Lost => {
                self.held.remove(&shard);
                turnover.lost.insert(shard);
            }
        }
    }

    async fn renew_copy(&mut self, leases: &[Lease]) {
        let name = self.copy_name();
        let seen = leases.iter().any(|lease| name_of(lease) == name);
        let seen = if seen { self.seen.get(&name).cloned() } else { None };
        self.write(&name, COPY, 0, seen.as_ref()).await;
    }

    /// Writes a lease as mine, guarded by what was seen of it; whether that was done.
    async fn write(&mut self, name: &str, purpose: &str, epoch: u64, seen: Option<&Seen>) -> bool {
        // From before the write, so that this copy never believes longer than the others do.
        let since = self.began.elapsed();
        let version = seen.map(|seen| seen.version.as_str());
        let (me, length) = (Some(self.options.me.as_str()), self.options.length);
        let lease = object::lease(name, purpose, me, (epoch, length), version);
        let params = PostParams::default();
        let limit = self.options.every;
        let written = match version {
            Some(_) => soon(limit, self.api.replace(name, &params, &lease)).await,
            None => soon(limit, self.api.create(&params, &lease)).await,
        };
        match written {
            Ok(lease) => {
                let version = lease.metadata.resource_version.clone().unwrap_or_default();
                self.seen.insert(name.to_owned(), read(&lease, version, since));
                self.in_doubt.remove(name);
                true
            }
            Err(why) => {
                warn!(lease = name, why, "lease cannot be written");
                self.in_doubt.insert(name.to_owned(), since);
                false
            }
        }
    }

    fn copy_name(&self) -> String {
        format!("rollout-operator-copy-{}", self.options.me)
    }
}

/// What `call` returns, or why it did not within `limit`.
async fn soon<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}
