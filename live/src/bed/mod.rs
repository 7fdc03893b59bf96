//! Bed: a Docker engine, images, a network and a load balancer, started in seconds and gone afterwards.
//!
//! In: a Linux host with `docker`, `haproxy` and, unless an engine is named, `dockerd` and root. Out: a
//! [`Bed`]. Whatever happens to this process, a reaper removes what it started. Absent: rollouts.

mod command;
mod compose;
mod dockerd;
mod haproxy;
mod images;
mod reaper;
mod tools;

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

pub(crate) use self::{command::output, dockerd::last_lines, reaper::Reaper};
pub use self::{
    compose::{Manners, compose_file},
    haproxy::Haproxy,
    images::{Image, build_server},
};

/// Removes what a bed started.
const REAPER: &str = include_str!("reaper.sh");
/// Port the server under test listens on.
pub const SERVER_PORT: u16 = 8080;

/// A bed that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BedError {
    /// Programs are not installed.
    #[error(
        "`{programs}` not found in PATH; on Debian `apt-get install docker.io haproxy iproute2`, or run `cargo xtask live docker`, which does so"
    )]
    Missing {
        /// The programs, separated by `, `.
        programs: String,
    },
    /// A program cannot be started.
    #[error("`{command}` cannot be run: {why}")]
    Run {
        /// The command line.
        command: String,
        /// Why not.
        why: io::Error,
    },
    /// A program ended badly.
    #[error("`{command}` failed (exit code {code:?}): {said}")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit code; `None`: killed by a signal.
        code: Option<i32>,
        /// What it printed on standard error.
        said: String,
    },
    /// A program was started and never answered.
    #[error("{program} does not start; the end of its log: {said}")]
    NoStart {
        /// The program.
        program: &'static str,
        /// The last lines of its log.
        said: String,
    },
    /// Something was begun and is not done in time.
    #[error("{what} is not done after {} s: {seen}", deadline.as_secs())]
    Late {
        /// What was begun.
        what: &'static str,
        /// How long it had.
        deadline: Duration,
        /// How things stand.
        seen: String,
    },
    /// The bed's folder cannot be used.
    #[error("{path}: {why}", path = path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
}

impl BedError {
    fn folder(path: &Path, why: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), why }
    }
}

/// What a live test needs around it. Dropping it removes everything.
#[derive(Debug)]
pub struct Bed {
    tag: String,
    dir: PathBuf,
    host: String,
    /// Removes the rest; dropped last of all.
    _reaper: Reaper,
}

impl Bed {
    /// Starts a bed: the engine that `ROLLOUT_TEST_DOCKER` or `DOCKER_HOST` names, else one of its own;
    /// all images; a network.
    ///
    /// # Errors
    ///
    /// [`BedError`] with the way out. What was started until then is removed.
    pub fn start() -> Result<Self, BedError> {
        Self::bare()?.furnished()
    }

    fn furnished(self) -> Result<Self, BedError> {
        images::build(&self.host, &self.dir, &self.tag)?;
        let label = self.label();
        self.docker(["network", "create", "--label", &label, &self.tag])?;
        Ok(self)
    }

    /// Starts a bed with nothing but an engine.
    ///
    /// # Errors
    ///
    /// As [`Bed::start`].
    pub fn bare() -> Result<Self, BedError> {
        Self::on(dockerd::given())
    }

    /// Starts another bed on the engine of this one, with images and a network of its own. It is to be
    /// dropped first.
    ///
    /// # Errors
    ///
    /// As [`Bed::start`].
    pub fn beside(&self) -> Result<Self, BedError> {
        Self::on(Some(self.host.clone()))?.furnished()
    }

    fn on(given: Option<String>) -> Result<Self, BedError> {
        static BEDS: AtomicU64 = AtomicU64::new(0);
        tools::check(given.is_none())?;
        let nth = BEDS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("rollout-bed-{}-{nth}", std::process::id());
        let dir = std::env::temp_dir().join(&tag);
        fs::create_dir_all(&dir).map_err(|why| BedError::folder(&dir, why))?;
        let reaper = Reaper::watch(REAPER, &dir, &tag)?;
        let host = match given {
            Some(host) => host,
            None => dockerd::start(&dir)?,
        };
        dockerd::answers(&host)?;
        let file = dir.join("engine");
        fs::write(&file, &host).map_err(|why| BedError::folder(&file, why))?;
        Ok(Self { tag, dir, host, _reaper: reaper })
    }

    /// Address of the engine, as in `DOCKER_HOST`.
    #[must_use]
    pub fn docker_host(&self) -> &str {
        &self.host
    }

    /// Name of the network the servers are to join.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.tag
    }

    /// A folder that is removed with the bed: for journals, sockets, specs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Name of an image.
    #[must_use]
    pub fn image(&self, image: Image) -> String {
        format!("{}:{}", self.tag, image.version())
    }

    /// `key=value` of the label that everything of this bed may carry.
    #[must_use]
    pub fn label(&self) -> String {
        format!("rollout.bed={}", self.tag)
    }

    /// Runs the `docker` command against the bed's engine and returns what it printed, trimmed.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what it complained of.
    pub fn docker<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, BedError> {
        output(Command::new("docker").args(args).env("DOCKER_HOST", &self.host))
    }

    /// Runs one container of `image` by hand, as no rollout does. Returns its id and address.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what Docker complained of.
    ///
    /// # Panics
    ///
    /// If Docker reports an address that is none.
    pub fn run(&self, image: Image, env: &[&str]) -> Result<(String, IpAddr), BedError> {
        let (label, image) = (self.label(), self.image(image));
        let mut args = vec!["run", "--detach", "--label", &label, "--network", self.network()];
        args.extend(env.iter().flat_map(|pair| ["--env", pair]));
        args.push(&image);
        let id = self.docker(args)?;
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = self.docker(["inspect", "--format", format, &id])?;
        Ok((id, address.parse().expect("a running container has an address")))
    }

    /// Containers on the bed's network: id and image, running or not, in order of id.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what Docker complained of.
    pub fn containers(&self) -> Result<Vec<(String, String)>, BedError> {
        let on_network = format!("network={}", self.tag);
        let listed = self.docker([
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            &on_network,
            "--format",
            "{{.ID}} {{.Image}}",
        ])?;
        let mut all: Vec<_> = listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, image)| (id.to_owned(), image.to_owned()))
            .collect();
        all.sort_unstable();
        Ok(all)
    }

    /// Running containers of the bed's network by version; `None` counts those of a foreign image.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what Docker complained of.
    pub fn versions(&self) -> Result<BTreeMap<Option<&'static str>, usize>, BedError> {
        let mut by_id = BTreeMap::new();
        for image in Image::ALL {
            let name = self.image(image);
            let id = self.docker(["image", "inspect", "--format", "{{.Id}}", &name])?;
            by_id.insert(id, image.version());
        }
        let mut versions = BTreeMap::new();
        for (id, _) in self.containers()? {
            let seen =
                self.docker(["inspect", "--format", "{{.State.Running}} {{.Image}}", &id])?;
            if let Some(image) = seen.strip_prefix("true ") {
                *versions.entry(by_id.get(image).copied()).or_default() += 1;
            }
        }
        Ok(versions)
    }

    /// Starts a load balancer with one empty backend, `web`. One per bed.
    ///
    /// # Errors
    ///
    /// [`BedError::NoStart`] if HAProxy does not come up.
    pub fn haproxy(&self) -> Result<Haproxy, BedError> {
        Haproxy::start(&self.dir)
    }
}
