//! Answers that a real engine gives too seldom: silence, broken connections, refusals, secrets in the way.

#[cfg(test)]
mod tests {
    use std::{
        path::PathBuf,
        sync::{Arc, Mutex},
    };

    use rollout_core::{
        engine::{Action, Effect, Outcome, RefusalKind, Retry, Revision},
        id::{ActionId, Attempt, Epoch, InstanceId, Mark, RevisionId, WorkloadId},
        port::Backend as _,
        time::Span,
    };
    use rollout_docker::{DockerBackend, Options};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixListener,
    };

    /// What the fake says to one request.
    #[derive(Clone, Copy)]
    enum Say {
        Answer(u16, &'static str),
        Nothing,
        HangUp,
    }

    /// An engine that answers what a test wants; the requests it got are kept.
    struct Fake {
        socket: PathBuf,
        requests: Arc<Mutex<Vec<String>>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Fake {
        fn new(name: &str, say: fn(&str) -> Say) -> Self {
            let file = format!("rollout-fake-{name}-{}.sock", std::process::id());
            let socket = std::env::temp_dir().join(file);
            std::fs::remove_file(&socket).ok();
            let listener = UnixListener::bind(&socket).unwrap();
            let requests: Arc<Mutex<Vec<String>>> = Arc::default();
            let kept = Arc::clone(&requests);
            let task = tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let kept = Arc::clone(&kept);
                    tokio::spawn(async move {
                        let mut buffer = vec![0; 65_536];
                        let read = stream.read(&mut buffer).await.unwrap_or(0);
                        let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                        kept.lock().unwrap().push(request.clone());
                        match say(&request) {
                            Say::Answer(status, body) => {
                                let head = format!(
                                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                                    body.len()
                                );
                                stream.write_all(head.as_bytes()).await.ok();
                            }
                            Say::Nothing => std::future::pending().await,
                            Say::HangUp => (),
                        }
                    });
                }
            });
            Self { socket, requests, task }
        }

        async fn connect(&self) -> DockerBackend {
            DockerBackend::connect(Options {
                host: format!("unix://{}", self.socket.display()),
                deadline: Span::from_millis(300),
                environment: Arc::new(|name| Some(format!("secret of {name}"))),
            })
            .await
            .unwrap()
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.task.abort();
            std::fs::remove_file(&self.socket).ok();
        }
    }

    /// Says what comes before any order: the version, and that nobody reigns.
    fn calm(request: &str) -> Option<Say> {
        if request.contains("/version") {
            return Some(Say::Answer(200, r#"{"ApiVersion":"1.41"}"#));
        }
        request.contains("GET /volumes").then_some(Say::Answer(200, r#"{"Volumes":[]}"#))
    }

    fn create() -> Action {
        let revision = Arc::new(Revision {
            id: RevisionId::new("v1").unwrap(),
            template: serde_json::json!({ "image": "sha256:1", "env_from": ["TOKEN"] }),
        });
        Action {
            id: ActionId(1),
            epoch: Epoch(1),
            attempt: Attempt(1),
            workload: WorkloadId::new("web").unwrap(),
            effect: Effect::Create {
                instance: InstanceId::new("web-v1-1").unwrap(),
                revision: revision.id.clone(),
            },
            revision: Some(revision),
        }
    }

    #[tokio::test]
    async fn silence_and_broken_connections_are_unknown() {
        for (name, say) in [
            ("silent", (|request| calm(request).unwrap_or(Say::Nothing)) as fn(&str) -> Say),
            ("broken", |request| calm(request).unwrap_or(Say::HangUp)),
            ("failing", |request| {
                calm(request).unwrap_or(Say::Answer(500, r#"{"message":"boom"}"#))
            }),
        ] {
            let fake = Fake::new(name, say);
            let outcome = fake.connect().await.apply(&create()).await;
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{name}: {outcome}");
        }
    }

    #[tokio::test]
    async fn refusals_keep_their_kind_and_the_daemons_words() {
        let fake = Fake::new("missing", |request| {
            calm(request).unwrap_or(Say::Answer(404, r#"{"message":"No such image: x"}"#))
        });
        match fake.connect().await.apply(&create()).await {
            Outcome::Refused { why, retry } => {
                assert_eq!((why.kind, retry), (RefusalKind::Missing, Retry::Never));
                assert!(why.detail.contains("No such image: x"), "{why}");
            }
            other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn an_engine_that_has_gone_was_never_reached() {
        let fake = Fake::new("gone", |request| calm(request).unwrap_or(Say::Nothing));
        let backend = fake.connect().await;
        fake.task.abort();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        match backend.apply(&create()).await {
            Outcome::Refused { why, retry } => {
                assert_eq!((why.kind, retry), (RefusalKind::Unreachable, Retry::Backoff));
            }
            other @ (Outcome::Applied { .. } | Outcome::Unknown { .. }) => panic!("{other}"),
        }
        let workload = WorkloadId::new("web").unwrap();
        let error = backend.observe(&workload).await.unwrap_err();
        assert!(error.to_string().contains("rollout-fake-gone"), "{error}");
    }

    #[tokio::test]
    async fn an_engine_that_never_answers_is_given_up() {
        let fake = Fake::new("mute", |_| Say::Nothing);
        let error = DockerBackend::connect(Options {
            host: format!("unix://{}", fake.socket.display()),
            deadline: Span::from_millis(100),
            ..Options::default()
        })
        .await
        .unwrap_err();
        assert!(error.why.contains("no answer within 100ms"), "{error}");
    }

    #[tokio::test]
    async fn a_secret_goes_into_the_environment_and_nowhere_else() {
        let fake = Fake::new("secret", |request| {
            calm(request).unwrap_or(Say::Answer(201, r#"{"Id":"abc","Warnings":[]}"#))
        });
        let backend = fake.connect().await;
        assert_eq!(backend.apply(&create()).await, Outcome::Applied { mark: Mark(1) });
        let requests = fake.requests.lock().unwrap().clone();
        let create =
            requests.iter().find(|request| request.contains("/containers/create")).unwrap();
        assert_eq!(create.matches("secret of TOKEN").count(), 1, "{create}");
        assert!(create.contains("TOKEN=secret of TOKEN"), "{create}");
    }
}
