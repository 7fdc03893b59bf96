//! Copy: one `rollout operator` as a process of its own, so that its memory and its time can be told apart.
//!
//! In: a place. Out: what the system says of the process. It must have been built in release mode, as
//! `cargo xtask bench kubernetes` does.

use std::{
    env, fmt,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rollout_live::place::Place;

use crate::Failure;

/// Ticks of a second in what the system says of a process; the same on every Linux.
const TICKS: u64 = 100;

/// One copy of the operator. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Copy {
    process: Child,
    log: PathBuf,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Time on processors.
    pub(crate) cpu: Duration,
    /// Memory now.
    pub(crate) memory_kib: u64,
    /// Memory at most.
    pub(crate) memory_most_kib: u64,
}

impl Copy {
    /// Starts one that looks after the namespace of `place`.
    pub(crate) fn start(place: &mut Place) -> Result<Self, Failure> {
        // This program lies in `release/deps`.
        let program = env::current_exe()?.with_file_name("../rollout");
        if !program.exists() {
            let why =
                format!("{}: build it by `cargo build --release --bin rollout`", program.display());
            return Err(why.into());
        }
        let log = env::temp_dir().join(format!("{}.log", place.namespace()));
        let kubeconfig = place.cluster().kubeconfig();
        let process = Command::new(program)
            .args(["operator", "--namespace", place.namespace()])
            .args(["--lease-namespace", place.namespace(), "--listen", "127.0.0.1:0"])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .env("RUST_LOG", env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self { process, log })
    }

    /// What it has used so far.
    pub(crate) fn used(&self) -> Result<Used, Failure> {
        Used::of(self.process.id())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Already gone is as good.
        self.process.kill().ok();
        self.process.wait().ok();
        // One that had nothing to say leaves nothing behind.
        if fs::metadata(&self.log).is_ok_and(|log| log.len() == 0) {
            fs::remove_file(&self.log).ok();
        }
    }
}

impl Used {
    /// What the process `pid` has used.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may have spaces.
        let (_, fields) = stat.rsplit_once(") ").ok_or("no process status")?;
        let field = |nth: usize| -> Result<u64, Failure> {
            Ok(fields.split(' ').nth(nth).ok_or("no time of the process")?.parse()?)
        };
        let ticks = field(11)? + field(12)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let memory = |name: &str| -> Result<u64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.ok_or("no memory of the process")?.parse()?)
        };
        Ok(Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS),
            memory_kib: memory("VmRSS:")?,
            memory_most_kib: memory("VmHWM:")?,
        })
    }

    /// The same without the time that was used `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), ..self }
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib.div_ceil(1024);
        let (now, most) = (mib(self.memory_kib), mib(self.memory_most_kib));
        write!(f, "{:.1} CPU s, {now} MiB, {most} MiB at most", self.cpu.as_secs_f64())
    }
}
