//! Bench: what the conformance suite needs to handle the backend.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use rollout_core::{
    id::{InstanceId, WorkloadId},
    port::{Backend, Enrolment, Router},
    time::Span,
};
use rollout_sim::conformance::Bench;
use serde_json::{Value, json};

use crate::{backend::ProcessBackend, serve};

/// The backend, and a process beside it that it must not touch.
pub(crate) struct ProcessBench {
    backend: ProcessBackend,
    program: PathBuf,
    port: u16,
    workloads: AtomicU64,
    bystander: Mutex<Child>,
}

impl ProcessBench {
    /// A bench whose instances run `program` in its serving mode on `port`.
    pub(crate) fn new(program: &Path, port: u16) -> Result<Self, Box<dyn Error>> {
        let bystander = Command::new(program)
            .args(["serve", "127.0.0.1", &port.to_string(), "not yours"])
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Self {
            backend: ProcessBackend::default(),
            program: program.to_owned(),
            port,
            workloads: AtomicU64::new(0),
            bystander: Mutex::new(bystander),
        })
    }
}

#[async_trait]
impl Bench for ProcessBench {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }
    fn enrolment(&self) -> Option<&dyn Enrolment> {
        None
    }
    fn router(&self) -> Option<&dyn Router> {
        None
    }
    fn fresh_workload(&self) -> WorkloadId {
        let number = self.workloads.fetch_add(1, Ordering::Relaxed);
        WorkloadId::new(format!("w{number}")).expect("a letter and digits are a name")
    }
    fn template(&self) -> Value {
        serve::template(&self.program, self.port, "one")
    }
    fn other_template(&self) -> Value {
        serve::template(&self.program, self.port, "other")
    }
    fn bad_template(&self) -> Option<Value> {
        Some(json!({ "program": "/no/such/program", "arguments": [] }))
    }
    async fn kill(&self, workload: &WorkloadId, instance: &InstanceId) {
        self.backend.kill(workload, instance);
    }
    async fn gets_traffic(&self, _: &WorkloadId, _: &InstanceId) -> Option<bool> {
        None
    }
    async fn wait(&self, span: Span) {
        tokio::time::sleep(span.to_std()).await;
    }
    async fn foreign(&self) -> String {
        let mut bystander = self.bystander.lock().unwrap_or_else(PoisonError::into_inner);
        format!("the process beside: {:?}", bystander.try_wait())
    }
    async fn clean(&self, workload: &WorkloadId) {
        self.backend.forget(workload);
    }
}

impl Drop for ProcessBench {
    fn drop(&mut self) {
        let bystander = self.bystander.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(bystander.kill());
        drop(bystander.wait());
    }
}
