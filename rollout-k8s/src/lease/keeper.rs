//! Reads and writes the leases: one list and one write per lease held, each round, the writes side by side.
//!
//! Verbs: `leases` in the operator's own namespace: list, create, update, delete.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    Decision, KeeperOptions, Seen, Shard, assign, evaluate,
    object::{self, COPY, LABEL, SHARD, is, name_of, read, shard_name},
};

/// A lease of a copy that has not changed for this many lengths is litter.
const LITTER_AFTER: u32 = 20;

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

/// A write of a lease as mine.
struct Wish {
    name: String,
    purpose: &'static str,
    /// Of which shard; `None`: it is this copy's own.
    shard: Option<Shard>,
    epoch: u64,
    /// What it replaces.
    version: Option<String>,
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
        let copies = self.copies(&leases, now);
        let wanted = assign(self.options.shards, &copies);
        let (mut turnover, mut wishes) = (Turnover::default(), vec![self.copy_wish(&leases)]);
        for shard in 0..self.options.shards {
            let is_there = leases.iter().any(|lease| name_of(lease) == shard_name(shard));
            let is_mine = wanted.get(&shard).is_some_and(|copy| *copy == self.options.me);
            wishes.extend(self.shard(shard, is_there, is_mine, now, &mut turnover));
        }
        self.fulfil(wishes, &mut turnover).await;
        self.tidy(&leases, now).await;
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
            // What this copy wrote without an answer; whatever another one wrote is of now at the earliest.
            let doubted = self.in_doubt.remove(&name);
            let mut found = before.unwrap_or_else(|| read(lease, version, now));
            if found.since == now && found.holder.as_deref() == Some(self.options.me.as_str()) {
                found.since = doubted.unwrap_or(now);
            }
            seen.insert(name, found);
        }
        self.seen = seen;
    }

    /// The copies that are there, this one among them.
    fn copies(&self, leases: &[Lease], now: Duration) -> BTreeSet<String> {
        let mut copies = BTreeSet::from([self.options.me.clone()]);
        for lease in leases.iter().filter(|lease| is(lease, COPY)) {
            if let Some(Seen { holder: Some(holder), since, length, .. }) =
                self.seen.get(&name_of(lease))
                && now < *since + *length
            {
                copies.insert(holder.clone());
            }
        }
        copies
    }

    /// Removes leases of copies that are long gone. Whether it works matters to nobody; the next round tries again.
    async fn tidy(&self, leases: &[Lease], now: Duration) {
        for lease in leases.iter().filter(|lease| is(lease, COPY)) {
            let name = name_of(lease);
            let seen = self.seen.get(&name);
            if seen.is_some_and(|seen| seen.since + seen.length * LITTER_AFTER < now) {
                let params = DeleteParams::default();
                drop(soon(self.options.every, self.api.delete(&name, &params)).await);
            }
        }
    }

    /// What one shard's lease asks for; a write, if it asks for one.
    fn shard(
        &mut self,
        shard: Shard,
        is_there: bool,
        is_to_be_mine: bool,
        now: Duration,
        turnover: &mut Turnover,
    ) -> Option<Wish> {
        let name = shard_name(shard);
        let seen = self.seen.get(&name).filter(|_| is_there);
        let held = self.held.get(&shard).copied();
        let decision = evaluate(seen, &self.options.me, held, now);
        let version = seen.map(|seen| seen.version.clone());
        let wish = |epoch| Some(Wish { name, purpose: SHARD, shard: Some(shard), epoch, version });
        match decision {
            // A renewal that fails is tried again until the lease is over.
            Decision::Renew if is_to_be_mine => wish(held.expect("only what is held is renewed")),
            Decision::Acquire { epoch } if is_to_be_mine => wish(epoch),
            Decision::Renew => {
                turnover.handed_over.insert(shard);
                None
            }
            Decision::Acquire { .. } | Decision::Wait { .. } => None,
            Decision::Lost => {
                self.held.remove(&shard);
                turnover.lost.insert(shard);
                None
            }
        }
    }

    fn copy_wish(&self, leases: &[Lease]) -> Wish {
        let name = self.copy_name();
        let is_there = leases.iter().any(|lease| name_of(lease) == name);
        let seen = self.seen.get(&name).filter(|_| is_there);
        let version = seen.map(|seen| seen.version.clone());
        Wish { name, purpose: COPY, shard: None, epoch: 0, version }
    }

    /// Makes all these writes at once: what a slow server takes for one, it takes for all.
    async fn fulfil(&mut self, wishes: Vec<Wish>, turnover: &mut Turnover) {
        // From before the writes, so that this copy never believes longer than the others do.
        let since = self.began.elapsed();
        for wish in &wishes {
            self.in_doubt.insert(wish.name.clone(), since);
        }
        let all = join_all(wishes.iter().map(|wish| self.write(wish))).await;
        for (wish, written) in wishes.into_iter().zip(all) {
            let lease = match written {
                Ok(lease) => lease,
                Err(why) => {
                    warn!(lease = wish.name, why, "lease cannot be written");
                    continue;
                }
            };
            self.in_doubt.remove(&wish.name);
            let version = lease.metadata.resource_version.clone().unwrap_or_default();
            self.seen.insert(wish.name, read(&lease, version, since));
            let Some(shard) = wish.shard else { continue };
            if self.held.insert(shard, wish.epoch).is_none() {
                turnover.gained.insert(shard, wish.epoch);
            }
        }
    }

    /// Writes a lease as mine, guarded by what was seen of it.
    async fn write(&self, wish: &Wish) -> Result<Lease, String> {
        let Wish { name, purpose, epoch, version, .. } = wish;
        let (me, length) = (Some(self.options.me.as_str()), self.options.length);
        let lease = object::lease(name, purpose, me, (*epoch, length), version.as_deref());
        let params = PostParams::default();
        match version {
            Some(_) => soon(self.options.every, self.api.replace(name, &params, &lease)).await,
            None => soon(self.options.every, self.api.create(&params, &lease)).await,
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
