//! Hooks: jobs outside. A run is known by its key, begun once, and ends by itself, well or badly.

use rollout_core::{engine::HookState, id::HookRun};

use super::{Receipt, World};

/// One run of a hook, as it truly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// When it ends, in milliseconds.
    pub ends: u64,
    /// Whether it ends badly.
    pub fails: bool,
    /// Whether whoever runs it has forgotten it.
    pub forgotten: bool,
    /// Attempts at beginning it that arrived.
    pub attempts: u64,
}

/// Shortest and longest run where nothing is wrong, in milliseconds.
const LENGTH: (u64, u64) = (50, 2500);

impl World {
    /// Begins a run, unless it was begun before.
    pub(super) fn begin_job(&mut self, run: &HookRun) -> Receipt {
        if let Some(job) = self.jobs.get_mut(run) {
            job.attempts += 1;
            return self.applied();
        }
        let ends = self.now + self.job_stream.magnitude(LENGTH.0, LENGTH.1);
        self.jobs.insert(run.clone(), Job { ends, fails: false, forgotten: false, attempts: 1 });
        self.changed();
        self.applied()
    }

    /// Every run that was ever begun.
    #[must_use]
    pub const fn jobs(&self) -> &std::collections::BTreeMap<HookRun, Job> {
        &self.jobs
    }

    /// The run of that key, to spoil it.
    pub(crate) fn job_mut(&mut self, run: &HookRun) -> Option<&mut Job> {
        self.jobs.get_mut(run)
    }

    /// How a run stands, as whoever runs it says.
    #[must_use]
    pub fn poll(&self, run: &HookRun) -> HookState {
        match self.jobs.get(run) {
            None => HookState::Missing,
            Some(job) if job.forgotten => HookState::Missing,
            Some(job) if self.now < job.ends => HookState::Running,
            Some(Job { fails: false, .. }) => HookState::Succeeded,
            Some(Job { fails: true, .. }) => HookState::Failed { detail: "exit 1".to_owned() },
        }
    }
}
