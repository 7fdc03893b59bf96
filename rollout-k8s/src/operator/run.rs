//! The loop of one copy: objects come and go, shards come and go; each object of a shard that is mine has an
//! attendant.

use std::{collections::BTreeMap, sync::Arc};

use kube::Client;
use rollout_core::port::Clock;
use tokio::{
    sync::watch,
    task::{AbortHandle, Id, JoinSet},
    time::{Instant, sleep_until},
};
use tracing::{Instrument as _, info, info_span, warn};

use super::{
    attendant::{Attendant, Context, Left},
    events::Events,
    http,
    key::Key,
    metrics::Metrics,
    options::OperatorOptions,
    ports::PortsOf,
    store::{Changed, Store},
};
use crate::{
    crd::Rollout,
    lease::{Keeper, Shard, Turnover},
};

/// An operator that cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// Nobody could ask it how it is.
    #[error(
        "{address}: metrics and health cannot be served there: {why}; choose another `--listen`"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's own words.
        why: String,
    },
}

/// One copy of the operator.
pub struct Operator {
    context: Arc<Context>,
    keeper: Keeper,
    store: Store,
    attended: BTreeMap<Key, Attended>,
    tasks: JoinSet<Left>,
    names: BTreeMap<Id, Key>,
    listed: bool,
}

/// An attendant at work.
struct Attended {
    rollout: watch::Sender<Arc<Rollout>>,
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

impl Operator {
    /// A copy that attends to nothing yet.
    #[must_use]
    pub fn new(
        client: Client,
        options: OperatorOptions,
        ports: Arc<dyn PortsOf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keeper = Keeper::new(client.clone(), options.leases.clone());
        let store = Store::new(client.clone(), options.namespace.as_deref());
        let events = Events::new(client.clone(), &options.leases.me);
        let metrics = Arc::new(Metrics::new());
        let context = Context { client, options, ports, clock, events, metrics };
        Self {
            context: Arc::new(context),
            keeper,
            store,
            attended: BTreeMap::new(),
            tasks: JoinSet::new(),
            names: BTreeMap::new(),
            listed: false,
        }
    }

    /// Keeps the leases by `client`, so that a renewal never waits for its turn behind everything else.
    #[must_use]
    pub fn with_leases_by(mut self, client: Client) -> Self {
        self.keeper = Keeper::new(client, self.context.options.leases.clone());
        self
    }

    /// Runs until `stop` is done, then lets every driver end its attempts and gives its shards back.
    ///
    /// # Errors
    ///
    /// [`OperatorError::Listen`] if its address is taken. Nothing was touched then.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), OperatorError> {
        let server = match self.context.options.listen {
            Some(address) => Some(http::listen(address, Arc::clone(&self.context.metrics)).await?),
            None => None,
        };
        let serving = async move {
            match server {
                Some(server) => server.serve().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(stop, serving);
        let mut round_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = until(self.keeper.trusted_until()) => self.give_up(),
                () = sleep_until(round_at) => {
                    round_at = Instant::now() + self.context.options.leases.every;
                    self.round().await;
                }
                changed = self.store.next() => self.changed(changed),
                Some(left) = self.tasks.join_next_with_id() => {
                    let (id, left) = match left {
                        Ok((id, left)) => (id, left),
                        Err(error) if error.is_cancelled() => (error.id(), Left::Stopped),
                        Err(error) => {
                            warn!(%error, "an attendant has failed");
                            (error.id(), Left::Stopped)
                        }
                    };
                    self.left(id, left);
                }
                () = &mut serving => (),
            }
        }
        self.leave().await;
        Ok(())
    }

    /// Gives up the shards whose leases end: what their drivers have under way is dropped as in a crash, for
    /// another copy may go on any moment now.
    fn give_up(&mut self) {
        for shard in self.keeper.give_up() {
            warn!(shard, "shard given up: its lease could not be renewed");
            self.drop_all(shard);
        }
        self.context.metrics.shards(self.keeper.held().len());
    }

    fn drop_all(&self, shard: Shard) {
        for attended in self.of_shard(shard) {
            attended.task.abort();
        }
    }

    fn of_shard(&self, shard: Shard) -> impl Iterator<Item = &Attended> {
        let shards = self.context.options.leases.shards;
        let is_its = move |(key, _): &(&Key, &Attended)| key.shard(shards) == shard;
        self.attended.iter().filter(is_its).map(|(_, attended)| attended)
    }

    /// One round over the leases, as long as those that are held can be trusted.
    async fn round(&mut self) {
        let trusted_until = self.keeper.trusted_until();
        let turnover = tokio::select! {
            biased;
            turnover = self.keeper.round() => turnover,
            () = until(trusted_until) => return,
        };
        let Turnover { gained, lost, handed_over } = turnover;
        for shard in lost {
            warn!(shard, "shard lost to another copy");
            self.drop_all(shard);
        }
        for shard in &handed_over {
            info!(shard, "shard given up");
            for attended in self.of_shard(*shard) {
                attended.stop.send_replace(true);
            }
        }
        for shard in handed_over {
            // What still stops holds the shard until the next round.
            let shards = self.context.options.leases.shards;
            if !self.attended.keys().any(|key| key.shard(shards) == shard) {
                self.keeper.release(shard).await;
            }
        }
        for (shard, epoch) in &gained {
            info!(shard, epoch, "shard taken");
        }
        if !gained.is_empty() {
            self.attend_all();
        }
        let held = self.keeper.held().len();
        self.context.metrics.shards(held);
        self.context.metrics.is_ready(self.listed);
    }

    /// Sees to every object of my shards that has no attendant.
    fn attend_all(&mut self) {
        let all: Vec<Arc<Rollout>> =
            self.store.all().map(|(_, rollout)| Arc::clone(rollout)).collect();
        for rollout in all {
            self.attend(&rollout);
        }
    }

    fn changed(&mut self, changed: Changed) {
        match changed {
            Changed::Applied(rollout) => {
                let key = Key::of(&rollout);
                match self.attended.get(&key) {
                    Some(attended) => drop(attended.rollout.send_replace(rollout)),
                    None if self.listed => self.attend(&rollout),
                    None => (),
                }
            }
            Changed::Gone(key) => {
                if let Some(attended) = self.attended.get(&key) {
                    attended.stop.send_replace(true);
                }
            }
            Changed::Listed => {
                self.listed = true;
                self.context.metrics.is_ready(true);
                self.attend_all();
            }
        }
    }

    /// Begins to attend to an object, if it is mine.
    fn attend(&mut self, rollout: &Arc<Rollout>) {
        let key = Key::of(rollout);
        let shard = key.shard(self.context.options.leases.shards);
        let is_mine = self.keeper.held().contains_key(&shard);
        if !is_mine || self.attended.contains_key(&key) {
            return;
        }
        let (rollouts, told) = watch::channel(Arc::clone(rollout));
        let (stop, stopped) = watch::channel(false);
        let attendant = Attendant::new(Arc::clone(&self.context), key.clone(), told, stopped);
        let span = info_span!("attend", %key);
        let task = self.tasks.spawn(attendant.attend().instrument(span));
        self.names.insert(task.id(), key.clone());
        self.attended.insert(key, Attended { rollout: rollouts, stop, task });
    }

    /// An attendant has left; what changed meanwhile is seen to by another one.
    fn left(&mut self, id: Id, left: Left) {
        let Some(key) = self.names.remove(&id) else { return };
        self.attended.remove(&key);
        match left {
            Left::Stopped => (),
            Left::Gone => {
                self.context.metrics.forget(&key);
                return;
            }
        }
        if let Some(rollout) = self.store.get(&key).cloned() {
            self.attend(&rollout);
        }
    }

    /// Ends everything: attempts under way first, then the shards, so that the next copy finds them free.
    async fn leave(mut self) {
        for attended in self.attended.values() {
            attended.stop.send_replace(true);
        }
        while self.tasks.join_next().await.is_some() {}
        self.keeper.leave().await;
    }
}

/// Waits until `at`, or for ever if there is no such time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
