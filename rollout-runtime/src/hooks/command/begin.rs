//! The beginning of a command: the lock, the durable mark, then the process, in this order.

use std::{
    env, io,
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use rollout_core::{
    engine::{Action, Outcome, RefusalKind, Retry},
    id::HookRun,
    spec::Hook,
};
use tokio::process::{Child, Command};

use super::{
    super::{
        folder::RunFolder,
        words::{CommandWords, WordsError, secret},
    },
    BEGUN, LOCK, OUTPUT, Promise,
};

/// Runs the words after the folder and writes down the group and the exit code. The lock is what all of it
/// reads as standard input, so it is held until the last process has ended.
const WRAPPER: &str =
    r#"folder=$1; shift; echo $$ >"$folder/group"; "$@"; echo $? >"$folder/exit""#;

/// Variables that a command gets from the engine without being asked for.
const KEPT: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// Everything that a beginning needs.
pub(super) struct Beginning {
    pub(super) folder: RunFolder,
    promise: Promise,
    words: Vec<String>,
    env: Vec<(String, String)>,
}

/// What a beginning came to.
pub(super) enum Begun {
    /// The command runs now.
    Now(Child),
    /// It was begun before.
    Before,
}

/// A command that was not begun.
pub(super) enum NotBegun {
    /// Another attempt is at it.
    Busy,
    /// The system refused.
    System(io::Error),
}

impl From<io::Error> for NotBegun {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl NotBegun {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Busy => {
                Outcome::refused(RefusalKind::Busy, "another attempt begins it now", Retry::Backoff)
            }
            Self::System(error) => {
                let why = format!("the command could not be started: {error}");
                Outcome::refused(RefusalKind::Unreachable, why, Retry::Backoff)
            }
        }
    }
}

impl Beginning {
    /// Looks up what the command gets. Touches nothing.
    pub(super) fn new(
        folder: RunFolder,
        action: &Action,
        run: &HookRun,
        hook: &Hook,
        words: &CommandWords,
    ) -> Result<Self, WordsError> {
        let mut env: Vec<(String, String)> = Vec::new();
        for name in KEPT {
            env.extend(env::var(name).ok().map(|value| (name.to_owned(), value)));
        }
        env.extend(words.env.clone());
        for name in &words.secrets {
            env.push((name.clone(), secret(name)?));
        }
        let told = [
            ("ROLLOUT_WORKLOAD", action.workload.to_string()),
            ("ROLLOUT_ATTEMPT", action.attempt.0.to_string()),
            ("ROLLOUT_HOOK", hook.name.clone()),
            ("ROLLOUT_RUN", run.to_string()),
        ];
        env.extend(told.map(|(name, value)| (name.to_owned(), value)));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let until = now.saturating_add(hook.deadline.as_millis());
        let promise = Promise { secrets: words.secrets.clone(), until };
        Ok(Self { folder, promise, words: words.command.clone(), env })
    }

    /// Begins the command, unless it was begun before. Blocks; must be called within a tokio runtime.
    pub(super) fn begin(self) -> Result<Begun, NotBegun> {
        let was_begun = || self.folder.path(BEGUN).try_exists();
        self.folder.make()?;
        let Some(lock) = self.folder.lock(LOCK)? else {
            return if was_begun()? { Ok(Begun::Before) } else { Err(NotBegun::Busy) };
        };
        if was_begun()? {
            return Ok(Begun::Before);
        }
        let output = self.folder.growing(OUTPUT)?;
        self.folder.write(BEGUN, &self.promise)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WRAPPER, "rollout-hook"])
            .arg(self.folder.path(""))
            .args(&self.words)
            .env_clear()
            .envs(self.env)
            .process_group(0)
            .stdin(lock)
            .stderr(output.try_clone()?)
            .stdout(Stdio::from(output));
        match command.spawn() {
            Ok(child) => Ok(Begun::Now(child)),
            Err(error) => {
                // Nothing was started, and nothing of the mark is left to say so.
                std::fs::remove_file(self.folder.path(BEGUN))?;
                Err(error.into())
            }
        }
    }
}
