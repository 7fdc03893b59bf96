//! What every live test starts from: an engine, an image, names of its own, and tidying up.

use std::{
    collections::HashMap,
    env,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rollout_core::{
    engine::{Action, Effect, Outcome, Revision},
    id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, WorkloadId},
    port::{Backend as _, Claim},
    time::Span,
};
use rollout_docker::{DockerBackend, Options};

/// Address of the engine to test against; `None` after saying so.
pub(crate) fn engine() -> Option<String> {
    let found = env::var("ROLLOUT_TEST_DOCKER").ok().filter(|host| !host.is_empty());
    if found.is_none() {
        println!("not run: no engine (set ROLLOUT_TEST_DOCKER=unix:///path)");
        assert_ne!(
            env::var("ROLLOUT_REQUIRE_LIVE").as_deref(),
            Ok("1"),
            "ROLLOUT_REQUIRE_LIVE=1, but ROLLOUT_TEST_DOCKER is not set"
        );
    }
    found
}

/// A workload of its own on a real engine.
pub(crate) struct Bed {
    pub(crate) host: String,
    pub(crate) backend: DockerBackend,
    pub(crate) workload: WorkloadId,
    pub(crate) image: String,
    pub(crate) epoch: Epoch,
    actions: AtomicU64,
}

impl Bed {
    /// Connects, makes the image and claims the workload; `None` if there is no engine.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let host = engine()?;
        let workload = format!("t-{name}-{}", std::process::id());
        let mut bed = Self {
            backend: connect(&host, Span::from_secs(30)).await,
            image: image(&host),
            workload: WorkloadId::new(workload).unwrap(),
            epoch: Epoch(0),
            actions: AtomicU64::new(0),
            host,
        };
        bed.epoch = bed.backend.claim(&bed.workload, &claim("one", 1, false)).await.unwrap();
        Some(bed)
    }

    pub(crate) fn instance(&self, name: &str) -> InstanceId {
        InstanceId::new(format!("{}-{name}", self.workload)).unwrap()
    }

    /// A revision made from the test image with `more` fields, pinned.
    pub(crate) async fn revision(&self, id: &str, more: serde_json::Value) -> Arc<Revision> {
        let mut template = serde_json::json!({
            "image": self.image,
            "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"],
        });
        for (field, value) in more.as_object().unwrap() {
            template[field] = value.clone();
        }
        Arc::new(Revision {
            id: RevisionId::new(id.to_owned()).unwrap(),
            template: self.backend.pin(&self.workload, &template).await.unwrap(),
        })
    }

    pub(crate) fn action(&self, effect: Effect, revision: Option<&Arc<Revision>>) -> Action {
        Action {
            id: ActionId(self.actions.fetch_add(1, Ordering::Relaxed) + 1),
            epoch: self.epoch,
            attempt: Attempt(1),
            workload: self.workload.clone(),
            revision: revision.cloned(),
            effect,
        }
    }

    /// Attempts `effect` and returns what came of it.
    pub(crate) async fn attempt(&self, effect: Effect) -> Outcome {
        self.backend.apply(&self.action(effect, None)).await
    }

    pub(crate) async fn create(&self, name: &str, revision: &Arc<Revision>) -> Outcome {
        let effect =
            Effect::Create { instance: self.instance(name), revision: revision.id.clone() };
        self.backend.apply(&self.action(effect, Some(revision))).await
    }

    pub(crate) async fn start(&self, name: &str) -> Outcome {
        let instance = self.instance(name);
        self.attempt(Effect::Start { instance }).await
    }

    pub(crate) async fn stop(&self, name: &str, grace: Span) -> Outcome {
        let instance = self.instance(name);
        self.attempt(Effect::Stop { instance, grace }).await
    }

    pub(crate) async fn remove(&self, name: &str) -> Outcome {
        let instance = self.instance(name);
        self.attempt(Effect::Remove { instance }).await
    }

    /// Output of the `docker` command on this engine.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        docker(&self.host, arguments)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        clean(&self.host, &self.workload);
    }
}

/// Removes everything of `workload`.
pub(crate) fn clean(host: &str, workload: &WorkloadId) {
    let label = format!("label=rollout.workload={workload}");
    let kinds: [(&[&str], &[&str]); 2] =
        [(&["ps", "-aq"], &["rm", "-fv"]), (&["volume", "ls", "-q"], &["volume", "rm"])];
    for (list, remove) in kinds {
        let found = docker(host, &[list, &["--filter", &label]].concat());
        let names: Vec<&str> = found.split_whitespace().collect();
        if !names.is_empty() {
            docker(host, &[remove, &names].concat());
        }
    }
}

/// A backend of its own, with a variable for `env_from`.
pub(crate) async fn connect(host: &str, deadline: Span) -> DockerBackend {
    let variables = HashMap::from([("ROLLOUT_TEST_SECRET", "hunter2")]);
    DockerBackend::connect(Options {
        host: host.to_owned(),
        deadline,
        environment: Arc::new(move |name| variables.get(name).map(|value| (*value).to_owned())),
    })
    .await
    .unwrap()
}

pub(crate) fn claim(owner: &str, epoch: u64, take_over: bool) -> Claim {
    Claim { owner: owner.to_owned(), epoch: Epoch(epoch), take_over }
}

/// Output of the `docker` command.
pub(crate) fn docker(host: &str, arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(["-H", host])
        .args(arguments)
        .output()
        .expect("the docker command is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An image of a static busybox and nothing else, made once.
pub(crate) fn image(host: &str) -> String {
    const NAME: &str = "rollout-test:busybox";
    if !docker(host, &["images", "-q", NAME]).trim().is_empty() {
        return NAME.to_owned();
    }
    let script = "set -e; d=$(mktemp -d); mkdir -p $d/bin $d/tmp; cp /bin/busybox $d/bin/; \
                  for a in sh sleep httpd echo cat touch test; do ln -s busybox $d/bin/$a; done; tar -C $d -c .; rm -r $d";
    let tar = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(tar.status.success(), "a static busybox is needed: apt-get install busybox-static");
    let mut import = Command::new("docker")
        .args(["-H", host, "import", "-", NAME])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&tar.stdout).unwrap();
    assert!(import.wait().unwrap().success());
    NAME.to_owned()
}

/// An address of this host that nobody listens on, below the ports that clients get; never the same twice.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = u64::from(std::process::id()) * 64 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(number % 12_000).expect("it is below 12,000");
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// Whether an outcome is `Applied`.
pub(crate) fn applied(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Applied { .. } => true,
        Outcome::Refused { .. } | Outcome::Unknown { .. } => false,
    }
}
