//! Proxy: stands before the API server and harms what goes through, as a test says.
//!
//! In: a running cluster, [`Fault`]s. Out: a kubeconfig that leads through it, and every request it saw. Clients
//! speak plain HTTP to it and keep their own identity: their token is passed on. Absent: chance; upgrades, as
//! `kubectl exec` needs them.

mod body;
mod fault;
mod relay;

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use tokio::sync::oneshot;

pub use self::fault::{Fault, Seen, Trouble, Which};
use self::relay::Shared;
use crate::cluster::Cluster;

/// A proxy that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The cluster's kubeconfig cannot be read.
    #[error("kubeconfig of the cluster: {0}")]
    Config(#[from] KubeconfigError),
    /// There is no client for the API server.
    #[error("no client for the API server: {0}")]
    Client(#[from] Box<kube::Error>),
    /// A port, a thread or a file cannot be had.
    #[error("proxy cannot start: {0}")]
    Start(#[from] io::Error),
}

/// A running proxy. Dropping it closes every connection through it.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    dir: PathBuf,
    /// Dropped with the proxy, which ends its thread.
    _stop: oneshot::Sender<()>,
}

impl Proxy {
    /// Starts a proxy before the API server of `cluster`.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] if there is no cluster to read about, or no port.
    pub fn start(cluster: &Cluster) -> Result<Self, ProxyError> {
        let direct = Kubeconfig::read_from(cluster.kubeconfig())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let dir = folder()?;
        write_kubeconfig(direct.clone(), addr, &dir.join("kubeconfig"))?;
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        // The client lives where it is made, on the proxy's own runtime; the caller may have another.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(run(direct, listener, &tell, stopped));
        })?;
        let shared =
            told.recv().map_err(|_| ProxyError::Start(io::ErrorKind::BrokenPipe.into()))??;
        Ok(Self { shared, dir, _stop: stop })
    }

    /// Path of a kubeconfig that leads through the proxy, with the rights of the cluster's own.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// From now on does `fault` to what it is about. The first fault that fits a request is done to it.
    pub fn inject(&self, fault: Fault) {
        self.shared.inject(fault);
    }

    /// From now on harms nothing; what was held back goes on.
    pub fn heal(&self) {
        self.shared.heal();
    }

    /// Every request so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It lies where temporary files do; a leftover harms nobody.
        fs::remove_dir_all(&self.dir).ok();
    }
}

/// A folder that only its owner reads: the kubeconfig has a token.
fn folder() -> io::Result<PathBuf> {
    static PROXIES: AtomicU64 = AtomicU64::new(0);
    let nth = PROXIES.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("rollout-proxy-{}-{nth}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&dir)?;
    Ok(dir)
}

fn write_kubeconfig(mut config: Kubeconfig, addr: SocketAddr, path: &Path) -> io::Result<()> {
    for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.server = Some(format!("http://{addr}"));
        cluster.certificate_authority = None;
    }
    // JSON is YAML too.
    let text = serde_json::to_vec(&config)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&text)
}

/// Serves until told to stop, once there is a client; tells what all share, or why there is none.
async fn run(
    direct: Kubeconfig,
    listener: TcpListener,
    tell: &mpsc::Sender<Result<Arc<Shared>, ProxyError>>,
    stopped: oneshot::Receiver<()>,
) {
    let made = upstream(direct).await.map(|client| Arc::new(Shared::new(client)));
    let serving = made.as_ref().ok().map(Arc::clone);
    // The one who started it may have gone without waiting.
    tell.send(made).ok();
    if let Some(shared) = serving {
        tokio::select! {
            () = relay::serve(&shared, listener) => (),
            _ = stopped => (),
        }
    }
}

/// A client of the API server without an identity: each request brings its own.
async fn upstream(mut config: Kubeconfig) -> Result<kube::Client, ProxyError> {
    for user in &mut config.auth_infos {
        user.auth_info = None;
    }
    let mut config =
        kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(kube::Client::try_from(config).map_err(Box::new)?)
}
