//! The suite that every backend passes, with Docker and HAProxy under it.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Effect},
    id::{ActionId, Attempt, Epoch, InstanceId, WorkloadId},
    port::{Backend, Enrolment, Router},
    time::Span,
};
use rollout_docker::{
    DockerBackend, HaProxy,
    haproxy::{self, Config, Traffic},
};
use rollout_sim::conformance::{self, Bench, Verdict};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::bed;

/// Port that every instance answers on.
const PORT: u16 = 8080;

struct Docker {
    host: String,
    backend: DockerBackend,
    proxy: HaProxy,
    process: Child,
    folder: PathBuf,
    listen: std::net::SocketAddr,
    image: String,
    stranger: String,
    workloads: AtomicU64,
}

impl Docker {
    async fn new(host: String) -> Self {
        let image = bed::image(&host);
        let folder = std::env::temp_dir().join(format!("rollout-suite-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let listen = bed::free_address();
        let (file, socket) = (folder.join("h.cfg"), folder.join("h.sock"));
        std::fs::write(&file, haproxy::config(&Config::new(listen, "suite", &socket))).unwrap();
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("haproxy is installed");
        while !socket.exists() || TcpStream::connect(listen).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let traffic = json!({ "haproxy": { "socket": socket, "backend": "suite", "port": PORT } });
        let stranger = format!("stranger-{}", std::process::id());
        bed::docker(&host, &["run", "-d", "--name", &stranger, &image, "sleep", "600"]);
        Self {
            backend: bed::connect(&host, Span::from_secs(30)).await,
            proxy: HaProxy::connect(Traffic::read(&traffic).unwrap()).await.unwrap(),
            workloads: AtomicU64::new(0),
            host,
            process,
            folder,
            listen,
            image,
            stranger,
        }
    }

    fn serve(&self, mode: &str) -> Value {
        json!({ "image": self.image, "command": ["httpd", "-f", "-p", PORT.to_string(), "-h", "/etc"], "env": { "MODE": mode } })
    }

    /// The answer to one request, which is the id of the container that answered.
    async fn ask(&self) -> String {
        let mut stream = TcpStream::connect(self.listen).await.unwrap();
        let request = b"GET /hostname HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.rsplit("\r\n").next().unwrap_or_default().trim().to_owned()
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
        bed::docker(&self.host, &["rm", "-f", &self.stranger]);
    }
}

#[async_trait]
impl Bench for Docker {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn enrolment(&self) -> Option<&dyn Enrolment> {
        Some(&self.proxy)
    }

    fn router(&self) -> Option<&dyn Router> {
        Some(&self.proxy)
    }

    fn fresh_workload(&self) -> WorkloadId {
        let number = self.workloads.fetch_add(1, Ordering::Relaxed);
        WorkloadId::new(format!("suite-{}-{number}", std::process::id())).unwrap()
    }

    fn template(&self) -> Value {
        self.serve("one")
    }

    fn other_template(&self) -> Value {
        self.serve("other")
    }

    fn bad_template(&self) -> Option<Value> {
        Some(json!({ "image": "no/such:image" }))
    }

    async fn kill(&self, _workload: &WorkloadId, instance: &InstanceId) {
        bed::docker(&self.host, &["kill", instance.as_str()]);
    }

    async fn gets_traffic(&self, _workload: &WorkloadId, instance: &InstanceId) -> Option<bool> {
        let id = bed::docker(&self.host, &["inspect", "--format", "{{.Id}}", instance.as_str()]);
        for _ in 0..10 {
            let answered = self.ask().await;
            if !answered.is_empty() && id.starts_with(&answered) {
                return Some(true);
            }
        }
        Some(false)
    }

    async fn wait(&self, span: Span) {
        tokio::time::sleep(span.to_std()).await;
    }

    async fn foreign(&self) -> String {
        let format =
            "{{.Id}} {{.State.Status}} {{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}";
        bed::docker(&self.host, &["inspect", "--format", format, &self.stranger])
    }

    async fn clean(&self, workload: &WorkloadId) {
        let enrolled = Enrolment::observe(&self.proxy, workload).await.unwrap();
        for instance in enrolled.instances.into_keys() {
            let action = Action {
                id: ActionId(0),
                epoch: Epoch(1_000_000),
                attempt: Attempt(0),
                workload: workload.clone(),
                revision: None,
                effect: Effect::Detach { instance },
            };
            Enrolment::apply(&self.proxy, &action).await;
        }
        bed::clean(&self.host, workload);
    }
}

#[tokio::test]
async fn docker_and_haproxy_pass_the_suite() {
    let Some(host) = bed::engine() else {
        return;
    };
    let results = conformance::run(&Docker::new(host).await).await;
    for result in &results {
        println!("{result}");
    }
    let short = results.iter().filter(|result| result.verdict != Verdict::Passed).count();
    assert!(!results.is_empty() && short == 0, "{short} of {} cases did not pass", results.len());
}
