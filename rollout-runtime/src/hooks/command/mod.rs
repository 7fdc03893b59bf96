//! Hooks as commands beside the engine, each in a process group of its own.

mod begin;
mod detail;
mod watch;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use rollout_core::{
    engine::{Action, Effect, HookState, Outcome},
    id::{HookRun, Mark, WorkloadId},
    port::{Hooks, ObserveError},
};
use serde::{Deserialize, Serialize};
use tokio::task::{self, JoinSet};

use self::begin::{Beginning, Begun};
use super::{
    folder::{Folder, FolderError, RunFolder},
    invalid, no_run,
    words::{HookWords, secret},
};

/// The mark that a run was begun.
const BEGUN: &str = "begun";
/// What a run holds as long as it lives.
const LOCK: &str = "lock";
/// The number of its process group.
const GROUP: &str = "group";
/// What it printed.
const OUTPUT: &str = "output";
/// The exit code, with a line end once it is whole.
const EXIT: &str = "exit";
/// Bytes of output beyond which what was printed so far is thrown away.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;

/// Runs commands. What is known of a run, and what it printed last, stands in a folder of the run's name.
pub struct CommandHooks {
    folder: Folder,
    /// Ends what runs too long. Dropping it leaves the commands alone.
    watches: Arc<Mutex<JoinSet<()>>>,
}

/// What is known of a run from its beginning on.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Promise {
    /// Names of the variables whose values are not to be shown.
    secrets: Vec<String>,
    /// When it is to be ended, in milliseconds of the wall clock.
    until: u64,
}

impl CommandHooks {
    /// Keeps what is known of runs in `folder`, which is made for its owner alone, and sees to the end of
    /// those that still run there. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if the folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let folder = Folder::open(&folder.into())?;
        let mut watches = JoinSet::new();
        for run in folder.runs()? {
            let found = folder.of(&run);
            if found.is_locked(LOCK).unwrap_or(false) {
                watches.spawn(watch::found(found, run));
            }
        }
        Ok(Self { folder, watches: Arc::new(Mutex::new(watches)) })
    }
}

#[async_trait]
impl Hooks for CommandHooks {
    async fn apply(&self, action: &Action) -> Outcome {
        let Effect::Run { run, hook } = &action.effect else {
            return no_run(action);
        };
        let words = match HookWords::read(&hook.run) {
            Ok(HookWords::Command(words)) => words,
            Ok(HookWords::Request(_)) => {
                return invalid(&"`run` names a url, and only commands are run here");
            }
            Err(error) => return invalid(&error),
        };
        let beginning = match Beginning::new(self.folder.of(run), action, run, hook, &words) {
            Ok(beginning) => beginning,
            Err(error) => return invalid(&error),
        };
        let watches = Arc::clone(&self.watches);
        let limit = hook.deadline;
        // In one piece on a thread that may block: a caller that gives up does not stop it halfway.
        let begun = task::spawn_blocking(move || {
            let folder = beginning.folder.clone();
            beginning.begin().map(|begun| match begun {
                Begun::Now(child) => {
                    let mut watches = watches.lock().unwrap_or_else(PoisonError::into_inner);
                    while watches.try_join_next().is_some() {}
                    watches.spawn_on(watch::begun(child, folder, limit), &handle());
                }
                Begun::Before => (),
            })
        });
        match begun.await {
            Ok(Ok(())) => Outcome::Applied { mark: Mark(0) },
            Ok(Err(error)) => error.outcome(),
            Err(error) => Outcome::unknown(format!("the beginning was cut short: {error}")),
        }
    }

    async fn poll(&self, _: &WorkloadId, run: &HookRun) -> Result<HookState, ObserveError> {
        let folder = self.folder.of(run);
        let path = folder.path(EXIT);
        let looked = task::spawn_blocking(move || look(&folder)).await;
        let failed = |why: String| ObserveError {
            what: format!("hook run {run}"),
            why: format!("{}: {why}", path.display()),
            way_out: "see whether the folder can be read".to_owned(),
        };
        match looked {
            Ok(state) => state.map_err(|error| failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// The runtime that a blocking thread belongs to.
fn handle() -> tokio::runtime::Handle {
    tokio::runtime::Handle::current()
}

/// How a run stands by what its folder holds.
fn look(folder: &RunFolder) -> std::io::Result<HookState> {
    // The lock is looked at between two looks at the exit code: a run that ends meanwhile is not missed.
    if let Some(code) = exit_code(folder)? {
        return ended(folder, code);
    }
    if folder.is_locked(LOCK)? {
        cut_output(folder)?;
        return Ok(HookState::Running);
    }
    match exit_code(folder)? {
        Some(code) => ended(folder, code),
        None => Ok(HookState::Missing),
    }
}

/// The exit code, once it was written in full.
fn exit_code(folder: &RunFolder) -> std::io::Result<Option<i32>> {
    let text = folder.text(EXIT)?;
    Ok(text.as_deref().and_then(|text| text.strip_suffix('\n')?.parse().ok()))
}

fn ended(folder: &RunFolder, code: i32) -> std::io::Result<HookState> {
    if code == 0 {
        return Ok(HookState::Succeeded);
    }
    let names = folder.read::<Promise>(BEGUN)?.map(|mark| mark.secrets).unwrap_or_default();
    let secrets: Result<Vec<String>, _> = names.iter().map(|name| secret(name)).collect();
    let detail = match secrets {
        Ok(secrets) => detail::of(code, &folder.tail(OUTPUT, detail::BYTES_READ)?, &secrets),
        // What cannot be recognised cannot be hidden.
        Err(error) => format!("exit code {code}; its output is not shown: {error}"),
    };
    Ok(HookState::Failed { detail })
}

/// Throws away what was printed so far, if it is too much. The command goes on at the new end.
fn cut_output(folder: &RunFolder) -> std::io::Result<()> {
    let file = folder.growing(OUTPUT)?;
    if OUTPUT_BYTES_MAX < file.metadata()?.len() {
        file.set_len(0)?;
    }
    Ok(())
}

impl fmt::Debug for CommandHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandHooks").field("folder", &self.folder).finish_non_exhaustive()
    }
}
