//! Tool: the `rollout` command as a process of its own, which can be watched, refused and killed.
//!
//! In: variables, arguments. Out: what it said and how it ended. Absent: an engine in this
//! process; a kill hits all there is.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    bed::{BedError, output},
    rig::Rig,
};

/// A test target: cargo unites the features of tests only where one is asked for.
const SUITE: &str = "bed";
/// The program under test.
const PROGRAM: &str = "rollout";

/// The program, with its variables: those that make the files of `examples/docker` mean one rig, for one.
#[derive(Clone, Debug)]
pub struct Tool {
    program: PathBuf,
    variables: Vec<(String, String)>,
    dir: PathBuf,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None`: killed.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
}

/// A run under way. Dropping it kills it, as nothing else could.
#[derive(Debug)]
pub struct Running {
    process: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Tool {
    /// The program on a rig of Docker and HAProxy. It is built, unless it is built already.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what `cargo` said.
    pub fn on(rig: &Rig) -> Result<Self, BedError> {
        let variables = rig.bed().variables(rig.haproxy(), rig.manners());
        let tool = variables
            .iter()
            .fold(Self::within(rig.bed().dir())?, |tool, (name, value)| tool.with(name, value));
        Ok(tool.with("DOCKER_HOST", rig.bed().docker_host()))
    }

    /// The program in the folder `dir`, where it keeps its words. It is built, unless it is built already.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what `cargo` said.
    pub fn within(dir: &Path) -> Result<Self, BedError> {
        Ok(Self { program: build()?, variables: Vec::new(), dir: dir.to_owned() })
    }

    /// The same program with one variable more, or another value of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// [`BedError::Run`] if it cannot be started, [`BedError::Folder`] if its words cannot be kept.
    pub fn start<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Running, BedError> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let n = RUNS.fetch_add(1, Ordering::Relaxed);
        let file = |kind: &str| self.dir.join(format!("run-{n}.{kind}"));
        let (out, err) = (file("out"), file("err"));
        let process = Command::new(&self.program)
            .args(args)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(create(&out)?)
            .stderr(create(&err)?)
            .spawn()
            .map_err(|why| BedError::Run { command: PROGRAM.to_owned(), why })?;
        Ok(Running { process, out, err })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// As [`Tool::start`].
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Ran, BedError> {
        self.start(args)?.wait()
    }
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// [`BedError::Folder`] if its words are lost.
    pub fn wait(mut self) -> Result<Ran, BedError> {
        let ended = self.process.wait();
        self.told(ended.map(|status| status.code()))
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    ///
    /// [`BedError::Run`] if the system does not know.
    pub fn has_ended(&mut self) -> Result<bool, BedError> {
        let ended = self.process.try_wait();
        ended.map(|status| status.is_some()).map_err(Self::lost)
    }

    /// Kills it with `SIGKILL`, which it cannot see coming. Its code is `None` unless it ended before.
    ///
    /// # Errors
    ///
    /// As [`Running::wait`].
    pub fn kill(mut self) -> Result<Ran, BedError> {
        self.process.kill().map_err(Self::lost)?;
        self.wait()
    }

    /// What it has printed on standard output so far.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    fn told(&self, code: io::Result<Option<i32>>) -> Result<Ran, BedError> {
        let text = |path: &Path| {
            let bytes =
                fs::read(path).map_err(|why| BedError::Folder { path: path.into(), why })?;
            Ok::<_, BedError>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (out, err) = (text(&self.out)?, text(&self.err)?);
        Ok(Ran { code: code.map_err(Self::lost)?, out, err })
    }

    fn lost(why: io::Error) -> BedError {
        BedError::Run { command: PROGRAM.to_owned(), why }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn create(path: &Path) -> Result<File, BedError> {
    File::create(path).map_err(|why| BedError::Folder { path: path.to_owned(), why })
}

fn build() -> Result<PathBuf, BedError> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or(workspace.join("target"), PathBuf::from);
    output(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            // Selected as the test bed is, so that nothing is built anew with other features.
            .args(["build", "--workspace", "--locked", "--bin", PROGRAM, "--test", SUITE])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&workspace),
    )?;
    Ok(target.join("debug").join(PROGRAM))
}
