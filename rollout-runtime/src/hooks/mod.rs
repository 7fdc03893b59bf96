//! Hooks: jobs beside the engine, each begun once under its key, as a command or by a request.
//!
//! In: the `run` of a hook, in the words of [`HookWords`]. Out: whether it was begun, and how it stands.
//! Absent: retries and deadlines of a rollout, which are the engine's; a shell between the words of a
//! command; values of secrets in any file, log or message.
//!
//! What is known of a run stands in a folder of its own beside the journal, so that an engine that comes
//! after finds it again:
//!
//! - **At most once.** The mark that a run was begun is durable before its command starts or its request
//!   leaves. Nothing starts a command twice under one key, whatever dies when.
//! - **Found again.** A command runs in a process group of its own and outlives the engine. It holds a lock
//!   that the kernel releases with its last process, so that "it still runs" is never guessed from a
//!   number that another process may have by now. A small shell writes down its exit code.
//! - **Said so where nobody knows.** A command that was killed together with that shell, or a machine that
//!   went down, leaves neither lock nor exit code: the run is [`HookState::Missing`], which the engine takes
//!   for a failure. So is one whose engine died in the moment between mark and start.
//! - **Ended in time.** A command that runs beyond the deadline of its hook is told to end, and killed 5 s
//!   later, by the engine that began it or by one that finds it.
//!
//! Folders of ended runs are kept: they are what makes a repeated attempt harmless.

mod command;
mod folder;
mod request;
mod words;

use std::path::PathBuf;

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Effect, HookState, Outcome, RefusalKind, Retry},
    id::{HookRun, WorkloadId},
    port::{Hooks, ObserveError},
};

pub use self::{
    command::CommandHooks,
    folder::FolderError,
    request::HttpHooks,
    words::{CommandWords, HookWords, RequestMethod, RequestWords, WordsError},
};

/// Hooks of both kinds, told apart by their words.
#[derive(Debug)]
pub struct JobHooks {
    commands: CommandHooks,
    requests: HttpHooks,
}

impl JobHooks {
    /// Keeps what is known of runs in `folder`, which is made for its owner alone. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if the folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let folder = folder.into();
        let requests = HttpHooks::open(&folder)?;
        Ok(Self { commands: CommandHooks::open(folder)?, requests })
    }
}

#[async_trait]
impl Hooks for JobHooks {
    async fn apply(&self, action: &Action) -> Outcome {
        let Effect::Run { hook, .. } = &action.effect else {
            return no_run(action);
        };
        match HookWords::read(&hook.run) {
            Ok(HookWords::Command(_)) => self.commands.apply(action).await,
            Ok(HookWords::Request(_)) => self.requests.apply(action).await,
            Err(error) => invalid(&error),
        }
    }

    async fn poll(&self, workload: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        match self.requests.poll(workload, run).await {
            Ok(HookState::Missing) => self.commands.poll(workload, run).await,
            told => told,
        }
    }
}

/// The answer to an action that is no run of a hook.
fn no_run(action: &Action) -> Outcome {
    invalid(&format!("`{action}` is no run of a hook"))
}

/// A refusal that trying again does not change.
fn invalid(why: &impl ToString) -> Outcome {
    Outcome::refused(RefusalKind::Invalid, why.to_string(), Retry::Never)
}
