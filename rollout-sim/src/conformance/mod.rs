//! Conformance: what every backend must do, as a suite that it runs against itself.
//!
//! In: a [`Bench`], which gives the ports and a way to break things. Out: one [`CaseResult`] per case. A
//! backend that passes behaves towards the engine as the simulated one does, so what simulation shows
//! holds for it. Absent: tokio; the bench waits in its own way.

mod case;
mod counts;
mod enrolment;
mod fence;
mod in_place;
mod lifecycle;
mod route;

use std::{fmt, future::Future, pin::Pin};

use async_trait::async_trait;
use rollout_core::{
    id::{InstanceId, WorkloadId},
    port::{Backend, Enrolment, Making, Router},
    time::Span,
};
use serde_json::Value;

use self::case::Case;

/// The thing under test and how to handle it.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The backend. All calls must give the same one.
    fn backend(&self) -> &dyn Backend;

    /// How instances are taken in and out of traffic; `None`: they cannot be.
    fn enrolment(&self) -> Option<&dyn Enrolment>;

    /// How traffic is shared; `None`: it cannot be.
    fn router(&self) -> Option<&dyn Router>;

    /// A workload that nobody has heard of.
    fn fresh_workload(&self) -> WorkloadId;

    /// A template whose instances start and run on.
    fn template(&self) -> Value;

    /// Another such template.
    fn other_template(&self) -> Value;

    /// A template that cannot be pinned; `None`: every template can.
    fn bad_template(&self) -> Option<Value>;

    /// Lets the process of an instance die, by nobody's order; where instances are made by count, the instance.
    async fn kill(&self, workload: &WorkloadId, instance: &InstanceId);

    /// Whether requests reach the instance now; `None`: the bench cannot tell.
    async fn gets_traffic(&self, workload: &WorkloadId, instance: &InstanceId) -> Option<bool>;

    /// Lets time pass.
    async fn wait(&self, span: Span);

    /// A text that changes if anything beside the workload is touched.
    async fn foreign(&self) -> String;

    /// Removes everything of the workload, after its case.
    async fn clean(&self, workload: &WorkloadId);
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// What must be so.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is so.
    Passed,
    /// It is not.
    Failed {
        /// What was seen instead.
        why: String,
    },
    /// The bench cannot do what the case needs.
    Skipped {
        /// What it cannot do.
        why: &'static str,
    },
}

/// Why a case ended before its end.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Failed(String),
    Skipped(&'static str),
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// One case: a name that says what must be so, and how to see it.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    name: &'static str,
    run: for<'a> fn(&'a Case<'a>) -> Running<'a>,
}

/// Runs every case for the way in which the backend makes instances, one after the other, each on a workload of
/// its own.
pub async fn run(bench: &dyn Bench) -> Vec<CaseResult> {
    let mut results = Vec::new();
    let life = match bench.backend().making() {
        Making::ByCount => counts::CASES,
        Making::InPlace { .. } => in_place::CASES,
        Making::ByName | _ => lifecycle::CASES,
    };
    let groups = [life, fence::CASES, enrolment::CASES, route::CASES];
    for entry in groups.into_iter().flatten() {
        let case = Case::new(bench);
        let before = bench.foreign().await;
        let outcome = (entry.run)(&case).await;
        bench.clean(&case.workload).await;
        let after = bench.foreign().await;
        let verdict = match outcome {
            Ok(()) if before == after => Verdict::Passed,
            Ok(()) => Verdict::Failed {
                why: format!("something foreign was touched: {before} became {after}"),
            },
            Err(Stop::Failed(why)) => Verdict::Failed { why },
            Err(Stop::Skipped(why)) => Verdict::Skipped { why },
        };
        results.push(CaseResult { name: entry.name, verdict });
    }
    results
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "passed   {}", self.name),
            Verdict::Failed { why } => write!(f, "FAILED   {}: {why}", self.name),
            Verdict::Skipped { why } => write!(f, "skipped  {}: {why}", self.name),
        }
    }
}
