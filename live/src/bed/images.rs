//! Images: the server under test in its versions, FROM scratch.
//!
//! In: the sources of `live/web`. Out: one image per [`Image`], named after the bed. Absent: a registry.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{BedError, command::output};

const DOCKERFILE: &str = include_str!("../../web/Dockerfile");
const BINARY: &str = "rollout-live-web";

/// A version of the server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// The first good version, `v1`.
    V1,
    /// The next good version, `v2`.
    V2,
    /// A version `v3` that never gets ready.
    Broken,
    /// A version `v4` that gets ready and fails for good when 3 s old: its health answers 503, and one
    /// ordinary request in five 500.
    Degrading,
}

impl Image {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::V1, Self::V2, Self::Broken, Self::Degrading];

    /// What it answers as its version, and the tag of its image.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Broken => "v3",
            Self::Degrading => "v4",
        }
    }

    /// The variable `HEALTH` of its image.
    pub(crate) fn health(self) -> &'static str {
        match self {
            Self::V1 | Self::V2 => "good",
            Self::Broken => "never",
            Self::Degrading => "fail_after:3000ms",
        }
    }

    /// The variable `BAD_SHARE` of its image.
    pub(crate) fn bad_share(self) -> &'static str {
        match self {
            Self::V1 | Self::V2 | Self::Broken => "0",
            Self::Degrading => "20",
        }
    }
}

/// Builds the server static, for this host and for images without a C library.
///
/// # Errors
///
/// [`BedError::Failed`] with what `cargo` said.
pub fn build_server() -> Result<PathBuf, BedError> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or(workspace.join("target"), PathBuf::from);
    let target = target.join("static");
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    output(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--locked", "--package", BINARY, "--target", &triple])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&workspace)
            .env("RUSTFLAGS", "-C target-feature=+crt-static -C strip=symbols"),
    )?;
    Ok(target.join(triple).join("release").join(BINARY))
}

/// Builds every [`Image`] on the engine at `host`, named `name:version`.
pub(super) fn build(host: &str, dir: &Path, name: &str) -> Result<(), BedError> {
    let context = dir.join("image");
    let binary = build_server()?;
    fs::create_dir_all(&context).map_err(|why| BedError::folder(&context, why))?;
    fs::write(context.join("Dockerfile"), DOCKERFILE)
        .and_then(|()| fs::copy(&binary, context.join(BINARY)))
        .map_err(|why| BedError::folder(&context, why))?;
    for image in Image::ALL {
        let argument = |key: &str, value: &str| format!("{key}={value}");
        output(
            Command::new("docker")
                .args(["build", "--quiet", "--label", &format!("rollout.bed={name}")])
                .args(["--build-arg", &argument("VERSION", image.version())])
                .args(["--build-arg", &argument("HEALTH", image.health())])
                .args(["--build-arg", &argument("BAD_SHARE", image.bad_share())])
                .args(["--tag", &format!("{name}:{}", image.version())])
                .arg(&context)
                .env("DOCKER_HOST", host)
                // The plain builder needs no plug-in, which a fresh machine does not have.
                .env("DOCKER_BUILDKIT", "0"),
        )?;
    }
    Ok(())
}
